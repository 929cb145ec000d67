//! What is taken away while a request is on its way: its headers came before, its body comes after.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use keyward_tests::{Caller, Key, Value, Workspace, json, shared};

/// Sends the headers and the first byte of the body, does something else, sends the rest: the status of the answer.
fn around(asker: &Caller, method: &str, path: &str, body: &Value, meanwhile: impl FnOnce()) -> u16 {
    let body = body.to_string().into_bytes();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", asker.addr());
    for name in ["Authorization", "Cookie", "Sec-Fetch-Site"] {
        if let Some(value) = asker.header(name) {
            head.extend([name, ": ", value, "\r\n"]);
        }
    }
    let len = body.len().to_string();
    head.extend(["Content-Type: application/json\r\nContent-Length: ", &len, "\r\n\r\n"]);
    let mut stream = asker.connect();
    stream.write_all(head.as_bytes()).expect("headers");
    stream.write_all(&body[..1]).expect("the first byte");
    std::thread::sleep(Duration::from_millis(500));
    meanwhile();
    stream.write_all(&body[1..]).expect("the rest");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

fn manager(workspace: &Workspace<'_>, more: &Value) -> Key {
    let mut body = json!({"name": "manager", "scopes": ["api:read"], "rules": [{"action": "settings.manage", "resources": []}]});
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    workspace.create_key(body)
}

fn a_key() -> Value {
    json!({"name": "late", "scopes": ["api:read"]})
}

#[test]
fn a_request_does_nothing_once_its_service_account_is_disabled() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let bot = workspace.owner().post(&workspace.path("service-accounts"), json!({"name": "bot"})).expect(201);
    let key = manager(&workspace, &json!({"service_account": bot.text_at("id")}));
    let path = workspace.path(&format!("service-accounts/{}", bot.text_at("id")));
    let disable = || drop(workspace.owner().patch(&path, json!({"disabled": true})).expect(200));
    let caller = keyward.with_key(&key.secret);
    assert_eq!(around(&caller, "POST", &workspace.path("keys"), &a_key(), disable), 401);
}

#[test]
fn a_request_with_the_old_secret_does_nothing_once_the_rotation_is_finished() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let key = manager(&workspace, &json!({}));
    let path = |end: &str| workspace.path(&format!("keys/{}/{end}", key.id));
    workspace.owner().post_nothing(&path("rotate")).expect(200);
    let finish = || drop(workspace.owner().post_nothing(&path("rotate/finish")).expect(200));
    let caller = keyward.with_key(&key.secret);
    assert_eq!(around(&caller, "POST", &workspace.path("keys"), &a_key(), finish), 401);
}

#[test]
fn a_request_does_nothing_once_its_key_has_expired() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let key = manager(&workspace, &json!({"expires_in_seconds": 2}));
    let wait = || std::thread::sleep(Duration::from_secs(3));
    let body = json!({"name": "Renamed"});
    let path = format!("/api/v1/{}", workspace.slug);
    assert_eq!(around(&keyward.with_key(&key.secret), "PATCH", &path, &body, wait), 401);
}

#[test]
fn a_request_does_nothing_once_its_session_has_ended() {
    let workspace = shared("default").workspace();
    let person = workspace.member("member");
    let sign_out = || drop(person.delete("/api/v1/session").expect(204));
    assert_eq!(around(&person, "POST", "/api/v1/me/keys", &a_key(), sign_out), 401);
}

#[test]
fn a_request_does_nothing_once_the_operator_has_suspended_its_person() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let path = format!("/api/v1/users/{}", person.id_in(&workspace.slug));
    let suspend = || drop(keyward.operator().patch(&path, json!({"suspended": true})).expect(200));
    let body = json!({"name": "Hideout"});
    assert_eq!(around(&person, "POST", "/api/v1/workspaces", &body, suspend), 401);
}
