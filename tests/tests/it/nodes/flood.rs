//! Strangers who flood a node: with made-up keys whose checksums are right, and with connections that say next to nothing.
//!
//! `KEYWARD_FLOOD_KEYS` says how many keys; of connections it is one for every five hundred.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward_tests::{Gateway, Key, Keyward, Line, crc32_hex, eventually, json, pick, sha256};
use rusqlite::{Connection, OpenFlags};

const KEYS_DEFAULT: u64 = 10_000;
const KEYS_A_CONNECTION: u64 = 500;
/// As many as the machine of the benchmarks has cores.
const FLOODERS: u64 = 2;
/// Questions about a good key without a flood: long enough for what a node and its server do beside answering to be among
/// what they wait for, as it is with a flood.
const QUIET_ASKED: usize = 10_000;
const GROWN_MAX_KIB: u64 = 64 * 1024;
/// Flooders and node share the cores of one machine: whoever asks may wait for some slices of its scheduler.
const SLICES: Duration = Duration::from_millis(20);
/// An answer that comes later is of no use to its asker.
const USABLE: Duration = Duration::from_millis(250);
/// Times with and without slow connections, in turn: less than after which a node closes one that does not end its head.
const ROUNDS: usize = 5;
const LASTING: Duration = Duration::from_secs(3);
/// How often a slow connection says another byte.
const BYTE_EVERY: Duration = Duration::from_secs(2);
/// With so many slow connections, in a soak, what is left of the answers a second counts. With fewer nothing is missing that could be
/// told from noise.
const MANY: u64 = 1_000;
const SOON: Duration = Duration::from_secs(20);

fn keys() -> u64 {
    std::env::var("KEYWARD_FLOOD_KEYS").map_or(KEYS_DEFAULT, |keys| keys.parse().expect("a number"))
}

/// Not `println!`: the test harness would keep it to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "flood: {line}");
}

/// A server, a node that follows it, and a key that both know.
struct Scene {
    keyward: Keyward,
    node: Gateway,
    key: Key,
}

impl Scene {
    fn found() -> Self {
        let keyward = Keyward::profile("cveium").env("KEYWARD_LOG", "warn").with_feed().on_file().start();
        let key = keyward.first_workspace().key_with(&["products:read"]);
        let node = keyward.gateway("edge");
        eventually(SOON, || code(&node, &key.secret), |code| code == "valid");
        Self { keyward, node, key }
    }

    /// Asks about the good key until `enough`; how long each answer took, the quickest first. All say that it is valid.
    fn ask_until(&self, enough: impl Fn(usize) -> bool) -> Vec<Duration> {
        let (data, question) = (self.node.data(), json!({"key": self.key.secret}));
        let (mut line, mut took) = (Line::to(&data), Vec::new());
        while !enough(took.len()) {
            let sent = Instant::now();
            let answer = line.ask(&data, "POST", "/v1/verify", Some(&question));
            took.push(sent.elapsed());
            assert_eq!(answer.body["code"], "valid", "{answer}");
        }
        took.sort_unstable();
        took
    }

    /// How many uses stand in the store, of whatever key.
    fn written(&self) -> u64 {
        let store = Connection::open_with_flags(self.keyward.store(), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let store = store.expect("the store's file");
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let uses = store.query_row("SELECT count(*) FROM usage_entries", [], count).expect("a number");
        uses.unsigned_abs()
    }

    fn memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.node.pid().number());
        let status = std::fs::read_to_string(path).expect("a running node");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a number");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    }
}

fn code(node: &Gateway, secret: &str) -> String {
    node.data().post("/v1/verify", json!({"key": secret})).text_at("code")
}

/// Of the form that keys of this server have, and no key.
fn made_up(seed: u64, n: u64) -> String {
    let drawn = sha256(&format!("{seed} {n}")).1;
    let before = format!("cvk_{}", &drawn[..56]);
    format!("{before}{}", crc32_hex(&before))
}

fn p99(took: &[Duration]) -> Duration {
    took[took.len() * 99 / 100]
}

