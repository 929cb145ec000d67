//! Usage under load: what was asked is logged or counted as dropped, exactly; memory stays bounded; a `kill -9` loses no
//! more than is documented, and the time of it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward_tests::{Caller, Key, Keyward, Value, Workspace, eventually, json, now, time};
use rusqlite::Connection;

use super::{counted, dropped, metric, usage};

/// In a soak: a minute.
const SECONDS_DEFAULT: u64 = 2;
const CONNECTIONS: usize = 16;
/// Questions that are on their way on one connection.
const AT_ONCE: usize = 32;
const KEYS: usize = 8;
/// Documented: the queue, and what was taken out of it to be written.
const LOST_MAX: u64 = 65_536 + 16_384;
/// A slow machine asks as many as the queue has places within this.
const LOCKED_MAX: Duration = Duration::from_mins(1);
/// The queue at its bound, connections, what SQLite and the allocator keep: well below what a leak of a minute would be.
const GROWN_MAX_KIB: u64 = 192 * 1024;

fn seconds() -> Duration {
    let wanted = std::env::var("KEYWARD_USAGE_SECONDS").ok();
    let wanted = wanted.map_or(SECONDS_DEFAULT, |number| number.parse().expect("a number of seconds"));
    Duration::from_secs(wanted)
}

/// What was sent, and what was answered.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    answered: AtomicU64,
}

