//! `kill -9` at any moment: nothing acknowledged is lost, and nothing is half done.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyward_tests::cluster::{Cluster, DURABLE};
use keyward_tests::{Answer, Database, Keyward, Value, eventually, json, make_template, pick, unique};

/// More than one, so that several creates share a commit; few enough for two cores.
const WRITERS: usize = 4;
/// After this the server no longer takes a request for one that is still at work.
const IN_FLIGHT_MAX: Duration = Duration::from_secs(61);
/// Where a wish for the number of rounds stands, and how many there are without.
const ROUNDS: &str = "KEYWARD_KILL_ROUNDS";
const ROUNDS_DEFAULT: u32 = 20;
const ROUNDS_ON_POSTGRES: u32 = 10;
const ROUNDS_OF_POSTGRES: &str = "KEYWARD_POSTGRES_KILL_ROUNDS";
const ROUNDS_OF_POSTGRES_DEFAULT: u32 = 3;
/// How long a round may last at most: connections to a database have to come about first.
const LIFETIME_MS: u64 = 400;
const LIFETIME_ON_POSTGRES_MS: u64 = 1_500;
/// What is committed is in force on the data plane by then, acknowledged or not.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// A database that is back is noticed by then.
const GOES_ON_WITHIN: Duration = Duration::from_secs(20);
/// How long writers may take to be told of a revoke.
const LOAD_WITHIN: Duration = Duration::from_mins(1);

/// What a writer knows when its server was killed under it.
#[derive(Debug, Default)]
struct Memory {
    /// Whether keys were created under an `Idempotency-Key`: their name.
    repeatable: bool,
    /// Names of keys whose creation was asked for.
    asked: BTreeSet<String>,
    /// Keys whose creation was acknowledged, by id.
    created: BTreeMap<String, Created>,
}

