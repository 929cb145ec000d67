use keyward_tests::Keyward;
use rusqlite::Connection;

use super::run;
use super::upgrade::first_schema;

fn version(keyward: &Keyward) -> u32 {
    let store = Connection::open(keyward.store()).expect("the store");
    store.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version")
}

#[test]
fn an_older_schema_is_told_and_changed_only_when_it_is_asked_for() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let current = version(&keyward);
    run(&keyward, "migrate", &[]).expect(0).saying(&format!("schema version {current}, up to date"));
    keyward.terminate();
    std::fs::remove_file(keyward.store()).expect("no store");
    run(&keyward, "migrate", &["--check"]).expect(10).saying("there is no store yet");
    assert!(!keyward.store().exists(), "--check makes nothing");
    drop(first_schema(&keyward.store()));
    for (command, arguments, exit) in [
        ("migrate", &["--check"][..], 10),
        ("doctor", &[], 1),
        ("backup", &[], 1),
        ("store", &["confirm", "--yes"], 1),
    ] {
        run(&keyward, command, arguments).expect(exit).saying("keyward migrate");
        assert_eq!(version(&keyward), 1, "{command} changes nothing");
    }
    run(&keyward, "migrate", &[]).expect(0).saying(&format!("schema version 1 → {current}"));
    assert_eq!(version(&keyward), current);
    run(&keyward, "migrate", &["--check"]).expect(0);
    keyward.start_stopped();
}

#[test]
fn an_older_program_refuses_a_newer_schema_with_words() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    keyward.terminate();
    let store = Connection::open(keyward.store()).expect("the store");
    store.pragma_update(None, "user_version", 9_999).expect("a version");
    drop(store);
    let said = keyward.refuses_to_start_again();
    assert!(said.contains("schema version 9999") && said.contains("use a newer keyward"), "{said}");
    for command in ["migrate", "doctor", "backup"] {
        run(&keyward, command, &[]).expect(1).saying("use a newer keyward");
    }
    assert_eq!(version(&keyward), 9_999);
}