#[test]
fn made_up_keys_with_good_checksums_cost_a_node_no_memory_and_reach_nobody_else() {
    let scene = Scene::found();
    let quiet = scene.ask_until(|asked| asked == QUIET_ASKED);
    let before = scene.memory_kib();
    let (flooding, unknown, seed) = (AtomicU64::new(FLOODERS), AtomicU64::new(0), pick(u64::MAX));
    let began = Instant::now();
    let flooded = thread::scope(|threads| {
        for flooder in 0..FLOODERS {
            let (scene, flooding, unknown) = (&scene, &flooding, &unknown);
            threads.spawn(move || {
                let data = scene.node.data();
                let mut line = Line::to(&data);
                for n in (0..keys()).filter(|n| n % FLOODERS == flooder) {
                    let question = json!({"key": made_up(seed, n)});
                    let answer = line.ask(&data, "POST", "/v1/verify", Some(&question));
                    assert_eq!(answer.body["code"], "not_found", "{answer}");
                    unknown.fetch_add(1, Ordering::Relaxed);
                }
                flooding.fetch_sub(1, Ordering::Relaxed);
            });
        }
        scene.ask_until(|_| flooding.load(Ordering::Relaxed) == 0)
    });
    let (took, grown) = (began.elapsed(), scene.memory_kib().saturating_sub(before));
    let (quiet_p99, flooded_p99) = (p99(&quiet), p99(&flooded));
    say(&format!(
        "{} made-up keys in {took:.1?}, {} good ones beside them; p99 of these {flooded_p99:?}, {quiet_p99:?} when it is \
         quiet; grown by {grown} KiB",
        unknown.load(Ordering::Relaxed),
        flooded.len(),
    ));
    assert_eq!(unknown.load(Ordering::Relaxed), keys());
    assert!(grown < GROWN_MAX_KIB, "the node grew by {grown} KiB");
    assert!(flooded_p99 <= (quiet_p99 * 2).max(SLICES), "{flooded_p99:?} instead of {quiet_p99:?}");
    // What comes home is about the good key alone: the one that was asked about first, and those that were counted.
    let good = (quiet.len() + flooded.len()) as u64;
    eventually(SOON, || scene.written(), |written| *written > good);
    let written = scene.written();
    assert!(written <= good + 100, "{written} uses written, {good} of a good key");
    assert!(scene.node.metric("keyward_feed_snapshots_total") == Some(1.0), "it asked for nothing else");
}

/// Answers beside so many connections that say next to nothing.
fn beside_slow_ones(scene: &Scene, connections: u64) -> Vec<Duration> {
    let over = AtomicBool::new(false);
    let mut slow: Vec<TcpStream> = (0..connections).map(|_| scene.node.data().connect()).collect();
    thread::scope(|threads| {
        threads.spawn(|| {
            let pause = BYTE_EVERY / u32::try_from(connections).expect("a few thousand");
            for byte in b"POST /v1/verify HTTP/1.1\r\n".chunks(1) {
                for connection in &mut slow {
                    connection.write_all(byte).expect("a connection that is not closed");
                    thread::sleep(pause);
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        });
        let until = Instant::now() + LASTING;
        let took = scene.ask_until(|_| Instant::now() >= until);
        over.store(true, Ordering::Relaxed);
        took
    })
}

#[test]
fn connections_that_say_next_to_nothing_keep_nobody_from_being_answered() {
    let scene = Scene::found();
    let connections = keys() / KEYS_A_CONNECTION;
    let (mut shares, mut asked, mut usable) = (Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let until = Instant::now() + LASTING;
        let quiet = scene.ask_until(|_| Instant::now() >= until);
        let beside = beside_slow_ones(&scene, connections);
        asked += beside.len();
        usable += beside.iter().filter(|took| **took <= USABLE).count();
        shares.push(beside.len() * 100 / quiet.len());
    }
    say(&format!(
        "{connections} slow connections: of the answers without them {shares:?} %; {usable} of {asked} within {USABLE:?}"
    ));
    assert!(usable * 100 >= asked * 95, "{usable} of {asked} were in time");
    shares.sort_unstable();
    assert!(connections < MANY || shares[ROUNDS / 2] >= 95, "{shares:?} % is left");
}
