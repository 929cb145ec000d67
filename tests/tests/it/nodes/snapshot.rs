//! A snapshot on a way that breaks again and again.

use std::time::Duration;

use keyward_tests::{Gateway, Keyward, Proxy, Value, Workspace, eventually, json, sha256, unique};

const SOON: Duration = Duration::from_secs(30);
/// So many that their snapshot is some hundreds of kilobytes.
const KEYS: usize = 4_000;
const KEYS_AT_ONCE: usize = 1_000;
/// A small part of it.
const CUT_AFTER: u64 = 32 * 1024;

/// A server with many keys; the secret of the last.
fn with_many_keys(workspace: &Workspace<'_>) -> String {
    let secrets: Vec<String> = (0..KEYS).map(|n| unique(&format!("secret-of-elsewhere-{n}-"))).collect();
    for part in secrets.chunks(KEYS_AT_ONCE) {
        let key =
            |secret| json!({"name": "from elsewhere", "sha256": sha256(secret).1, "scopes": ["api:read"]});
        let keys: Vec<Value> = part.iter().map(|secret| key(secret)).collect();
        workspace.owner().post(&workspace.path("keys/import"), json!({"keys": keys})).expect(201);
    }
    secrets.last().expect("many").clone()
}

fn code(node: &Gateway, secret: &str) -> String {
    node.data().post("/v1/verify", json!({"key": secret})).text_at("code")
}

fn snapshots_made(keyward: &Keyward) -> usize {
    keyward.logs().matches("snapshot made for nodes").count()
}

#[test]
fn a_snapshot_goes_on_where_its_way_broke_and_is_made_once() {
    let keyward = Keyward::profile("default").env("KEYWARD_LOG", "info").with_feed().start();
    let last = with_many_keys(&keyward.first_workspace());
    let proxy = Proxy::to(keyward.feed_addr());
    proxy.cut_after(CUT_AFTER);
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("node.copy").display().to_string();
    let env = [("KEYWARD_GATEWAY__COPY_FILE", copy.as_str())];
    let mut node = Gateway::start_with("edge", "default", &[format!("http://{}", proxy.addr())], &env);
    eventually(SOON, || code(&node, &last), |code| code == "valid");
    let went_on = node.metric("keyward_feed_snapshots_resumed_total").expect("a number");
    assert!(went_on >= 5.0, "{went_on} times");
    assert_eq!((node.metric("keyward_feed_snapshots_total"), snapshots_made(&keyward)), (Some(1.0), 1));
    // What was kept of the parts is whole, too.
    node.terminate();
    node.restart();
    eventually(SOON, || code(&node, &last), |code| code == "valid");
    assert!(node.logs().contains("began with a copy"), "{}", node.logs());
    assert_eq!(node.metric("keyward_feed_snapshots_total"), Some(0.0));
}

#[test]
fn a_snapshot_that_its_server_keeps_no_longer_begins_anew() {
    let mut keyward = Keyward::profile("default").env("KEYWARD_LOG", "info").with_feed().start();
    let last = with_many_keys(&keyward.first_workspace());
    let proxy = Proxy::to(keyward.feed_addr());
    proxy.cut_after(CUT_AFTER);
    let node = Gateway::start("edge", "default", &[format!("http://{}", proxy.addr())]);
    let resumed = || node.metric("keyward_feed_snapshots_resumed_total").unwrap_or_default();
    eventually(SOON, resumed, |times| *times >= 1.0);
    keyward.pid().kill_9();
    assert_eq!(code(&node, &last), "stale_authority", "a part is no snapshot");
    let before = snapshots_made(&keyward);
    keyward.restart_after_death();
    eventually(SOON, || code(&node, &last), |code| code == "valid");
    assert_eq!(
        (node.metric("keyward_feed_snapshots_total"), snapshots_made(&keyward)),
        (Some(1.0), before + 1)
    );
}
