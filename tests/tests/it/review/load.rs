//! What one tenant can do to all others with the rights that everybody has: anybody may make a workspace of their own.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyward_tests::{Keyward, Value, json, sha256, unique};

/// As long as a rule may be: compared with a hundred of them, one pattern costs as much as it can.
fn rules_that_nearly_fit() -> Vec<Value> {
    let nearly = |n: u32| format!("**:{}:z{n}", ["*a*a*"; 14].join(":"));
    let mut rules: Vec<Value> = (0..98).map(|n| json!({"action": nearly(n), "resources": []})).collect();
    rules.push(json!({"action": "settings.manage", "resources": []}));
    rules.push(json!({"action": "**", "resources": []}));
    rules
}

/// A key with as many bytes as it may have.
fn fat_key(account: &str) -> Value {
    let rules: Vec<Value> =
        (0..100).map(|n| json!({"action": format!("{}:{n}", "a".repeat(190)), "resources": []})).collect();
    let metadata: Value = (0..50).map(|n| (format!("{n:040}"), json!("€".repeat(500)))).collect();
    json!({"name": unique("fat"), "service_account": account, "description": "€".repeat(500), "rules": rules,
           "metadata": metadata})
}

#[test]
fn an_import_of_many_rules_does_not_keep_others_from_writing() {
    let keyward = Keyward::profile("default").start();
    let stranger = keyward.workspace_of(&keyward.first_workspace().member("viewer"));
    let key = stranger.create_key(json!({"name": "k", "rules": rules_that_nearly_fit()}));
    let long = ["aaaa"; 32].join(":");
    let asked = json!({"action": long, "resources": []});
    let keys: Vec<Value> = (0..20)
        .map(|_| json!({"name": "i", "sha256": sha256(&unique("secret")).1, "rules": vec![asked.clone(); 100]}))
        .collect();
    let other = keyward.first_workspace();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            keyward.with_key(&key.secret).post(&stranger.path("keys/import"), json!({"keys": keys}))
        });
        std::thread::sleep(Duration::from_millis(1_500));
        other.owner().post(&other.path("keys"), json!({"name": "k", "scopes": ["api:read"]})).expect(201);
    });
}

#[test]
fn two_slow_senders_do_not_keep_others_from_importing() {
    let keyward = Keyward::profile("default").start();
    let stranger = keyward.workspace_of(&keyward.first_workspace().member("viewer"));
    let key =
        stranger.create_key(json!({"name": "k", "rules": [{"action": "settings.manage", "resources": []}]}));
    let slow = || {
        let mut stream = keyward.anonymous().connect();
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: keyward\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{{",
            stranger.path("keys/import"),
            key.secret
        );
        stream.write_all(head.as_bytes()).expect("headers");
        stream
    };
    let _slow = [slow(), slow()];
    std::thread::sleep(Duration::from_millis(500));
    let other = keyward.first_workspace();
    let body = json!({"keys": [{"name": "i", "sha256": sha256("theirs").1, "scopes": ["api:read"]}]});
    other.owner().post(&other.path("keys/import"), body).expect(201);
}

#[test]
fn edits_of_a_service_account_with_many_keys_do_not_stop_the_data_plane() {
    let keyward = Keyward::profile("default").start();
    let stranger = keyward.workspace_of(&keyward.first_workspace().member("viewer"));
    let theirs = keyward.first_workspace().key_with(&["api:read"]);
    let accounts = stranger.path("service-accounts");
    let account = stranger.owner().post(&accounts, json!({"name": "bot"})).expect(201).text_at("id");
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..75).for_each(|_| drop(stranger.create_key(fat_key(&account)))));
        }
    });
    let over = AtomicBool::new(false);
    let codes: Vec<Value> = std::thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let path = format!("{accounts}/{account}");
                    let _ = stranger.owner().try_send("PATCH", &path, Some(&json!({"name": unique("bot")})));
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(12);
        let mut codes = Vec::new();
        while Instant::now() < until {
            codes.push(keyward.data().post("/v1/verify", json!({"key": theirs.secret})).body["code"].clone());
            std::thread::sleep(Duration::from_millis(200));
        }
        over.store(true, Ordering::Relaxed);
        codes
    });
    let stale = codes.iter().filter(|code| **code != "valid").count();
    assert_eq!(stale, 0, "of {} questions: {codes:?}", codes.len());
}

#[test]
fn a_page_of_keys_is_not_tens_of_megabytes() {
    let keyward = Keyward::profile("default").start();
    let stranger = keyward.workspace_of(&keyward.first_workspace().member("viewer"));
    let accounts = stranger.path("service-accounts");
    let account = stranger.owner().post(&accounts, json!({"name": "bot"})).expect(201).text_at("id");
    for _ in 0..100 {
        stranger.create_key(fat_key(&account));
    }
    // A thousand connections may each ask for one, and then not read it.
    let page = stranger.owner().get(&stranger.path("keys?limit=200")).expect(200);
    assert!(page.text.len() < 4 * 1024 * 1024, "{} bytes for 100 keys", page.text.len());
}

#[test]
fn searches_that_find_nothing_do_not_stop_the_data_plane() {
    let keyward = Keyward::profile("default").start();
    let stranger = keyward.workspace_of(&keyward.first_workspace().member("viewer"));
    let theirs = keyward.first_workspace().key_with(&["api:read"]);
    for _ in 0..2 {
        let key = |_| {
            let digest = sha256(&unique("secret")).1;
            json!({"name": "i", "description": "d".repeat(500), "sha256": digest, "scopes": ["api:read"]})
        };
        let keys: Vec<Value> = (0..10_000).map(key).collect();
        stranger.owner().post(&stranger.path("keys/import"), json!({"keys": keys})).expect(201);
    }
    let over = AtomicBool::new(false);
    let codes: Vec<Value> = std::thread::scope(|threads| {
        for _ in 0..400 {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = stranger.owner().try_send("GET", &stranger.path("keys?search=zzz"), None);
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(12);
        let mut codes = Vec::new();
        while Instant::now() < until {
            codes.push(keyward.data().post("/v1/verify", json!({"key": theirs.secret})).body["code"].clone());
            std::thread::sleep(Duration::from_millis(200));
        }
        over.store(true, Ordering::Relaxed);
        codes
    });
    let stale = codes.iter().filter(|code| **code != "valid").count();
    assert_eq!(stale, 0, "of {} questions: {codes:?}", codes.len());
}
