//! When and from where a key was last used with success, readable within a second.

use std::time::Duration;

use keyward_tests::{Key, Value, Workspace, eventually, json, shared};

#[track_caller]
fn until(workspace: &Workspace<'_>, key: &Key, found: impl Fn(&Value) -> bool) -> Value {
    eventually(Duration::from_secs(1), || workspace.get_key(&key.id).body, found)
}

fn from(ip: &'static str) -> impl Fn(&Value) -> bool {
    move |key| key["last_used_ip"] == ip && key["last_used_at"].is_string()
}

#[test]
fn a_fresh_key_was_never_used() {
    let workspace = shared("cveium").workspace();
    let key = workspace.key_with(&["products:read"]);
    let body = workspace.get_key(&key.id).body;
    assert_eq!((&body["last_used_at"], &body["last_used_ip"]), (&json!(null), &json!(null)));
}

#[test]
fn verify_takes_the_ip_of_the_question_and_without_one_leaves_it_as_it_is() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.verify(json!({"key": key.secret}));
    let first = until(&workspace, &key, |key| key["last_used_at"].is_string());
    assert_eq!(first["last_used_ip"], json!(null), "the asker's own address is not the user's");

    keyward.verify(json!({"key": key.secret, "ip": "203.0.113.7"}));
    let second = until(&workspace, &key, from("203.0.113.7"));
    assert_ne!(second["last_used_at"], first["last_used_at"]);
    keyward.verify(json!({"key": key.secret}));
    let third = until(&workspace, &key, |key| key["last_used_at"] != second["last_used_at"]);
    assert_eq!(third["last_used_ip"], "203.0.113.7");

    keyward.verify(json!({"key": key.secret, "ip": "2001:DB8:0:0::1"}));
    until(&workspace, &key, from("2001:db8::1"));
    keyward.verify(json!({"key": key.secret, "ip": "::ffff:203.0.113.9"}));
    until(&workspace, &key, from("203.0.113.9"));
}

#[test]
fn authorize_takes_the_forwarded_address_or_else_the_peers() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret);
    gateway.get("/v1/authorize?scope=products:read").expect(200);
    until(&workspace, &key, from("127.0.0.1"));
    gateway.with("X-Forwarded-For", "198.51.100.4").get("/v1/authorize?scope=products:read").expect(200);
    until(&workspace, &key, from("198.51.100.4"));
}

#[test]
fn an_address_that_the_client_prepended_is_not_believed() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret).with("X-Forwarded-For", "192.0.2.66, 203.0.113.7");
    gateway.get("/v1/authorize?scope=products:read").expect(200);
    until(&workspace, &key, from("203.0.113.7"));
}

#[test]
fn a_request_to_the_control_plane_is_a_use_too() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).expect(200);
    until(&workspace, &key, from("127.0.0.1"));
}

#[test]
fn what_was_refused_is_no_use() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (key, used) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let refused = json!({"key": key.secret, "scopes": ["products:write"], "ip": "203.0.113.7"});
    assert_eq!(keyward.verify(refused)["code"], "insufficient_scope");
    keyward.authorize(&key.secret, "POST", "/api/products").expect(403);
    let elsewhere = json!({"key": key.secret, "workspace": "nosuchws", "ip": "203.0.113.7"});
    assert_eq!(keyward.verify(elsewhere)["code"], "workspace_mismatch");

    // Once a later use of another key can be read, these would be readable too.
    keyward.verify(json!({"key": used.secret, "ip": "203.0.113.8"}));
    until(&workspace, &used, from("203.0.113.8"));
    std::thread::sleep(Duration::from_millis(200));
    let body = workspace.get_key(&key.id).body;
    assert_eq!((&body["last_used_at"], &body["last_used_ip"]), (&json!(null), &json!(null)));
}

#[test]
fn the_list_shows_it_as_well() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.verify(json!({"key": key.secret, "ip": "203.0.113.7"}));
    eventually(Duration::from_secs(1), || workspace.keys()[0].clone(), from("203.0.113.7"));
}