#[derive(Clone, Debug)]
struct Created {
    name: String,
    secret: String,
    revoke: Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revoke {
    Never,
    /// Asked for, and the server died before it answered.
    Asked,
    Acknowledged,
}

#[derive(Debug, Default)]
struct Tally {
    creates: usize,
    revokes: usize,
    creates_in_flight_kept: usize,
    creates_in_flight_lost: usize,
    revokes_in_flight_kept: usize,
    revokes_in_flight_lost: usize,
    /// Creations that were answered when they were asked for again.
    asked_again: usize,
}

fn rounds(variable: &str, default: u32) -> u32 {
    std::env::var(variable).ok().map_or(default, |rounds| rounds.parse().expect("a number"))
}

fn creation(name: &str) -> Value {
    json!({"name": name, "scopes": ["products:read"], "metadata": {"of": name}})
}

/// A server without its database says that it cannot tell what became of the request, and to come back.
fn acknowledged(answer: Option<Answer>) -> Option<Answer> {
    answer.filter(|answer| {
        assert!(answer.status != 503 || answer.header("retry-after").is_some(), "{answer}");
        answer.status != 503
    })
}

/// How a round of load goes.
#[derive(Default)]
struct Progress {
    killed: AtomicBool,
    /// Whether a writer was told that a key is revoked.
    is_told_of_a_revoke: AtomicBool,
}

/// Creates and revokes until the server no longer answers.
fn write_until_killed(keyward: &Keyward, progress: &Progress, repeatable: bool) -> Memory {
    let workspace = keyward.first_workspace();
    let (keys, owner) = (workspace.path("keys"), workspace.owner().clone());
    let mut memory = Memory { repeatable, ..Memory::default() };
    let mut standing = Vec::new();
    loop {
        let name = unique("load");
        memory.asked.insert(name.clone());
        let asker = if repeatable { owner.with("Idempotency-Key", &name) } else { (*owner).clone() };
        let Some(answer) = acknowledged(asker.try_send("POST", &keys, Some(&creation(&name)))) else { break };
        let answer = answer.expect(201);
        let (id, secret) = (answer.text_at("id"), answer.text_at("secret"));
        memory.created.insert(id.clone(), Created { name, secret, revoke: Revoke::Never });
        standing.push(id);
        if pick(2) == 0 {
            continue;
        }
        let chosen = usize::try_from(pick(standing.len() as u64)).expect("an index");
        let id = standing.swap_remove(chosen);
        let answer = acknowledged(owner.try_send("DELETE", &format!("{keys}/{id}"), None));
        let created = memory.created.get_mut(&id).expect("a key of mine");
        created.revoke = if answer.is_some() { Revoke::Acknowledged } else { Revoke::Asked };
        let Some(answer) = answer else { break };
        answer.expect(204);
        progress.is_told_of_a_revoke.store(true, Ordering::SeqCst);
    }
    assert!(
        progress.killed.load(Ordering::SeqCst),
        "the server stopped answering before it was killed:\n{}",
        keyward.logs()
    );
    memory
}

/// One round of load that ends with the server's death, or that of its database.
///
/// Every other round goes on until a revoke was acknowledged, however slow the machine is; the rest may end at any
/// moment, also before the first answer.
fn load_and_kill(keyward: &Keyward, round: u32, lifetime_ms: u64, kill: impl FnOnce()) -> Vec<Memory> {
    let progress = Progress::default();
    let lifetime = Duration::from_millis(30 + pick(lifetime_ms));
    std::thread::scope(|scope| {
        let progress = &progress;
        let writer = |number| scope.spawn(move || write_until_killed(keyward, progress, number % 2 == 0));
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        std::thread::sleep(lifetime);
        let at_the_latest = Instant::now() + LOAD_WITHIN;
        let is_told = || progress.is_told_of_a_revoke.load(Ordering::SeqCst);
        while round.is_multiple_of(2) && !is_told() && Instant::now() < at_the_latest {
            std::thread::sleep(Duration::from_millis(5));
        }
        progress.killed.store(true, Ordering::SeqCst);
        kill();
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    })
}

/// A key of the list is whole: every field of the contract, each saying the same of the key's state.
#[track_caller]
fn assert_whole(key: &Value) {
    for field in ["id", "kind", "name", "status", "secret_hint", "created_at"] {
        assert!(key[field].is_string(), "no {field}: {key}");
    }
    assert_eq!(key["metadata"]["of"], key["name"], "{key}");
    assert_eq!(key["scopes"], json!(["products:read"]), "{key}");
    assert!(key["owner"]["id"].is_string() && key["created_by"]["id"].is_string(), "{key}");
    let revoked = key["status"] == "revoked";
    assert!(revoked || key["status"] == "active", "{key}");
    assert_eq!(key["revoked_at"].is_string(), revoked, "{key}");
    assert_eq!(key["revoked_by"].is_object(), revoked, "{key}");
}

/// Compares what the restarted server knows with what the writers were told.
fn check(keyward: &Keyward, memories: &[Memory], listed: &BTreeMap<String, Value>, tally: &mut Tally) {
    let mut acknowledged_names = BTreeSet::new();
    for (id, created) in memories.iter().flat_map(|memory| &memory.created) {
        acknowledged_names.insert(created.name.as_str());
        let key = listed.get(id).unwrap_or_else(|| panic!("the acknowledged key {id} is lost"));
        assert_eq!(key["name"], created.name.as_str());
        let revoked = key["status"] == "revoked";
        let expected = if revoked { "revoked" } else { "valid" };
        if matches!(created.revoke, Revoke::Asked) {
            // Nobody was told that it was revoked. A server that lived on while its database died hears of it with its
            // next look at the changes.
            eventually(HEARD_WITHIN, || keyward.verify_code(&created.secret), |code| code == expected);
        }
        let code = keyward.verify_code(&created.secret);
        assert_eq!(code, expected, "list and data plane differ: {key}");
        tally.creates += 1;
        match created.revoke {
            Revoke::Never => assert!(!revoked, "{id} was revoked by nobody"),
            Revoke::Acknowledged => {
                assert!(revoked, "the acknowledged revoke of {id} is lost");
                tally.revokes += 1;
            }
            Revoke::Asked if revoked => tally.revokes_in_flight_kept += 1,
            Revoke::Asked => tally.revokes_in_flight_lost += 1,
        }
    }
    let names: BTreeSet<&str> = listed.values().filter_map(|key| key["name"].as_str()).collect();
    let asked = memories.iter().flat_map(|memory| &memory.asked).map(String::as_str);
    for name in asked.filter(|name| !acknowledged_names.contains(name)) {
        if names.contains(name) {
            tally.creates_in_flight_kept += 1;
        } else {
            tally.creates_in_flight_lost += 1;
        }
    }
}

/// Asks again, under their keys, for what nobody knows to be done; gives those whose first request might still be at
/// work, as far as the server can tell.
fn ask_again<'a>(
    keyward: &Keyward,
    names: impl IntoIterator<Item = &'a str>,
    tally: &mut Tally,
) -> Vec<String> {
    let workspace = keyward.first_workspace();
    let mut unsettled = Vec::new();
    for name in names {
        let asker = workspace.owner().with("Idempotency-Key", name);
        let answer = asker.post(&workspace.path("keys"), creation(name));
        let found =
            workspace.owner().get(&workspace.path(&format!("keys?search={name}"))).expect(200).items();
        match (answer.status, found.len()) {
            (201, 1) => {
                assert_eq!(answer.body["id"], found[0]["id"], "{answer}");
                tally.asked_again += 1;
            }
            (409, 0 | 1) => unsettled.push(name.to_owned()),
            (_, count) => panic!("{count} keys after {answer}"),
        }
    }
    unsettled
}

