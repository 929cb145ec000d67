//! Revocations while links are cut, silent, deaf and slow, and processes stopped, killed and restarted. Askers write down
//! what they asked and heard; what was promised is judged from that alone.
//!
//! `KEYWARD_NODE_ROUNDS` says how many rounds, [`KEYS_A_ROUND`] revocations each.

mod fleet;
mod history;

use std::io::Write as _;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward_tests::{Caller, Dice, Gateway, Key, eventually, json, pick};

use fleet::{Fleet, mend};
use history::{Asked, History, Receipt};

/// Two rounds are fifty revocations, forty are a thousand.
const ROUNDS_DEFAULT: u64 = 2;
const KEYS_A_ROUND: usize = 25;
/// Of so many keys a round somebody waits for the receipt that all nodes are through.
const RECEIPTS_A_ROUND: usize = 5;
/// Askers go on for so long after a revocation.
const WATCHED: Duration = Duration::from_millis(7_500);
const READY_WITHIN: Duration = Duration::from_mins(1);

#[test]
fn cyb_10_no_node_accepts_a_key_five_seconds_after_it_was_revoked_whatever_fails() {
    live_through(Fleet::of_one_control_plane);
}

#[test]
fn cyb_10_nor_does_any_node_of_two_control_planes_on_one_database() {
    live_through(Fleet::of_two_control_planes);
}

fn live_through(found: fn() -> Fleet) {
    let rounds = std::env::var("KEYWARD_NODE_ROUNDS")
        .map_or(ROUNDS_DEFAULT, |rounds| rounds.parse().expect("a number"));
    let seed = pick(u64::MAX);
    say(&format!("seed {seed}, {rounds} rounds"));
    let mut dice = Dice::new(seed);
    let mut fleet = found();
    let (history, keys, over) = (History::default(), RwLock::new(Vec::new()), AtomicBool::new(false));
    let doors = fleet.doors();
    thread::scope(|scope| {
        for (node, door) in &doors {
            scope.spawn(|| ask_on(node, door, &keys, &over, &history));
        }
        for _ in 0..rounds {
            round(&mut dice, &mut fleet, &keys, &history);
        }
        over.store(true, Ordering::Relaxed);
    });
    history.judge(doors.iter().map(|(node, _)| node.as_str()));
}

/// Not `println!`: the test harness would keep it to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "outage: {line}");
}

/// Asks a node about every key that there is, again and again.
fn ask_on(node: &str, door: &Caller, keys: &RwLock<Vec<Key>>, over: &AtomicBool, history: &History) {
    while !over.load(Ordering::Relaxed) {
        let present: Vec<(String, String)> =
            keys.read().expect("keys").iter().map(|key| (key.id.clone(), key.secret.clone())).collect();
        for (key, secret) in present {
            let sent = Instant::now();
            let answer = door.try_send("POST", "/v1/verify", Some(&json!({"key": secret})));
            let received = Instant::now();
            let code = answer.and_then(|answer| answer.body["code"].as_str().map(str::to_owned));
            let code = code.unwrap_or_else(|| "none".to_owned());
            history.heard(Asked { node: node.to_owned(), key, sent, received, code });
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Keys are made, something breaks, the keys are revoked, and in the end all is well again.
fn round(dice: &mut Dice, fleet: &mut Fleet, keys: &RwLock<Vec<Key>>, history: &History) {
    let workspace = fleet.control_planes[0].first_workspace();
    let made: Vec<Key> = (0..KEYS_A_ROUND).map(|_| workspace.any_key()).collect();
    let path = workspace.path("keys");
    wait_for(&fleet.nodes, &made, "valid");
    keys.write().expect("keys").clone_from(&made);
    thread::sleep(Duration::from_millis(100));

    let by = dice.below(fleet.control_planes.len());
    let owner = (**fleet.control_planes[by].owner()).clone();
    fleet.break_nodes(dice);
    fleet.break_another_control_plane(dice, by);
    fleet.break_store(dice, by);
    thread::sleep(Duration::from_millis(dice.number() % 1_000));
    let store_back_after = Duration::from_millis(dice.number() % 3_000);
    let way_to_store = fleet.way_to_store(by);
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(store_back_after);
            way_to_store.map(mend)
        });
        for key in &made {
            revoke(&owner, &format!("{path}/{}/revoke", key.id));
            history.acknowledged(&key.id, Instant::now());
        }
    });
    let watched_until = Instant::now() + WATCHED;
    let it_dies = dice.one_in(3);
    thread::scope(|scope| {
        for key in made.iter().take(RECEIPTS_A_ROUND) {
            scope.spawn(|| {
                receive(&owner, &format!("{path}/{}/revoke?wait=propagated", key.id), key, history);
            });
        }
        if it_dies {
            thread::sleep(Duration::from_millis(dice.number() % 1_500));
            fleet.kill_and_restart(dice, by);
        }
        // Some ways open again while askers still ask. Now and then it takes longer.
        let long = if dice.one_in(8) { 25_000 } else { 0 };
        thread::sleep(Duration::from_millis(1_000 + dice.number() % 5_000 + long));
        fleet.mend();
    });
    // Whoever was away says the same as the one that revoked.
    let others = fleet.control_planes.iter().map(|control_plane| (**control_plane.owner()).clone());
    for (key, other) in made.iter().zip(others) {
        receive(&other, &format!("{path}/{}/revoke?wait=propagated", key.id), key, history);
    }
    thread::sleep(watched_until.saturating_duration_since(Instant::now()));
    wait_for(&fleet.nodes, &made, "revoked");
}

fn wait_for(nodes: &[Gateway], keys: &[Key], wanted: &str) {
    for (node, key) in nodes.iter().flat_map(|node| keys.iter().map(move |key| (node, key))) {
        let code = || {
            let answer = node.data().try_send("POST", "/v1/verify", Some(&json!({"key": key.secret})));
            answer.map(|answer| answer.body["code"].clone())
        };
        eventually(READY_WITHIN, code, |code| *code == Some(json!(wanted)));
    }
}

/// Until it is acknowledged: while its store is away, a control plane says so.
fn revoke(owner: &Caller, path: &str) {
    let ask = || owner.try_send("POST", path, None).map(|answer| answer.status);
    let revoked = eventually(READY_WITHIN, ask, |status| !matches!(status, None | Some(503)));
    assert_eq!(revoked, Some(200));
}

fn receive(owner: &Caller, path: &str, key: &Key, history: &History) {
    // The control plane may be killed meanwhile: whoever wants to know asks again.
    let ask = || owner.try_send("POST", path, None).filter(|receipt| matches!(receipt.status, 200 | 202));
    let receipt = eventually(READY_WITHIN, ask, Option::is_some).expect("a receipt");
    history.received(Receipt::new(&key.id, &receipt));
}
