//! What a node knows, and until when.

use std::time::{Duration, Instant};

use keyward_tests::{Gateway, Key, Keyward, NODE_CREDENTIAL, Proxy, Value, Way, eventually, json};

/// Longer than a lease, and than a debug build on a busy machine needs for anything.
const SOON: Duration = Duration::from_secs(20);

fn ask(node: &Gateway, key: &Key) -> (u16, Value) {
    let answer = node.data().post("/v1/verify", json!({"key": key.secret}));
    (answer.status, answer.body["code"].clone())
}

fn says(node: &Gateway, key: &Key, code: &str) {
    eventually(SOON, || ask(node, key), |(_, said)| said == code);
}

#[test]
fn a_node_decides_by_itself_and_follows_every_change() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let before = workspace.any_key();
    let node = keyward.gateway("edge-1");
    assert_eq!(ask(&node, &before), (200, json!("valid")), "it was there before the node");
    let after = workspace.any_key();
    says(&node, &after, "valid");
    let keys = workspace.path("keys");
    let rotated = workspace.owner().post(&format!("{keys}/{}/rotate", before.id), json!({})).expect(200);
    let new = json!({"key": rotated.text_at("secret")});
    eventually(
        SOON,
        || node.data().post("/v1/verify", new.clone()).body["code"].clone(),
        |code| code == "valid",
    );
    assert_eq!(ask(&node, &before), (200, json!("valid")), "both secrets count");
    workspace.revoke(&after);
    says(&node, &after, "revoked");
    let one = keyward.verify(json!({"key": before.secret}));
    let other = node.data().post("/v1/verify", json!({"key": before.secret})).expect(200).body;
    assert_eq!(one, other, "both planes answer the same");
    assert_eq!(node.metric("keyward_feed_snapshots_total"), Some(1.0));
    assert!(node.metric("keyward_epoch_age_milliseconds").is_some_and(|age| age < 4_000.0));
}

#[test]
fn a_node_that_was_never_answered_accepts_nothing() {
    let keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.workspace().any_key();
    let proxy = Proxy::to(keyward.feed_addr());
    proxy.set(Way::Silent);
    let node = Gateway::start("edge-1", "default", &[format!("http://{}", proxy.addr())]);
    assert_eq!(ask(&node, &key), (503, json!("stale_authority")));
    node.data().get("/readyz").expect(503);
    node.data().get("/livez").expect(200);
    proxy.set(Way::Open);
    says(&node, &key, "valid");
}

