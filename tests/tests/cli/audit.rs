use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use keyward_tests::{Value, Workspace, eventually, json, shared};
use rustix::process::{Pid, Signal, kill_process};

use crate::masked::{masked, masked_text};
use crate::person::Shell;
use crate::terminal::Terminal;

fn owner_of(workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(shared("cveium"), workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

/// A workspace in which a key was made and revoked. Its owner has no other: nobody else's sign-in is in its log.
fn with_history() -> Workspace<'static> {
    let keyward = shared("cveium");
    let workspace = keyward.workspace_of(&keyward.workspace().member("member"));
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    workspace.revoke(&key);
    workspace
}

/// How many entries the log has, and its head, as the server says.
fn end_of(workspace: &Workspace<'_>) -> (u64, String) {
    let found = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    (found.body["entries"].as_u64().expect("a number"), found.text_at("head"))
}

fn actions(listed: &Value) -> Vec<&str> {
    listed["items"].as_array().expect("items").iter().filter_map(|entry| entry["action"].as_str()).collect()
}

#[test]
fn the_log_is_listed_and_filtered() {
    let workspace = with_history();
    let grace = workspace.member("admin");
    let path = workspace.path("keys");
    let made = grace.post(&path, json!({"name": "hers", "scopes": ["products:read"]})).expect(201);
    let shell = owner_of(&workspace);
    let listed = shell.run(&["audit", "list", "--action", "key.revoked"]).expect(0);
    assert_snapshot!(masked(&listed, &[(&workspace.owner().name, "OWNER")]), @"
    stdout:
    WHEN  WHO  WHAT  TARGET  FROM
    TIME  OWNER  key.revoked  key_ID  127.0.0.1
    exit: 0
    ");
    let json =
        |arguments: &[&str]| shell.run(&[&["audit", "list", "--json"], arguments].concat()).expect(0).json();
    let all = json(&[]);
    assert_eq!(all, workspace.owner().get(&workspace.path("audit")).expect(200).body);
    assert_eq!(actions(&json(&["--actor", &grace.email]))[0], "key.created");
    assert_eq!(json(&["--actor", &grace.email]), json(&["--actor", &grace.id_in(&workspace.slug)]));
    assert_eq!(actions(&json(&["--target", &made.text_at("id")])), ["key.created"]);
    assert_eq!(actions(&json(&["--action", "key.created", "--all"])), ["key.created", "key.created"]);
    assert_eq!(json(&["--since", "1h"]), all);
    assert_eq!(actions(&json(&["--until", "1h"])), [""; 0]);
    assert_eq!(actions(&json(&["--actor", "operator"])), [""; 0]);
    let limited = shell.run(&["audit", "list", "--limit", "2"]).expect(0).saying("--all shows them all");
    assert_eq!(limited.stdout.lines().count(), 3, "{limited:?}");
    shell.run(&["audit", "list", "--until", "1h"]).expect(0).without_data().saying("No entry");
    shell.run(&["audit", "list", "--actor", "nobody@example.com"]).expect(5).without_data();
    let own = shell.run(&["audit", "list", "--personal", "--json", "--all"]).expect(0).json();
    assert!(actions(&own).contains(&"session.created"), "{own}");
    shell.run(&["audit", "list", "--personal", "--actor", "a@example.com"]).expect(2).without_data();
    // A key that was put into the wrong place does not travel, and is not repeated.
    let secret = workspace.key_with(&["products:read"]).secret;
    let refused = shell.run(&["audit", "list", "--target", &secret]).expect(2).without_data();
    assert!(!refused.stderr.contains(&secret), "{refused:?}");
}

#[test]
fn those_who_may_not_read_the_log_are_refused_by_every_command() {
    let workspace = with_history();
    let viewer = Shell::signed_in(shared("cveium"), &workspace.member("member"));
    for command in ["list", "export", "verify", "checkpoint"] {
        let run = |shell: &Shell| shell.run(&["audit", command, "--workspace", &workspace.slug]);
        run(&viewer).expect(4).without_data();
        run(&Shell::at(shared("cveium"))).expect(3).without_data();
    }
    let file = viewer.home().join("log");
    let export = ["audit", "export", "--workspace", &workspace.slug, "--out", "log"];
    viewer.run(&export).expect(4).without_data();
    assert!(!file.exists(), "nothing was exported");
}

#[test]
fn a_log_is_exported_and_checked_without_a_server() {
    let workspace = with_history();
    let shell = owner_of(&workspace);
    let masks = [(workspace.slug.as_str(), "SLUG")];
    let (entries, head) = end_of(&workspace);
    let exported = shell.run(&["audit", "export", "--out", "log"]).expect(0);
    assert_snapshot!(masked(&exported, &masks), @"
    stderr:
    Exported 4 entries of the log of workspace SLUG to log.
    exit: 0
    ");
    let file = shell.home().join("log");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).expect("the export");
    let api = workspace.owner().with("Accept", "application/x-ndjson").get(&workspace.path("audit"));
    assert_eq!(text, api.expect(200).text);
    assert_eq!(shell.run(&["audit", "export"]).expect(0).stdout, text);

    // Somewhere else, with nobody to ask.
    let offline = Shell::at_addresses("http://127.0.0.1:1", "http://127.0.0.1:1");
    let put = |text: &str| fs::write(offline.home().join("log"), text).expect("a file");
    let check = |more: &[&str]| offline.run(&[&["audit", "verify", "--file", "log"], more].concat());
    put(&text);
    let masks = [(head.as_str(), "HEAD")];
    assert_snapshot!(masked(&check(&[]).expect(0), &masks), @"
    stdout:
    File  log: log ws_ID
    Sound  yes
    Entries  4
    Head  HEAD
    stderr:
    Keep entries and head elsewhere. They show later whether the log was cut or rewritten:
    keyward audit verify --file log --entries 4 --head HEAD
    exit: 0
    ");
    let number = entries.to_string();
    check(&["--entries", &number, "--head", &head]).expect(0);
    let zeros = "0".repeat(64);
    check(&["--entries", "2", "--head", &zeros]).expect(10);
    let found = check(&["--json"]).expect(0).json();
    assert_eq!(found, workspace.owner().get(&workspace.path("audit/verify")).expect(200).body);

    // Tampered with, or cut.
    put(&text.replace("key.revoked", "key.updated"));
    assert_snapshot!(masked(&check(&[]).expect(10), &masks), @"
    stdout:
    File  log: log ws_ID
    Sound  no
    Problem  line 3: it was changed
    Entries  2 before it are sound
    stderr:
    The file is not what a server with a sound log exported. Keep a copy of it as it is.
    exit: 10
    ");
    assert_eq!(check(&["--json"]).expect(10).json()["broken_at"], 3);
    let lines: Vec<&str> = text.lines().collect();
    put(&[&lines[..1], &lines[2..]].concat().join("\n"));
    check(&[]).expect(10);
    put(&lines[..2].join("\n"));
    check(&[]).expect(0);
    assert_snapshot!(masked(&check(&["--entries", &number, "--head", &head]).expect(10), &masks), @"
    stdout:
    File  log: log ws_ID
    Sound  no
    Problem  line 3: it is missing: the log that was kept had more entries
    Entries  2 before it are sound
    stderr:
    The file is not what a server with a sound log exported. Keep a copy of it as it is.
    exit: 10
    ");
    put("");
    check(&[]).expect(1).without_data().saying("holds no entry");
    put("n,id,at\r\n1,x,y\r\n");
    check(&[]).expect(10);
    offline.run(&["audit", "verify", "--file", "nowhere"]).expect(1).without_data();
}

#[test]
fn a_table_is_exported_and_a_file_that_is_there_stays() {
    let workspace = with_history();
    let shell = owner_of(&workspace);
    let export = ["audit", "export", "--format", "csv", "--out", "log.csv"];
    let (entries, _) = end_of(&workspace);
    shell.run(&export).expect(0).without_data().saying(&format!("Exported {entries} entries"));
    let read = || fs::read_to_string(shell.home().join("log.csv")).expect("the table");
    let table = read();
    assert!(table.starts_with("n,id,at,"), "{table}");
    workspace.key_with(&["products:read"]);
    shell.run(&export).expect(1).without_data().saying("--force");
    assert_eq!(read(), table);
    shell.run(&[&export[..], &["--force"]].concat()).expect(0);
    assert!(read().starts_with(&table) && read() != table);
    let own = shell.run(&["audit", "export", "--personal"]).expect(0);
    assert!(own.stdout.contains("session.created"), "{own:?}");
    let (exit, seen) = Terminal::new(100).run(&shell, &["audit", "export"], "");
    assert!(exit == 2 && seen.contains("--out FILE"), "{seen}");
}

#[test]
fn the_server_checks_its_log_and_an_end_that_was_kept() {
    let workspace = with_history();
    let shell = owner_of(&workspace);
    let (entries, head) = end_of(&workspace);
    let masks = [(workspace.slug.as_str(), "SLUG"), (head.as_str(), "HEAD")];
    assert_snapshot!(masked(&shell.run(&["audit", "verify"]).expect(0), &masks), @"
    stdout:
    Log  workspace SLUG
    Sound  yes
    Entries  4
    Head  HEAD
    stderr:
    Keep entries and head elsewhere. They show later whether the log was cut or rewritten:
    keyward audit verify --workspace SLUG --entries 4 --head HEAD
    exit: 0
    ");
    let entries = entries.to_string();
    let kept = ["audit", "verify", "--entries", &entries, "--head", &head];
    workspace.key_with(&["products:read"]);
    let found = shell.run(&kept).expect(0);
    assert!(found.stdout.contains(&format!("entry {entries} is as it was kept")), "{found:?}");
    let wrong = ["audit", "verify", "--entries", &entries, "--head", &"0".repeat(64)];
    let found = shell.run(&wrong).expect(10);
    assert!(found.stdout.contains("it is another than the one that was kept"), "{found:?}");
    assert_eq!(shell.run(&[&wrong[..], &["--json"]].concat()).expect(10).json()["ok"], false);
    shell.run(&["audit", "verify", "--personal"]).expect(0);
}

#[test]
fn a_checkpoint_shows_later_that_the_log_still_holds_it() {
    let workspace = with_history();
    let shell = owner_of(&workspace);
    let made = shell.run(&["audit", "checkpoint"]).expect(0);
    let json = made.json();
    let (key_id, head) = (json["key_id"].as_str().expect("an id"), json["head"].as_str().expect("a hash"));
    let (key, signature) =
        (json["public_key"].as_str().expect("a key"), json["signature"].as_str().expect("one"));
    let slug = workspace.slug.as_str();
    let masks = [(key_id, "KEY_ID"), (head, "HEAD"), (key, "KEY"), (signature, "SIGNATURE"), (slug, "SLUG")];
    let at = json["at"].as_str().expect("a time");
    let log = json["log"].as_str().expect("an id");
    let shown = masked(&made, &[&masks[..], &[(at, "TIME"), (log, "LOG")]].concat());
    assert_snapshot!(shown, @r#"
    stdout:
    {
      "at": "TIME",
      "entries": 4,
      "head": "HEAD",
      "key_id": "KEY_ID",
      "log": "LOG",
      "public_key": "KEY",
      "signature": "SIGNATURE"
    }
    stderr:
    Keep it elsewhere, and note its key id apart from it. Later, with the file:
    keyward audit verify --workspace SLUG --checkpoint FILE --key-id KEY_ID
    exit: 0
    "#);
    let put = |name: &str, text: &str| fs::write(shell.home().join(name), text).expect("a file");
    put("kept", &made.stdout);
    workspace.key_with(&["products:read"]);
    let verify = ["audit", "verify", "--checkpoint", "kept"];
    let pinned = [&verify[..], &["--key-id", key_id]].concat();
    let (_, grown) = end_of(&workspace);
    let grown = [(key_id, "KEY_ID"), (grown.as_str(), "HEAD"), (slug, "SLUG")];
    assert_snapshot!(masked(&shell.run(&pinned).expect(0), &grown), @"
    stdout:
    Log  workspace SLUG
    Sound  yes
    Entries  5
    Head  HEAD
    Kept  entry 4 is as it was kept
    Signed  TIME with key KEY_ID
    stderr:
    Keep entries and head elsewhere. They show later whether the log was cut or rewritten:
    keyward audit verify --workspace SLUG --entries 5 --head HEAD
    exit: 0
    ");
    shell.run(&verify).expect(0).saying("Anybody can make a key");

    // With an export, and with that of another log.
    shell.run(&["audit", "export", "--out", "log"]).expect(0);
    shell.run(&[&pinned[..], &["--file", "log"]].concat()).expect(0);
    shell.run(&["audit", "export", "--personal", "--out", "mine"]).expect(0);
    shell.run(&[&pinned[..], &["--file", "mine"]].concat()).expect(10);
    shell.run(&[&pinned[..], &["--personal"]].concat()).expect(10);
    let cut: Vec<String> = fs::read_to_string(shell.home().join("log"))
        .expect("the log")
        .lines()
        .take(3)
        .map(str::to_owned)
        .collect();
    put("cut", &cut.join("\n"));
    shell.run(&[&pinned[..], &["--file", "cut"]].concat()).expect(10);

    // Another key, and what nobody signed.
    let other_id = "0".repeat(32);
    let other = [&verify[..], &["--key-id", &other_id]].concat();
    let found = shell.run(&other).expect(10);
    assert!(found.stdout.contains("another key than the one of --key-id"), "{found:?}");
    put("kept", &made.stdout.replace("\"entries\": 4", "\"entries\": 3"));
    assert_snapshot!(masked(&shell.run(&pinned).expect(10), &masks), @"
    stdout:
    Log  not looked at
    Sound  no
    Problem  the checkpoint was changed: its signature does not fit
    stderr:
    Is it the checkpoint that you kept, and of this log?
    exit: 10
    ");
    assert_eq!(shell.run(&[&pinned[..], &["--json"]].concat()).expect(10).json()["ok"], false);
    put("kept", "{}");
    shell.run(&pinned).expect(1).without_data();
}

/// A server that begins to answer, and is gone.
fn breaks_off(beginning: &'static str) -> String {
    begins(beginning, false)
}

/// A server that begins to answer, and then says nothing more if it stays.
fn begins(beginning: &'static str, stays: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let mut asked = [0; 4096];
            let _ = connection.read(&mut asked);
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = connection.write_all(format!("{head}{beginning}").as_bytes());
            if stays {
                // It ends with the client.
                let _ = connection.read(&mut asked);
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn an_export_that_breaks_off_is_an_error_and_leaves_no_file() {
    // Within a chunk, between two, and at the end of what is no whole line.
    for beginning in ["8\r\n{\"v\":1", "8\r\n{\"v\":1}\n\r\n", "7\r\n{\"v\":1}\r\n0\r\n\r\n"] {
        let server = breaks_off(beginning);
        let shell = Shell::at_addresses(&server, &server).with("KEYWARD_API_KEY", "x");
        let export = ["audit", "export", "--workspace", "acme"];
        let ran = shell.run(&[&export[..], &["--out", "log"]].concat()).expect(7).without_data();
        let said = masked_text(&ran.stderr, &[]);
        assert!(said.contains("broke off after") && said.contains("No file was written"), "{said}");
        let left: Vec<_> = fs::read_dir(shell.home()).expect("the folder").collect();
        assert!(left.is_empty(), "{left:?}");
        shell.run(&export).expect(7).saying("is not the whole log");
    }
}

#[test]
fn an_export_that_somebody_ends_leaves_no_file() {
    let server = begins("8\r\n{\"v\":1}\n\r\n", true);
    for (signal, exit) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let shell = Shell::at_addresses(&server, &server).with("KEYWARD_API_KEY", "x");
        let written = || {
            let files = fs::read_dir(shell.home()).expect("the folder");
            files.map(|file| file.expect("a file").metadata().expect("its length").len()).collect::<Vec<_>>()
        };
        let mut command = shell.command(&["audit", "export", "--workspace", "acme", "--out", "log"]);
        let mut export = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("keyward starts");
        eventually(Duration::from_secs(20), written, |files| files.iter().any(|len| *len > 0));
        kill_process(Pid::from_child(&export), signal).expect("a signal reaches it");
        assert_eq!(export.wait().expect("its end").code(), Some(exit));
        assert_eq!(written(), [0; 0], "a part of the log is left");
    }
}
