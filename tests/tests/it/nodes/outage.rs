//! Revocations while links are cut, silent, deaf and slow, and processes stopped, killed and restarted. Askers write down
//! what they asked and heard; what was promised is judged from that alone.
//!
//! `KEYWARD_NODE_ROUNDS` says how many rounds, three revocations each.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use keyward_tests::{Answer, Caller, Dice, Gateway, Key, Keyward, Proxy, Way, eventually, json, pick};

const ROUNDS_DEFAULT: u64 = 2;
const KEYS_A_ROUND: usize = 3;
const NODES: [&str; 3] = ["edge-1", "edge-2", "edge-3"];
/// CYB-10.
const PROMISE: Duration = Duration::from_secs(5);
/// How long what a node says may be used, from when it was asked.
const USABLE: Duration = Duration::from_millis(250);
/// Askers go on for so long after a revocation.
const WATCHED: Duration = Duration::from_millis(7_500);
const READY_WITHIN: Duration = Duration::from_secs(40);

/// A question and what was heard.
#[derive(Debug)]
struct Asked {
    node: &'static str,
    key: String,
    sent: Instant,
    received: Instant,
    code: String,
}

/// What a receipt said of each node, and when it was here.
#[derive(Debug)]
struct Receipt {
    key: String,
    at: Instant,
    states: BTreeMap<String, String>,
}

/// Everything that was seen.
#[derive(Debug, Default)]
struct History {
    asked: Mutex<Vec<Asked>>,
    acknowledged: Mutex<BTreeMap<String, Instant>>,
    receipts: Mutex<Vec<Receipt>>,
}

#[test]
fn cyb_10_no_node_accepts_a_key_five_seconds_after_it_was_revoked_whatever_fails() {
    let rounds = std::env::var("KEYWARD_NODE_ROUNDS")
        .map_or(ROUNDS_DEFAULT, |rounds| rounds.parse().expect("a number"));
    let seed = pick(u64::MAX);
    say(&format!("seed {seed}, {rounds} rounds"));
    let mut dice = Dice::new(seed);
    let mut keyward = Keyward::profile("default").with_feed().start();
    let proxies = NODES.map(|_| Proxy::to(keyward.feed_addr()));
    let mut nodes: Vec<Gateway> = NODES
        .iter()
        .zip(&proxies)
        .map(|(name, proxy)| Gateway::start(name, "default", &[format!("http://{}", proxy.addr())]))
        .collect();
    let (history, keys, over) = (History::default(), RwLock::new(Vec::new()), AtomicBool::new(false));
    let doors: Vec<(&'static str, Caller)> = NODES.into_iter().zip(nodes.iter().map(Gateway::data)).collect();
    thread::scope(|scope| {
        for (node, door) in &doors {
            scope.spawn(|| ask_on(node, door, &keys, &over, &history));
        }
        for _ in 0..rounds {
            round(&mut dice, &mut keyward, &mut nodes, &proxies, &keys, &history);
        }
        over.store(true, Ordering::Relaxed);
    });
    judge(&history);
}

/// Not `println!`: the test harness would keep it to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "outage: {line}");
}