/// Asked again, what was acknowledged is answered again, and what was not is done at most once.
fn repeat(
    keyward: &Keyward,
    memories: &[Memory],
    is_without_answers: bool,
    tally: &mut Tally,
) -> Vec<String> {
    let mut unsettled = Vec::new();
    for memory in memories.iter().filter(|memory| memory.repeatable) {
        let workspace = keyward.first_workspace();
        if let Some((id, created)) = memory.created.last_key_value() {
            let asker = workspace.owner().with("Idempotency-Key", &created.name);
            let again = asker.post(&workspace.path("keys"), creation(&created.name));
            // A database that died between the creation and the keeping of its answer: the key is there, once.
            if again.status == 409 && is_without_answers {
                unsettled.push(created.name.clone());
            } else {
                let again = again.expect(201);
                let told = (&again.body["id"], &again.body["secret"]);
                assert_eq!(told, (&json!(id), &Value::Null), "{again}");
            }
        }
        let acknowledged: BTreeSet<&str> =
            memory.created.values().map(|created| created.name.as_str()).collect();
        let open = memory.asked.iter().map(String::as_str).filter(|name| !acknowledged.contains(name));
        unsettled.extend(ask_again(keyward, open, tally));
    }
    unsettled
}

/// What is known after some rounds.
#[derive(Default)]
struct Rounds {
    /// Whether a request may have been acknowledged although its answer could not be kept.
    is_without_answers: bool,
    everything: Vec<Memory>,
    tally: Tally,
    asked: BTreeSet<String>,
    unsettled: Vec<String>,
}

fn listed(keyward: &Keyward) -> BTreeMap<String, Value> {
    let keys = keyward.first_workspace().keys();
    let listed: BTreeMap<String, Value> =
        keys.iter().map(|key| (key["id"].as_str().unwrap_or_default().to_owned(), key.clone())).collect();
    assert_eq!(listed.len(), keys.len(), "a key is listed twice");
    listed
}

impl Rounds {
    /// Compares what the writers of a round were told with what is there after it.
    fn check(&mut self, keyward: &Keyward, memories: Vec<Memory>) {
        let listed = listed(keyward);
        self.asked.extend(memories.iter().flat_map(|memory| memory.asked.clone()));
        for key in listed.values() {
            assert_whole(key);
            let name = key["name"].as_str();
            assert!(name.is_some_and(|name| self.asked.contains(name)), "nobody asked for {key}");
        }
        check(keyward, &memories, &listed, &mut self.tally);
        self.unsettled.extend(repeat(keyward, &memories, self.is_without_answers, &mut self.tally));
        self.everything.extend(memories);
    }

    /// Nobody is at work on any request now: each is done, or done now.
    fn settle(&mut self, keyward: &Keyward) {
        std::thread::sleep(IN_FLIGHT_MAX);
        let names: Vec<String> = std::mem::take(&mut self.unsettled);
        let lost = ask_again(keyward, names.iter().map(String::as_str), &mut self.tally);
        let keys = keyward.first_workspace().keys();
        for name in lost {
            let count = keys.iter().filter(|key| key["name"] == name.as_str()).count();
            assert_eq!(count, 1, "{name} was never done");
        }
    }

