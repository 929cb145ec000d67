//! Several servers on one database.

use std::time::{Duration, Instant};

use keyward_tests::{Database, Keyward, eventually, json};

/// Another server on the database of one that runs.
fn beside(first: &Keyward, node: &str) -> Keyward {
    let mut builder = Keyward::profile("cveium").env("KEYWARD_DATA_PLANE__NODE", node);
    for (name, value) in first.database().expect("a database").env() {
        builder = builder.env(name, &value);
    }
    builder.start()
}

#[test]
fn what_one_server_changes_all_of_them_follow_within_the_bound() {
    let first = Keyward::profile("cveium").on(Database::new()).start();
    let second = beside(&first, "second");
    let workspace = first.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    assert_eq!(first.verify_code(&key.secret), "valid", "at once where it was made");
    let code = || second.verify_code(&key.secret);
    eventually(Duration::from_secs(5), code, |code| code == "valid");
    // What the other one is asked to do is done here too.
    let other = second.first_workspace();
    let asked = Instant::now();
    other.revoke(&key);
    assert_eq!(second.verify_code(&key.secret), "revoked");
    eventually(Duration::from_secs(5), || first.verify_code(&key.secret), |code| code == "revoked");
    assert!(asked.elapsed() < Duration::from_secs(5));
    // Neither lost an entry, and the log is one chain.
    let check = workspace.owner().get(&workspace.path("audit/verify")).expect(200).body;
    assert_eq!(check["ok"], true, "{check}");
    let actions = workspace.owner().get(&workspace.path("audit?limit=200")).expect(200).body;
    let actions: Vec<&str> = actions["items"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    for action in ["key.created", "key.revoked"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

#[test]
fn a_request_that_is_sent_again_to_another_server_is_done_once() {
    let first = Keyward::profile("cveium").on(Database::new()).start();
    let second = beside(&first, "second");
    let body = json!({"name": "ci", "scopes": ["products:read"]});
    let (one, other) = (first.first_workspace(), second.first_workspace());
    // The same person, signed in at either.
    let made = one.owner().with("Idempotency-Key", "once").post(&one.path("keys"), body.clone()).expect(201);
    let again = other.owner().with("Idempotency-Key", "once").post(&other.path("keys"), body).expect(201);
    assert_eq!(made.text_at("id"), again.text_at("id"));
    assert_eq!(again.body["secret_already_shown"], true);
}

#[test]
fn a_server_that_is_killed_leaves_the_others_at_work() {
    let first = Keyward::profile("cveium").on(Database::new()).start();
    let second = beside(&first, "second");
    let key = first.first_workspace().key_with(&["products:read"]);
    eventually(Duration::from_secs(5), || second.verify_code(&key.secret), |code| code == "valid");
    first.pid().kill_9();
    let workspace = second.first_workspace();
    workspace.key_with(&["products:read"]);
    workspace.revoke(&key);
    assert_eq!(second.verify_code(&key.secret), "revoked");
}