/// Asks a node about every key that there is, again and again.
fn ask_on(node: &'static str, door: &Caller, keys: &RwLock<Vec<Key>>, over: &AtomicBool, history: &History) {
    while !over.load(Ordering::Relaxed) {
        let present: Vec<(String, String)> =
            keys.read().expect("keys").iter().map(|key| (key.id.clone(), key.secret.clone())).collect();
        for (key, secret) in present {
            let sent = Instant::now();
            let answer = door.try_send("POST", "/v1/verify", Some(&json!({"key": secret})));
            let received = Instant::now();
            let code = answer.and_then(|answer| answer.body["code"].as_str().map(str::to_owned));
            let code = code.unwrap_or_else(|| "none".to_owned());
            history.asked.lock().expect("history").push(Asked { node, key, sent, received, code });
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Keys are made, something breaks, the keys are revoked, and in the end all is well again.
fn round(
    dice: &mut Dice,
    keyward: &mut Keyward,
    nodes: &mut [Gateway],
    proxies: &[Proxy],
    keys: &RwLock<Vec<Key>>,
    history: &History,
) {
    let workspace = keyward.first_workspace();
    let made: Vec<Key> = (0..KEYS_A_ROUND).map(|_| workspace.any_key()).collect();
    let (path, owner) = (workspace.path("keys"), (**workspace.owner()).clone());
    let code = |node: &Gateway, key: &Key| {
        let answer = node.data().try_send("POST", "/v1/verify", Some(&json!({"key": key.secret})));
        answer.map(|answer| answer.body["code"].clone())
    };
    for (node, key) in nodes.iter().flat_map(|node| made.iter().map(move |key| (node, key))) {
        eventually(READY_WITHIN, || code(node, key), |code| *code == Some(json!("valid")));
    }
    keys.write().expect("keys").clone_from(&made);
    thread::sleep(Duration::from_millis(100));

    let killed = trouble(dice, nodes, proxies);
    thread::sleep(Duration::from_millis(dice.number() % 1_000));
    for key in &made {
        owner.post_nothing(&format!("{path}/{}/revoke", key.id)).expect(200);
        let acknowledged = Instant::now();
        history.acknowledged.lock().expect("history").insert(key.id.clone(), acknowledged);
    }
    let watched_until = Instant::now() + WATCHED;
    let control_plane_dies = dice.one_in(3);
    thread::scope(|scope| {
        for key in &made {
            scope.spawn(|| {
                receive(&owner, &format!("{path}/{}/revoke?wait=propagated", key.id), key, history);
            });
        }
        if control_plane_dies {
            thread::sleep(Duration::from_millis(dice.number() % 1_500));
            say("the control plane is killed");
            keyward.pid().kill_9();
            thread::sleep(Duration::from_millis(dice.number() % 2_000));
            keyward.restart_after_death();
        }
        // Some ways open again while askers still ask.
        thread::sleep(Duration::from_millis(1_000 + dice.number() % 5_000));
        mend(nodes, proxies, &killed);
    });
    thread::sleep(watched_until.saturating_duration_since(Instant::now()));
    for (node, key) in nodes.iter().flat_map(|node| made.iter().map(move |key| (node, key))) {
        eventually(READY_WITHIN, || code(node, key), |code| *code == Some(json!("revoked")));
    }
}

/// Something else befalls each node. Which are killed.
fn trouble(dice: &mut Dice, nodes: &[Gateway], proxies: &[Proxy]) -> Vec<usize> {
    let mut killed = Vec::new();
    for (at, (node, proxy)) in nodes.iter().zip(proxies).enumerate() {
        let what = dice.choose(&["nothing", "cut", "silent", "deaf", "slow", "stopped", "killed"]);
        say(&format!("{}: {what}", node.name()));
        match what {
            "cut" => proxy.set(Way::Cut),
            "silent" => proxy.set(Way::Silent),
            "deaf" => proxy.set(Way::Deaf),
            "slow" => proxy.delay(Duration::from_millis(200 + dice.number() % 2_000)),
            "stopped" => node.pid().stop(),
            "killed" => {
                node.pid().kill_9();
                killed.push(at);
            }
            _ => {}
        }
    }
    killed
}

fn mend(nodes: &mut [Gateway], proxies: &[Proxy], killed: &[usize]) {
    for (at, (node, proxy)) in nodes.iter_mut().zip(proxies).enumerate() {
        proxy.set(Way::Open);
        proxy.delay(Duration::ZERO);
        if killed.contains(&at) {
            node.restart();
        } else {
            node.pid().go_on();
        }
    }
}

fn receive(owner: &Caller, path: &str, key: &Key, history: &History) {
    // The control plane may be killed meanwhile: whoever wants to know asks again.
    let ask = || owner.try_send("POST", path, None);
    let receipt = eventually(READY_WITHIN, ask, Option::is_some).expect("a receipt");
    let at = Instant::now();
    assert!(matches!(receipt.status, 200 | 202), "{receipt}");
    let states = states(&receipt);
    let key = key.id.clone();
    history.receipts.lock().expect("history").push(Receipt { key, at, states });
}

fn states(receipt: &Answer) -> BTreeMap<String, String> {
    let mut states = BTreeMap::new();
    for node in receipt.body["nodes"].as_array().expect("nodes") {
        let (name, state) =
            (node["node"].as_str().expect("a name"), node["state"].as_str().expect("a state"));
        // A node that was started twice is there twice: the more careful word counts.
        let entry = states.entry(name.to_owned()).or_insert_with(|| state.to_owned());
        if state == "pending" {
            state.clone_into(entry);
        }
    }
    states
}

/// Looks at what was seen, and knows nothing else.
fn judge(history: &History) {
    let asked = history.asked.lock().expect("history");
    let acknowledged = history.acknowledged.lock().expect("history");
    let receipts = history.receipts.lock().expect("history");
    let mut tally: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut last_accepted = Duration::ZERO;
    for asked in asked.iter() {
        *tally.entry((asked.node, asked.code.as_str())).or_default() += 1;
        let revoked_at = acknowledged[&asked.key];
        if asked.code != "valid" {
            continue;
        }
        let sent_after = asked.sent.saturating_duration_since(revoked_at);
        last_accepted = last_accepted.max(sent_after);
        assert!(sent_after <= PROMISE, "{sent_after:?} after it was revoked: {asked:?}");
        let is_usable = asked.received <= asked.sent + USABLE;
        assert!(!is_usable || asked.sent + USABLE <= revoked_at + PROMISE, "used too late: {asked:?}");
        for receipt in receipts.iter().filter(|receipt| receipt.key == asked.key) {
            let state = receipt.states.get(asked.node).map_or("unlisted", String::as_str);
            let is_settled = matches!(state, "applied" | "lease_expired");
            assert!(!is_settled || asked.sent <= receipt.at, "{receipt:?} and then {asked:?}");
        }
    }
    for ((node, code), times) in &tally {
        say(&format!("{times:>7}  {node} {code}"));
    }
    let (revocations, heard) = (acknowledged.len(), receipts.len());
    say(&format!(
        "{revocations} revocations, {heard} receipts, last acceptance asked for {last_accepted:?} after one"
    ));
    for node in NODES {
        assert!(tally.contains_key(&(node, "valid")) && tally.contains_key(&(node, "revoked")), "{tally:?}");
    }
    assert!(!receipts.is_empty());
}