    /// What survived the first kill has survived all that came after.
    fn end(self, keyward: &Keyward, what: &str, rounds: u32, begun: Instant) {
        check(keyward, &self.everything, &listed(keyward), &mut Tally::default());
        let workspace = keyward.first_workspace();
        let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
        assert_eq!(sound.body["ok"], true, "{sound}");
        let tally = self.tally;
        assert!(tally.creates > 0 && tally.revokes > 0, "no load: {tally:?}");
        let summary = format!("{what}: {rounds} rounds in {:.1} s, {tally:?}", begun.elapsed().as_secs_f32());
        // Not `println!`: the test harness would keep it to itself.
        writeln!(std::io::stderr(), "{summary}").expect("stderr");
    }
}

fn kill_the_server(mut keyward: Keyward, what: &str, lifetime_ms: u64, rounds: u32, rounds_default: u32) {
    keyward.owner();
    let (mut all, begun) = (Rounds::default(), Instant::now());
    for round in 0..rounds {
        let pid = keyward.pid();
        let memories = load_and_kill(&keyward, round, lifetime_ms, || pid.kill_9());
        keyward.restart_after_death();
        all.check(&keyward, memories);
    }
    if rounds > rounds_default {
        all.settle(&keyward);
    }
    all.end(&keyward, what, rounds, begun);
}

#[test]
fn kill_9_under_load_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let rounds = rounds(ROUNDS, ROUNDS_DEFAULT);
    kill_the_server(
        Keyward::profile("cveium").on_file().start(),
        "kill -9",
        LIFETIME_MS,
        rounds,
        ROUNDS_DEFAULT,
    );
}

/// A database that keeps what it has acknowledged.
fn durable() -> Database {
    static DURABLY: OnceLock<Cluster> = OnceLock::new();
    Database::in_cluster(DURABLY.get_or_init(|| {
        let cluster = Cluster::start(DURABLE);
        make_template(&cluster);
        cluster
    }))
}

#[test]
fn kill_9_of_a_server_on_postgresql_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let rounds = rounds(ROUNDS, ROUNDS_ON_POSTGRES);
    let keyward = Keyward::profile("cveium").on(durable()).start();
    kill_the_server(keyward, "kill -9 on PostgreSQL", LIFETIME_ON_POSTGRES_MS, rounds, ROUNDS_ON_POSTGRES);
}

#[test]
fn kill_9_of_postgresql_itself_loses_nothing_acknowledged_and_the_server_goes_on() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start(DURABLE)));
    make_template(cluster);
    let keyward = Keyward::profile("cveium").on(Database::in_cluster(cluster)).start();
    keyward.owner();
    let rounds = rounds(ROUNDS_OF_POSTGRES, ROUNDS_OF_POSTGRES_DEFAULT);
    let (mut all, begun) = (Rounds { is_without_answers: true, ..Rounds::default() }, Instant::now());
    for round in 0..rounds {
        let memories = load_and_kill(&keyward, round, LIFETIME_ON_POSTGRES_MS, || cluster.kill_9());
        cluster.go_on();
        // Without a restart of ours.
        for listener in [keyward.anonymous(), keyward.data()] {
            let ready = || listener.get("/readyz").status;
            eventually(GOES_ON_WITHIN, ready, |status| *status == 200);
        }
        all.check(&keyward, memories);
    }
    all.end(&keyward, "kill -9 of PostgreSQL", rounds, begun);
}

#[test]
fn a_fail_over_to_a_synchronous_standby_loses_nothing_acknowledged_and_the_server_goes_on() {
    let primary: &'static Cluster = Box::leak(Box::new(Cluster::start(DURABLE)));
    make_template(primary);
    let database = Database::in_cluster(primary);
    let standby: &'static Cluster = Box::leak(Box::new(primary.standby()));
    let keyward = Keyward::profile("cveium").on(database.followed_by(standby)).start();
    keyward.owner();
    let (mut all, begun) = (Rounds { is_without_answers: true, ..Rounds::default() }, Instant::now());
    // There is one primary to lose.
    let memories = load_and_kill(&keyward, 0, LIFETIME_ON_POSTGRES_MS, || primary.kill_9());
    standby.take_over();
    for listener in [keyward.anonymous(), keyward.data()] {
        let ready = || listener.get("/readyz").status;
        eventually(GOES_ON_WITHIN, ready, |status| *status == 200);
    }
    all.check(&keyward, memories);
    all.end(&keyward, "fail-over", 1, begun);
}
