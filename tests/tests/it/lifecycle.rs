//! Starting, restarting and stopping.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use keyward_tests::{Keyward, eventually, json};

#[test]
fn starting_again_with_the_same_environment_changes_nothing() {
    let mut keyward = Keyward::profile("cveium").start();
    let before = {
        let workspace = keyward.first_workspace();
        workspace.key_with(&["products:read"]);
        (workspace.keys(), keyward.owner().get("/api/v1/me").expect(200).body)
    };
    keyward.restart();
    keyward.restart();
    let workspace = keyward.first_workspace();
    assert_eq!((workspace.keys(), keyward.owner().get("/api/v1/me").expect(200).body), before);
    assert_eq!(keyward.owner().get(&workspace.path("members")).expect(200).items().len(), 1);
    let owner = keyward.owner();
    keyward.sign_in(&owner.email, &owner.password);
}

#[test]
fn another_bootstrap_password_does_not_replace_the_owners() {
    let mut keyward = Keyward::profile("cveium").start();
    let owner = keyward.owner().clone();
    keyward.set_env("KEYWARD_BOOTSTRAP__OWNER_PASSWORD", "somebody else's passphrase");
    keyward.restart();
    keyward.sign_in(&owner.email, &owner.password);
    let other = json!({"email": owner.email, "password": "somebody else's passphrase"});
    keyward.anonymous().post("/api/v1/session", other).problem(401, "unauthenticated");
}

#[test]
fn the_bootstrap_password_may_come_from_a_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("password");
    std::fs::write(&file, "a passphrase from a file\n").expect("a secret in a file");
    let keyward = Keyward::profile("cveium")
        .without("KEYWARD_BOOTSTRAP__OWNER_PASSWORD")
        .env("KEYWARD_BOOTSTRAP__OWNER_PASSWORD_FILE", &file.display().to_string())
        .start();
    keyward.sign_in("ada@example.com", "a passphrase from a file").get("/api/v1/acme/whoami").expect(200);
}

#[test]
fn a_first_start_without_anybody_prints_a_set_up_link() {
    let keyward = Keyward::profile("cveium").without_bootstrap().start();
    let link = format!("http://{}/setup", keyward.control_addr());
    let logs = eventually(Duration::from_secs(5), || keyward.logs(), |logs| logs.contains("/setup"));
    assert!(logs.contains(&link), "no {link}…: {logs}");
}

/// The token of the set-up link that a first start prints.
fn set_up_token(keyward: &Keyward) -> String {
    let logs = eventually(Duration::from_secs(5), || keyward.logs(), |logs| logs.contains("/setup#"));
    let link = logs.split("/setup#").nth(1).expect("a link");
    link.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect()
}

#[test]
fn a_set_up_that_broke_off_leaves_the_link_or_the_owner() {
    let keyward = Keyward::profile("cveium").without_bootstrap().start();
    let (email, password) = ("grace@example.com", "a long enough passphrase");
    let body = json!({"token": set_up_token(&keyward), "email": email, "name": "Grace", "password": password,
        "workspace_name": "Acme", "workspace_slug": "acme"});
    let text = body.to_string();
    let request = format!(
        "POST /api/v1/setup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{text}",
        text.len()
    );
    // Gone at once, or while the password is being hashed.
    for gone_after_ms in [0, 0, 1, 2, 5, 10, 20] {
        let mut stream = keyward.anonymous().connect();
        stream.write_all(request.as_bytes()).expect("a request");
        std::thread::sleep(Duration::from_millis(gone_after_ms));
        drop(stream);
        std::thread::sleep(Duration::from_millis(100));
    }
    // Whatever was still under way is done.
    std::thread::sleep(Duration::from_secs(2));
    let proper = keyward.anonymous().post("/api/v1/setup", body.clone());
    assert!(matches!(proper.status, 201 | 404), "{proper}");
    keyward.sign_in(email, password).get("/api/v1/acme/whoami").expect(200);
    keyward.anonymous().post("/api/v1/setup", body).problem(404, "not_found");
}

#[test]
fn a_restart_keeps_every_decision() {
    let mut keyward = Keyward::profile("cveium").start();
    let (active, revoked, expired) = {
        let workspace = keyward.first_workspace();
        let body = json!({"name": "short", "scopes": ["products:read"], "expires_in_seconds": 1});
        let keys = (
            workspace.key_with(&["products:read"]),
            workspace.key_with(&["products:read"]),
            workspace.create_key(body),
        );
        workspace.revoke(&keys.1);
        keyward.verify(json!({"key": keys.0.secret, "ip": "203.0.113.7"}));
        keys
    };
    eventually(Duration::from_secs(3), || keyward.verify_code(&expired.secret), |code| code == "expired");
    let epoch = keyward.verify(json!({"key": active.secret}))["epoch"].as_u64();
    keyward.restart();
    assert_eq!(keyward.verify_code(&active.secret), "valid");
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    assert_eq!(keyward.verify_code(&expired.secret), "expired");
    assert!(keyward.verify(json!({"key": active.secret}))["epoch"].as_u64() >= epoch, "time ran backwards");
    let body = keyward.first_workspace().get_key(&active.id).body;
    assert_eq!(body["last_used_ip"], "203.0.113.7", "what was learnt of its use was kept: {body}");
}