#[test]
fn cyb_10_a_node_that_is_cut_off_accepts_nothing_once_its_lease_is_over() {
    for way in [Way::Cut, Way::Silent, Way::Deaf] {
        let keyward = Keyward::profile("default").with_feed().start();
        let key = keyward.workspace().any_key();
        let proxy = Proxy::to(keyward.feed_addr());
        let mut node = Gateway::start("edge-1", "default", &[format!("http://{}", proxy.addr())]);
        says(&node, &key, "valid");
        proxy.set(way);
        let cut_at = Instant::now();
        // What was on its way may still have come in.
        while cut_at.elapsed() < Duration::from_millis(4_600) {
            let asked_at = cut_at.elapsed();
            let (status, _) = ask(&node, &key);
            assert!(
                status == 503 || asked_at < Duration::from_millis(4_500),
                "{way:?}: accepted at {asked_at:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(ask(&node, &key), (503, json!("stale_authority")), "{way:?}");
        // A restart makes it no cleverer.
        node.pid().kill_9();
        node.restart();
        assert_eq!(ask(&node, &key), (503, json!("stale_authority")), "{way:?}");
        proxy.set(Way::Open);
        says(&node, &key, "valid");
    }
}

#[test]
fn a_node_goes_on_while_the_control_plane_restarts_and_needs_no_snapshot_after() {
    let mut keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.workspace().any_key();
    let node = keyward.gateway("edge-1");
    says(&node, &key, "valid");
    keyward.pid().kill_9();
    assert_eq!(ask(&node, &key), (200, json!("valid")));
    keyward.restart_after_death();
    let later = keyward.workspace().any_key();
    says(&node, &later, "valid");
    assert_eq!(node.metric("keyward_feed_snapshots_total"), Some(1.0));
}

#[test]
fn a_node_asks_the_next_control_plane_when_one_does_not_answer() {
    let keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.workspace().any_key();
    let (first, second) = (Proxy::to(keyward.feed_addr()), Proxy::to(keyward.feed_addr()));
    first.set(Way::Silent);
    let urls = [&first, &second].map(|proxy| format!("http://{}", proxy.addr()));
    let mut node = Gateway::start("edge-1", "default", &urls);
    says(&node, &key, "valid");
    first.set(Way::Open);
    second.set(Way::Silent);
    let silent_at = Instant::now();
    while silent_at.elapsed() < Duration::from_secs(6) {
        assert_eq!(ask(&node, &key), (200, json!("valid")), "{:?} later", silent_at.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    node.terminate();
}

#[test]
fn cyb_11_a_use_at_a_node_is_a_use_of_the_key() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let proxy = Proxy::to(keyward.feed_addr());
    let node = Gateway::start("edge-1", "default", &[format!("http://{}", proxy.addr())]);
    says(&node, &key, "valid");
    let last_used_ip = || workspace.get_key(&key.id).body["last_used_ip"].clone();
    let use_from = |ip: &str| {
        let used = node.data().post("/v1/verify", json!({"key": key.secret, "ip": ip})).expect(200);
        assert_eq!(used.body["code"], "valid");
    };
    use_from("192.0.2.7");
    eventually(SOON, last_used_ip, |ip| ip == "192.0.2.7");
    // Told once the way is open again.
    proxy.set(Way::Silent);
    use_from("192.0.2.8");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(last_used_ip(), "192.0.2.7");
    proxy.set(Way::Open);
    eventually(SOON, last_used_ip, |ip| ip == "192.0.2.8");
    let log = workspace.owner().get(&format!("{}/{}/usage", workspace.path("keys"), key.id)).expect(200);
    let of = |ip: &str| log.items().into_iter().filter(|used| used["ip"] == ip).collect::<Vec<_>>();
    for ip in ["192.0.2.7", "192.0.2.8"] {
        let [used] = &of(ip)[..] else { panic!("it was told again, and counts once: {log}") };
        assert_eq!((&used["node"], &used["code"]), (&json!("edge-1"), &json!("valid")));
    }
}

#[test]
fn a_node_tells_of_uses_over_a_connection_that_stays() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let proxy = Proxy::to(keyward.feed_addr());
    let node = Gateway::start("edge-1", "default", &[format!("http://{}", proxy.addr())]);
    says(&node, &key, "valid");
    let last_used_ip = || workspace.get_key(&key.id).body["last_used_ip"].clone();
    let comes_home = |ip: &str| {
        node.data().post("/v1/verify", json!({"key": key.secret, "ip": ip})).expect(200);
        eventually(SOON, last_used_ip, |last| last == ip);
    };
    comes_home("192.0.2.1");
    let taken = proxy.connections_taken();
    for ip in ["192.0.2.2", "192.0.2.3", "192.0.2.4"] {
        comes_home(ip);
    }
    assert_eq!(proxy.connections_taken(), taken, "one for the feed, one for the uses");
    // One that has ended meanwhile is not missed.
    proxy.set(Way::Cut);
    proxy.set(Way::Open);
    comes_home("192.0.2.5");
}

#[test]
fn uses_that_a_node_tells_twice_count_once() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let feed = keyward.anonymous().at(keyward.feed_addr()).bearer(NODE_CREDENTIAL);
    let used = json!({"key": key.id, "previous": false, "at": "2026-11-20T12:00:00Z", "code": "valid"});
    let tell = |start: &str, number: u64| {
        let start = start.repeat(32);
        let batch = json!({"node": "edge-1", "start": start, "number": number, "uses": [used, used]});
        feed.post("/feed/v1/uses", batch).expect(204);
    };
    for (start, number) in [("a", 1), ("a", 1), ("a", 2), ("a", 1), ("b", 1), ("b", 1)] {
        tell(start, number);
    }
    let log = workspace.owner().get(&format!("{}/{}/usage", workspace.path("keys"), key.id)).expect(200);
    assert_eq!(log.items().len(), 6, "three batches of two: {log}");
}