/// Asks on one connection without a pause until it is told to stop, or the server ends.
fn ask_without_pause(data: &Caller, key: &Key, tally: &Tally, stop: &AtomicBool) {
    let body = json!({"key": key.secret, "scopes": ["products:read"], "ip": "203.0.113.7", "method": "GET",
                      "path": "/api/products"});
    let body = body.to_string();
    let request = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: keyward\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let requests = request.repeat(AT_ONCE);
    let mut stream = data.connect();
    let mut answers = BufReader::new(stream.try_clone().expect("the other half"));
    while !stop.load(Ordering::Relaxed) {
        if stream.write_all(requests.as_bytes()).is_err() {
            return;
        }
        tally.sent.fetch_add(AT_ONCE as u64, Ordering::Relaxed);
        for _ in 0..AT_ONCE {
            if read_answer(&mut answers).is_none() {
                return;
            }
            tally.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// `None`: the connection has ended.
fn read_answer(answers: &mut BufReader<TcpStream>) -> Option<()> {
    let (mut line, mut length) = (String::new(), 0);
    answers.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    loop {
        line.clear();
        answers.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).ok()
}

/// Runs `meanwhile` beside as many questions as this machine can ask.
fn under_load<T>(keyward: &Keyward, keys: &[Key], tally: &Tally, meanwhile: impl FnOnce() -> T) -> T {
    let (data, stop) = (keyward.data(), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for n in 0..CONNECTIONS {
            let (data, stop, key) = (&data, &stop, &keys[n % keys.len()]);
            threads.spawn(move || ask_without_pause(data, key, tally, stop));
        }
        let done = meanwhile();
        stop.store(true, Ordering::Relaxed);
        done
    })
}

fn memory_kib(keyward: &Keyward, name: &str) -> u64 {
    let path = format!("/proc/{}/status", keyward.pid().number());
    let status = std::fs::read_to_string(path).expect("a running server");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a number");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

fn logged(workspace: &Workspace<'_>, keys: &[Key]) -> u64 {
    keys.iter().map(|key| counted(workspace, key)).sum()
}

/// Asserts that each question that was answered is in the log or counted as dropped, once nothing waits any more.
#[track_caller]
fn assert_exact(keyward: &Keyward, keys: &[Key], tally: &Tally) -> (u64, u64) {
    let asked = tally.answered.load(Ordering::Relaxed);
    assert_eq!(tally.sent.load(Ordering::Relaxed), asked, "a question was not answered");
    let written = || metric(keyward, "keyward_uses_written_total") + dropped(keyward);
    eventually(Duration::from_mins(1), written, |all| *all >= asked);
    let (logged, dropped) = (logged(&keyward.first_workspace(), keys), dropped(keyward));
    assert_eq!(logged + dropped, asked, "{logged} logged and {dropped} dropped are not {asked} asked");
    assert_eq!(metric(keyward, "keyward_uses_written_total"), logged);
    (logged, dropped)
}

/// Keeps everybody else from writing into the store.
fn lock_the_store(keyward: &Keyward) -> Connection {
    let store = Connection::open(keyward.store()).expect("the store's file");
    store.busy_timeout(Duration::from_secs(5)).expect("a wait");
    store.execute_batch("BEGIN IMMEDIATE").expect("the only writer");
    store
}

#[test]
fn usage_under_load_is_logged_or_counted_as_dropped_exactly_and_a_kill_loses_a_known_number() {
    let mut keyward = Keyward::profile("cveium").env("KEYWARD_LOG", "warn").start();
    let workspace = keyward.first_workspace();
    let keys: Vec<Key> = (0..KEYS).map(|_| workspace.key_with(&["products:read"])).collect();
    let tally = Tally::default();
    let before = memory_kib(&keyward, "VmRSS:");
    let begun = Instant::now();
    under_load(&keyward, &keys, &tally, || std::thread::sleep(seconds()));
    let rate = tally.answered.load(Ordering::Relaxed) / begun.elapsed().as_secs().max(1);
    let (at_rate, at_rate_dropped) = assert_exact(&keyward, &keys, &tally);

    // A store that cannot be written for a while: uses wait, then are dropped and counted, and decisions go on.
    let asked_before = tally.answered.load(Ordering::Relaxed);
    let store = lock_the_store(&keyward);
    let asked_meanwhile = || tally.answered.load(Ordering::Relaxed) - asked_before;
    under_load(&keyward, &keys, &tally, || {
        eventually(LOCKED_MAX, asked_meanwhile, |asked| *asked > LOST_MAX + 4_096);
    });
    let waited = metric(&keyward, "keyward_uses_waiting");
    drop(store);
    let (_, all_dropped) = assert_exact(&keyward, &keys, &tally);
    let asked_locked = asked_meanwhile();
    assert!(waited <= 65_536, "{asked_locked} asked, {waited} waited");
    assert!(all_dropped > at_rate_dropped, "{asked_locked} asked, {all_dropped} dropped");
    let grown = memory_kib(&keyward, "VmHWM:").saturating_sub(before);
    assert!(grown < GROWN_MAX_KIB, "the server grew by {grown} KiB");

    let (logged_before, killed_tally) = (logged(&keyward.first_workspace(), &keys), Tally::default());
    let (running, killed) = under_load(&keyward, &keys, &killed_tally, || {
        std::thread::sleep(seconds().min(Duration::from_secs(5)));
        let running = now();
        keyward.pid().kill_9();
        (running, now())
    });
    keyward.restart_after_death();
    let workspace = keyward.first_workspace();
    let (answered, sent) =
        (killed_tally.answered.load(Ordering::Relaxed), killed_tally.sent.load(Ordering::Relaxed));
    let kept = logged(&workspace, &keys) - logged_before;
    let lost = answered.saturating_sub(kept);
    assert!(kept <= sent, "{kept} logged of {sent} sent");
    let gaps = usage(&workspace, &keys[0].id, "?limit=1").body["gaps"].clone();
    let is_told = |gap: &Value| {
        gap["reason"] == "killed" && time(&gap["from"]) <= running && killed <= time(&gap["to"])
    };
    assert!(gaps.as_array().expect("gaps").iter().any(is_told), "killed at {killed}: {gaps}");
    let has_dropped = gaps.as_array().expect("gaps").iter().any(|gap| gap["reason"] == "dropped");
    assert!(lost <= LOST_MAX || at_rate_dropped > 0, "{lost} lost of {answered}");
    assert!(has_dropped, "no time is told of what was dropped: {gaps}");
    // Not `println!`: the test harness would keep it to itself.
    let summary = format!(
        "usage: {rate} verifies a second, {at_rate} logged + {at_rate_dropped} dropped = asked; locked: {asked_locked} asked, \
         {all_dropped} dropped in all; grown by {grown} KiB; killed: {lost} of {answered} lost"
    );
    writeln!(std::io::stderr(), "{summary}").expect("stderr");
}

/// How nice each thread of the server is (proc(5), the 19th of `stat`), the nicest last.
fn niceness(keyward: &Keyward) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", keyward.pid().number())).expect("its threads");
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    // The name of a thread may hold anything; what follows it does not.
    let nice = |stat: &str| stat.rsplit_once(") ")?.1.split_whitespace().nth(16)?.parse().ok();
    let mut all: Vec<i32> = stats.filter_map(|stat| nice(&stat)).collect();
    all.sort_unstable();
    all
}

#[test]
fn one_thread_writes_uses_and_gives_way_to_all_others() {
    // In a database, the work is another process's.
    let keyward = Keyward::profile("cveium").on_file().start();
    let gives_way = |nice: &Vec<i32>| nice.len() > 2 && nice[nice.len() - 1] == (nice[0] + 13).min(19);
    let nice = eventually(Duration::from_secs(20), || niceness(&keyward), gives_way);
    assert!(nice[..nice.len() - 1].iter().all(|others| *others == nice[0]), "{nice:?}");
}