#[test]
fn the_store_is_readable_by_its_owner_alone() {
    let keyward = Keyward::profile("cveium").start();
    keyward.first_workspace().key_with(&["products:read"]);
    for suffix in ["", "-wal", "-shm"] {
        let path = keyward.dir().join(format!("keyward.sqlite{suffix}"));
        if let Ok(metadata) = std::fs::metadata(&path) {
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{}", path.display());
        } else {
            assert!(!suffix.is_empty(), "{} does not exist", path.display());
        }
    }
}

#[test]
fn sigterm_drains_what_was_begun_and_exits_with_0() {
    let mut keyward = Keyward::profile("cveium").start();
    let (path, cookie) = {
        let workspace = keyward.first_workspace();
        (workspace.path("keys"), workspace.owner().header("Cookie").expect("a session").to_owned())
    };
    let body = json!({"name": "last", "scopes": ["products:read"]}).to_string();
    let mut idle = keyward.anonymous().connect();
    let mut begun = keyward.anonymous().connect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (first, second) = body.split_at(10);
    begun.write_all(head.as_bytes()).expect("the head of a request");
    begun.write_all(first.as_bytes()).expect("some of its body");
    std::thread::sleep(Duration::from_millis(200));

    keyward.ask_to_terminate();
    std::thread::sleep(Duration::from_millis(300));
    begun.write_all(second.as_bytes()).expect("the rest of it");
    let mut answer = String::new();
    begun.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    keyward.wait_for_exit_0();
    let mut nothing = Vec::new();
    let _ = idle.read_to_end(&mut nothing);
    assert!(nothing.is_empty());

    keyward.restart();
    let keys = keyward.first_workspace().keys();
    assert_eq!(keys.len(), 1, "what was acknowledged while draining is there");
    assert_eq!(keys[0]["name"], "last");
}

/// The worst that clients can do: every place of the control plane is taken by one that never reads.
#[test]
fn sigterm_ends_a_server_whose_connections_all_hang() {
    const PLACES: usize = 192 / 4;
    let mut keyward = Keyward::profile("cveium").open_files_max(192).start();
    let bundle = "GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let hanging = std::iter::repeat_with(|| {
        let mut stream = keyward.anonymous().connect();
        // More than the buffers between both ends hold.
        stream.write_all(bundle.repeat(16).as_bytes()).expect("requests");
        stream
    });
    let hanging: Vec<_> = hanging.take(PLACES + 8).collect();
    std::thread::sleep(Duration::from_millis(500));
    keyward.data().get("/readyz").expect(200);
    let mut waiting = keyward.anonymous().connect();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).expect("a time-out");
    waiting.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    assert!(waiting.read(&mut [0]).is_err(), "no place is left");

    let stopping = Instant::now();
    keyward.terminate();
    assert!(stopping.elapsed() < Duration::from_secs(15), "{:?}", stopping.elapsed());
    drop(hanging);
}

#[test]
fn a_second_server_on_the_same_store_is_refused_until_the_first_is_gone() {
    let mut keyward = Keyward::profile("cveium").start();
    let on_other_ports = |name: &str| -> Output {
        let mut command: Command = keyward.command(name);
        command.env("KEYWARD_SERVER__LISTEN", "127.0.0.1:0").env("KEYWARD_DATA_PLANE__LISTEN", "127.0.0.1:0");
        command.output().expect("keyward runs")
    };
    let second = on_other_ports("serve");
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{}.lock", keyward.store().display())), "{said}");
    let doctor = on_other_ports("doctor");
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));

    keyward.pid().kill_9();
    keyward.restart_after_death();
    let lock = std::fs::metadata(format!("{}.lock", keyward.store().display())).expect("the lock");
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
}

#[test]
fn doctor_says_when_few_files_may_be_open() {
    let keyward = Keyward::profile("cveium").open_files_max(512).start();
    let doctor = keyward.command("doctor").output().expect("keyward runs");
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("FAIL  open files: 512"), "{said}");
    let logs = keyward.logs();
    assert!(logs.contains("few files may be open"), "the server warns of it: {logs}");
}

#[test]
fn both_listeners_say_that_they_live_and_are_ready() {
    let keyward = keyward_tests::shared("cveium");
    for listener in [keyward.anonymous(), keyward.data()] {
        listener.get("/livez").expect(200);
        listener.get("/readyz").expect(200);
    }
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let said = Keyward::profile("no-such-profile").refuses_to_start();
    assert!(said.contains("no-such-profile"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_mistake_in_a_profile_names_file_line_and_key() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("mine.toml");
    let good = std::fs::read_to_string(keyward_tests::project_root().join("profiles/cveium.toml"))
        .expect("a profile");
    let line = good.lines().position(|line| line.starts_with("prefix")).expect("a prefix") + 1;
    std::fs::write(&file, good.replacen("\nprefix", "\nprefiks", 1)).expect("a profile with a mistake");
    let said = Keyward::profile(&file.display().to_string()).refuses_to_start();
    for part in ["mine.toml", "prefiks", &line.to_string()] {
        assert!(said.contains(part), "no `{part}`: {said}");
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_named() {
    for (name, value) in [
        ("KEYWARD_DATA_PLANE__FORWARDED", "x-nonsense"),
        ("KEYWARD_DATA_PLANE__TRUSTED_PROXIES", "everybody"),
        ("KEYWARD_STORE__URL_TYPO", "x"),
    ] {
        let said = Keyward::profile("cveium").env(name, value).refuses_to_start();
        assert!(said.contains(value) || said.to_uppercase().contains(name), "{name}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
