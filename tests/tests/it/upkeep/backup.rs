use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward_tests::{Keyward, json, unique};
use rusqlite::Connection;

use super::{back_up, move_away, run};

/// More than one part of the copy.
const KEYS: usize = 40;

#[test]
fn a_backup_is_taken_of_a_running_server_and_is_for_its_owner_alone() {
    let keyward = Keyward::profile("cveium").on_file().start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    let ran = run(&keyward, "backup", &["--out", "today.backup"]).expect(0);
    let path = keyward.dir().join("today.backup");
    let mode = std::fs::metadata(&path).expect("the backup").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What is not in it is said, and is not in it.
    let ran = ran.saying("keyward.sqlite.audit-key").saying("Not in the backup");
    let signing_key = std::fs::read(keyward.dir().join("keyward.sqlite.audit-key")).expect("the signing key");
    let bytes = std::fs::read(&path).expect("the backup");
    assert!(!bytes.windows(signing_key.len()).any(|part| part == signing_key.as_slice()));
    assert!(!bytes.windows(key.secret.len()).any(|part| part == key.secret.as_bytes()));
    // As sha256sum reads it.
    std::fs::write(keyward.dir().join("today.sha256"), &ran.stdout).expect("a file");
    let check = Command::new("sha256sum").args(["-c", "today.sha256"]).current_dir(keyward.dir()).output();
    assert!(check.expect("sha256sum").status.success(), "{ran:?}");
    // One file, and nothing left beside it.
    let left = std::fs::read_dir(keyward.dir())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = left.filter(|name| !name.to_string_lossy().starts_with("keyward.sqlite")).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    run(&keyward, "backup", &["--out", "today.backup"]).expect(1).saying("today.backup is there already");
    run(&keyward, "backup", &["--out", "today.backup", "--force"]).expect(0);
    let verified = run(&keyward, "restore", &["--verify", "today.backup", "--json"]).expect(0).json();
    assert_eq!((&verified["ok"], &verified["troubles"]), (&json!(true), &json!([])));
    let tables = verified["manifest"]["tables"].as_array().expect("tables");
    let keys = tables.iter().find(|table| table["name"] == "keys").expect("keys");
    assert_eq!(keys["rows"], 1);
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn a_backup_holds_all_that_was_acknowledged_before_it_while_others_write_on() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let before: BTreeMap<String, String> = {
        let workspace = keyward.first_workspace();
        let keys = (0..KEYS).map(|_| workspace.key_with(&["products:read"]));
        keys.map(|key| (key.id, key.secret)).collect()
    };
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let (keyward, stop) = (&keyward, &stop);
        let writer = || {
            let workspace = keyward.first_workspace();
            let mut written = 0;
            while !stop.load(Ordering::SeqCst) {
                let body = json!({"name": unique("load"), "scopes": ["products:read"]});
                workspace.owner().post(&workspace.path("keys"), body).expect(201);
                written += 1;
            }
            written
        };
        let writers: Vec<_> = (0..2).map(|_| scope.spawn(writer)).collect();
        back_up(keyward, "busy.backup");
        run(keyward, "restore", &["--verify", "busy.backup"]).expect(0).saying("sound");
        stop.store(true, Ordering::SeqCst);
        writers.into_iter().map(|writer| writer.join().expect("a writer")).sum::<usize>()
    });
    assert!(written > 0, "nobody wrote meanwhile");
    keyward.terminate();
    move_away(&keyward);
    run(&keyward, "restore", &["busy.backup"]).expect(0);
    run(&keyward, "store", &["confirm", "--yes"]).expect(0);
    keyward.start_stopped();
    for secret in before.values() {
        assert_eq!(keyward.verify_code(secret), "valid");
    }
}

#[test]
fn what_is_wrong_with_a_backup_is_told_and_it_is_not_put_back() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    keyward.first_workspace().key_with(&["products:read"]);
    back_up(&keyward, "sound.backup");
    keyward.terminate();
    move_away(&keyward);
    for (harm, words) in [
        ("UPDATE keys SET name = 'other'", "keys: a row is another"),
        ("UPDATE audit_entries SET actor_name = 'Eve' WHERE n = 1", "is not sound: entry 1: it was changed"),
    ] {
        let path = keyward.dir().join("harmed.backup");
        std::fs::copy(keyward.dir().join("sound.backup"), &path).expect("a copy");
        Connection::open(&path).expect("the backup").execute_batch(harm).expect("harm");
        run(&keyward, "restore", &["--verify", "harmed.backup"]).expect(10).saying(words);
        run(&keyward, "restore", &["harmed.backup"]).expect(10).saying("nothing was put back");
        assert!(!keyward.store().exists());
    }
    let whole = std::fs::read(keyward.dir().join("sound.backup")).expect("the backup");
    std::fs::write(keyward.dir().join("half.backup"), &whole[..whole.len() / 2]).expect("half of it");
    run(&keyward, "restore", &["--verify", "half.backup"]).expect(10);
    run(&keyward, "restore", &["--verify", "nothing.backup"]).expect(1).saying("there is no file");
    std::fs::write(keyward.dir().join("text.backup"), "a text that is no backup at all").expect("a text");
    run(&keyward, "restore", &["--verify", "text.backup"]).expect(10);
}
