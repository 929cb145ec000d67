//! `keyward usage` and `keyward keys stale`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use keyward_tests::{Key, Keyward, Workspace, eventually, json, shared};

use crate::person::Shell;

fn at_the_shell(keyward: &Keyward, workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

/// Uses a key: one use that is valid, one that is not.
fn use_twice(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key) {
    let ask = |scope: &str, ip: &str, path: &str| {
        let question = json!({"key": key.secret, "scopes": [scope], "ip": ip, "method": "GET", "path": path});
        keyward.verify(question);
    };
    ask("products:read", "203.0.113.7", "/api/products");
    ask("vex:read", "198.51.100.9", "/api/\u{1b}[2Jvex");
    let path = workspace.path(&format!("keys/{}/usage", key.id));
    let look = || workspace.owner().get(&path).expect(200).items().len();
    eventually(Duration::from_secs(2), look, |uses| *uses >= 2);
}

#[test]
fn uses_are_shown_filtered_and_counted() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = at_the_shell(keyward, &workspace);
    let usage = |arguments: &[&str]| shell.run(&[&["usage", &key.id], arguments].concat());
    usage(&[]).expect(0).without_data().saying("was not used yet");
    usage(&["--summary"]).expect(0).without_data().saying("was not used between");
    use_twice(keyward, &workspace, &key);

    let shown = usage(&[]).expect(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("WHEN ") && lines[0].contains("OUTCOME"), "{shown}");
    assert!(lines[1].contains("insufficient_scope") && lines[1].contains("198.51.100.9"), "{shown}");
    assert!(lines[2].contains("valid") && lines[2].contains("GET /api/products"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "nothing steers the terminal: {shown:?}");

    let items =
        |arguments: &[&str]| usage(&[&["--json"], arguments].concat()).expect(0).json()["items"].clone();
    assert_eq!(items(&[]).as_array().map(Vec::len), Some(2));
    assert_eq!(items(&["--code", "valid"])[0]["ip"], "203.0.113.7");
    assert_eq!(items(&["--ip", "198.51.100.9"])[0]["code"], "insufficient_scope");
    assert_eq!(items(&["--from", "1h", "--to", "1m"]), json!([]));
    assert_eq!(items(&["--since", "1h", "--limit", "1"]).as_array().map(Vec::len), Some(1));
    usage(&["--code", "revoked"]).expect(0).without_data().saying("No use of the key fits");
    usage(&["--limit", "1"]).expect(0).saying("These are the first 1");

    let counted = usage(&["--summary"]).expect(0).stdout;
    let last = counted.lines().last().expect("a line of sums").split_whitespace().collect::<Vec<_>>();
    assert_eq!(last, ["in", "all", "1", "1", "insufficient_scope", "1"], "{counted}");
    let by_day = usage(&["--summary", "--bucket", "day", "--from", "7d", "--json"]).expect(0).json();
    assert_eq!(by_day["totals"], json!({"valid": 1, "insufficient_scope": 1}));
    usage(&["--summary", "--from", "900d"]).expect(1).without_data().saying("744");
    shell.run(&["usage", "key_01m8j3y4h9eqntzxp75m5jzy5h"]).expect(5).without_data();
}

#[test]
fn a_log_that_is_followed_shows_each_new_use_once_until_ctrl_c() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    use_twice(keyward, &workspace, &key);
    let shell = at_the_shell(keyward, &workspace);
    let mut command = shell.command(&["usage", &key.id, "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("keyward starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert!(next().contains("GET /api/products"), "the older one first");
    assert!(next().contains("insufficient_scope"));
    for n in 0..3 {
        keyward.verify(json!({"key": key.secret, "path": format!("/new/{n}")}));
        let line = next();
        assert!(line.ends_with(&format!("/new/{n}")), "{line}");
    }
    // Nothing is shown again in the looks that follow.
    std::thread::sleep(Duration::from_millis(2_500));
    let interrupted = Command::new("/bin/kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("kill").success());
    let status = child.wait().expect("its end");
    let mut rest = String::new();
    child.stderr.take().expect("its stderr").read_to_string(&mut rest).expect("text");
    assert_eq!(status.code(), Some(0), "{rest}");
    assert_eq!(lines.count(), 0);
}

#[test]
fn a_log_that_is_followed_goes_on_when_the_server_comes_back_and_tells_what_may_be_missing() {
    let mut keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = at_the_shell(&keyward, &workspace);
    use_twice(&keyward, &workspace, &key);
    let mut command = shell.command(&["usage", &key.id, "--follow", "--json", "--from", "1h"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("keyward starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines();
    let mut next = || -> keyward_tests::Value {
        lines.next().expect("a line").expect("text").parse().expect("JSON in one line")
    };
    assert_eq!((&next()["code"], &next()["code"]), (&json!("valid"), &json!("insufficient_scope")));
    keyward.pid().kill_9();
    std::thread::sleep(Duration::from_millis(1_500));
    keyward.restart_after_death();
    keyward.verify(json!({"key": key.secret, "path": "/after"}));
    assert_eq!(next()["path"], "/after");
    child.kill().expect("a running program");
    child.wait().expect("its end");
    let mut said = String::new();
    child.stderr.take().expect("its stderr").read_to_string(&mut said).expect("text");
    assert!(said.contains("does not answer"), "{said}");
    shell
        .run(&["usage", &key.id])
        .expect(0)
        .saying("may be missing: the server did not end in order (node local)");
}

#[test]
fn keys_to_look_at_are_counted_and_listed() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = at_the_shell(keyward, &workspace);
    let stale = |arguments: &[&str]| shell.run(&[&["keys", "stale"], arguments].concat());
    let none = stale(&[]).expect(0).stdout;
    assert!(none.lines().skip(1).all(|line| line.split_whitespace().nth(1) == Some("0")), "{none}");
    let key = workspace.key_with(&["products:read"]);
    let counted = stale(&[]).expect(0).saying("keyward keys stale --reason REASON").stdout;
    let row =
        |reason: &str| counted.lines().find(|line| line.starts_with(reason)).expect("its row").to_owned();
    for (reason, keys) in [("never_used", "1"), ("unused", "0"), ("never_expires", "1"), ("new_network", "0")]
    {
        assert_eq!(row(reason).split_whitespace().nth(1), Some(keys), "{counted}");
    }
    let listed = stale(&["--reason", "never_used"]).expect(0).stdout;
    assert!(listed.contains(&key.id) && listed.contains("never"), "{listed}");
    let json = stale(&["--reason", "never_expires", "--all", "--json"]).expect(0).json();
    assert_eq!(json["items"][0]["key"]["id"], key.id.as_str());
    assert_eq!(
        stale(&["--json"]).expect(0).json()["reasons"][0],
        json!({"reason": "never_used", "keys": 1, "more": false})
    );
    stale(&["--reason", "unused", "--days", "30"]).expect(0).without_data().saying("not used for 30 days");
}
