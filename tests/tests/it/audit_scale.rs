//! A log of very many entries, exported and checked: its length costs time and disk, and no memory.

use std::fs::{File, read_to_string, write};
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use keyward_tests::{Keyward, sha256};
use rusqlite::{Connection, params};

use crate::audit::checker;
use crate::store::{bytes_of, id_of};

/// In a soak: a million.
const ENTRIES_DEFAULT: i64 = 20_000;
/// Together the entries are longer than what may be kept in memory of them, also where they are few.
const LOG_LEN_MIN: i64 = 100 * 1024 * 1024;
const ENTRY_LEN_MIN: i64 = 200;
/// Entries of 150 KiB each: a key with all that it may have, before and after.
const LONG_ENTRIES: i64 = 700;
/// What an export may cost the server, or its client: much less than the log.
const MEMORY_MAX_KIB: u64 = 64 * 1024;

fn entries_wanted() -> i64 {
    let wanted = std::env::var("KEYWARD_AUDIT_ENTRIES").ok();
    wanted.map_or(ENTRIES_DEFAULT, |number| number.parse().expect("KEYWARD_AUDIT_ENTRIES is a number"))
}

/// Adds that many entries to the log of a workspace, chained as `docs/reference/audit-log.md` says.
fn fill(keyward: &Keyward, entries: i64) {
    let mut store = Connection::open(keyward.store()).expect("the store's file");
    let of_workspace = "SELECT home_id, n, lower(hex(hash)) FROM audit_heads WHERE home_type = 'workspace'";
    let (home, last, mut prev): (Vec<u8>, i64, String) =
        store.query_row(of_workspace, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("a log");
    let number = home.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    let log = id_of("ws", number);
    assert_eq!(bytes_of(&log), home);
    let note = "x".repeat(usize::try_from((LOG_LEN_MIN / entries).max(ENTRY_LEN_MIN)).expect("a length"));
    let after = format!("{{\"note\":\"{note}\"}}");
    let transaction = store.transaction().expect("a transaction");
    let insert =
        "INSERT INTO audit_entries VALUES ('workspace', ?1, ?2, ?3, ?4, 'operator', NULL, 'operator',
        'plan.changed', ?5, NULL, ?6, '192.0.2.1', NULL, ?3, unhex(?7), unhex(?8))";
    let mut statement = transaction.prepare(insert).expect("the audit log's table");
    for n in last + 1..=last + entries {
        let unique = u128::try_from(n).expect("a place") << 64;
        let at = jiff::Timestamp::from_second(1_900_000_000 + n).expect("a time");
        let hashed = format!(
            "{{\"v\":1,\"n\":{n},\"log\":\"{log}\",\"id\":\"{}\",\"at\":\"{at}\",\
             \"actor\":{{\"type\":\"operator\",\"id\":\"operator\",\"name\":\"operator\"}},\"action\":\"plan.changed\",\
             \"target\":\"{log}\",\"before\":null,\"after\":{after},\"ip\":\"192.0.2.1\",\"user_agent\":null,\
             \"request_id\":\"{}\",\"prev\":\"{prev}\"}}",
            id_of("aud", unique),
            id_of("req", unique),
        );
        let hash = sha256(&hashed).1;
        let id = unique.to_be_bytes();
        let row = params![home, n, id, at.as_microsecond(), log, after, prev, hash];
        statement.execute(row).expect("an entry");
        prev = hash;
    }
    drop(statement);
    let head =
        "UPDATE audit_heads SET n = ?2, hash = unhex(?3) WHERE home_type = 'workspace' AND home_id = ?1";
    transaction.execute(head, params![home, last + entries, prev]).expect("the end of the log");
    transaction.commit().expect("a longer log");
}

/// A number of `/proc/…/status`, in KiB. `None`: the process has ended.
fn memory(process: u32, name: &str) -> Option<u64> {
    let status = read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Waits for the end of a program, and gives the most memory that it was seen to have.
fn ended(mut child: Child) -> u64 {
    let mut most = 0;
    loop {
        most = memory(child.id(), "VmHWM:").unwrap_or_default().max(most);
        if let Some(status) = child.try_wait().expect("the state of a child") {
            assert!(status.success(), "{status}");
            return most;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_long_log_is_exported_and_checked_in_bounded_memory() {
    exported_and_checked(entries_wanted());
}

/// A few hundred of them would not fit together.
#[test]
fn a_log_of_long_entries_is_exported_and_checked_in_bounded_memory() {
    exported_and_checked(LONG_ENTRIES);
}

fn exported_and_checked(entries: i64) {
    let mut keyward = Keyward::profile("cveium").start();
    let key = keyward.first_workspace().key_with(&["audit:read"]);
    keyward.terminate();
    fill(&keyward, entries);
    keyward.restart();
    let server = u32::try_from(keyward.pid().number()).expect("a process");
    let run = |arguments: &[&str]| {
        let mut command = keyward.command("audit");
        command.args(arguments).env("KEYWARD_API_KEY", &key.secret);
        command.env("KEYWARD_SERVER_URL", format!("http://{}", keyward.control_addr()));
        command.stdout(Stdio::null()).spawn().expect("keyward audit")
    };
    // From now on the peak is that of the export.
    write(format!("/proc/{server}/clear_refs"), "5").expect("the peak is forgotten");
    let before = memory(server, "VmRSS:").expect("a running server");
    let clients = ended(run(&["export", "--workspace", "acme", "--out", "log.ndjson"]));
    let grown = memory(server, "VmHWM:").expect("a running server").saturating_sub(before);
    let log = keyward.dir().join("log.ndjson");
    let length = log.metadata().expect("the export").len() / 1024;
    let summary = format!(
        "{entries} entries, {length} KiB: the server grew by {grown} KiB, its client had {clients} KiB"
    );
    writeln!(std::io::stderr(), "{summary}").expect("stderr");
    assert!(length > MEMORY_MAX_KIB, "it shows nothing: the log is too short");
    assert!(grown < MEMORY_MAX_KIB, "the server grew by {grown} KiB");
    assert!((1..MEMORY_MAX_KIB).contains(&clients), "the client had {clients} KiB");

    // Checked by the program, by the documentation's checker, and by the server.
    let checked = ended(run(&["verify", "--file", "log.ndjson"]));
    assert!((1..MEMORY_MAX_KIB).contains(&checked), "the checker had {checked} KiB");
    let python = checker(File::open(&log).expect("the export"), &[]).wait_with_output().expect("its output");
    assert!(python.status.success(), "{python:?}");
    ended(run(&["verify", "--workspace", "acme"]));
    let found = keyward.with_key(&key.secret).get("/api/v1/acme/audit/checkpoint").expect(200).body;
    assert!(found["entries"].as_i64() > Some(entries), "{found}");
}
