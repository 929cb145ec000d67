//! What a receipt of a revocation says of nodes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyward_tests::{Answer, Gateway, Key, Keyward, Proxy, Way, Workspace, eventually, json};

/// Every lease that an earlier process may have given is over by then.
const FOREIGN_LEASES_OVER: Duration = Duration::from_millis(4_300);

fn revoke(workspace: &Workspace<'_>, key: &Key, query: &str) -> Answer {
    let path = format!("{}/{}/revoke{query}", workspace.path("keys"), key.id);
    workspace.owner().post_nothing(&path)
}

/// Each node's state, by its name.
fn states(receipt: &Answer) -> BTreeMap<String, String> {
    let nodes = receipt.body["nodes"].as_array().expect("nodes");
    let text = |value: &keyward_tests::Value| value.as_str().expect("a text").to_owned();
    nodes.iter().map(|node| (text(&node["node"]), text(&node["state"]))).collect()
}

fn expected(states: &[(&str, &str)]) -> BTreeMap<String, String> {
    states.iter().map(|(node, state)| ((*node).to_owned(), (*state).to_owned())).collect()
}

fn code(node: &Gateway, key: &Key) -> String {
    let answer = node.data().post("/v1/verify", json!({"key": key.secret}));
    answer.text_at("code")
}

#[test]
fn cyb_10_a_revoked_key_is_refused_by_every_node_once_the_receipt_says_so() {
    let keyward = Keyward::profile("cybrium").with_feed().start();
    let started = Instant::now();
    let workspace = keyward.first_workspace();
    workspace.set_plan("pro");
    let nodes = ["edge-1", "edge-2", "edge-3"].map(|name| keyward.gateway(name));
    let person = workspace.owner();
    let keys = [0, 1].map(|_| workspace.personal_key(person, json!({"name": "ci"})));
    for key in &keys {
        for node in &nodes {
            eventually(Duration::from_secs(10), || code(node, key), |code| code == "valid");
        }
    }
    std::thread::sleep(FOREIGN_LEASES_OVER.saturating_sub(started.elapsed()));
    for key in &keys {
        let began = Instant::now();
        let receipt = person.post_nothing(&format!("/api/v1/me/keys/{}/revoke?wait=propagated", key.id));
        let took = began.elapsed();
        for node in &nodes {
            assert_eq!(code(node, key), "revoked", "{} after {receipt}", node.name());
        }
        let receipt = receipt.expect(200);
        let all = ["edge-1", "edge-2", "edge-3", "local"].map(|name| (name, "applied"));
        assert_eq!((states(&receipt), &receipt.body["propagated"]), (expected(&all), &json!(true)));
        assert!(took < Duration::from_secs(4), "it took {took:?}: as long as a lease");
    }
}

#[test]
fn a_node_that_hears_nothing_is_pending_until_its_lease_is_over() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let (first, second) = (workspace.any_key(), workspace.any_key());
    let near = keyward.gateway("near");
    let proxy = Proxy::to(keyward.feed_addr());
    let far = Gateway::start("far", "default", &[format!("http://{}", proxy.addr())]);
    for key in [&first, &second] {
        eventually(Duration::from_secs(10), || code(&far, key), |code| code == "valid");
    }
    std::thread::sleep(FOREIGN_LEASES_OVER);
    proxy.set(Way::Deaf);
    let receipt = revoke(&workspace, &first, "").expect(200);
    assert_eq!((&states(&receipt)["far"][..], &receipt.body["propagated"]), ("pending", &json!(false)));
    let receipt = revoke(&workspace, &first, "?wait=propagated").expect(200);
    assert_eq!(code(&far, &first), "stale_authority", "the receipt says that it decides nothing");
    let wanted = [("far", "lease_expired"), ("local", "applied"), ("near", "applied")];
    assert_eq!((states(&receipt), &receipt.body["propagated"]), (expected(&wanted), &json!(true)));
    // Nobody waits for a node that is known to be gone: it has not even asked for as long as a lease.
    proxy.set(Way::Cut);
    std::thread::sleep(FOREIGN_LEASES_OVER);
    let began = Instant::now();
    revoke(&workspace, &second, "?wait=propagated").expect(200);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    proxy.set(Way::Open);
    for key in [&first, &second] {
        eventually(Duration::from_secs(10), || code(&far, key), |code| code == "revoked");
    }
    drop(near);
}

#[test]
fn a_control_plane_that_has_just_started_does_not_vouch_for_nodes_that_it_has_not_heard() {
    let mut keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.workspace().any_key();
    let proxy = Proxy::to(keyward.feed_addr());
    let node = Gateway::start("far", "default", &[format!("http://{}", proxy.addr())]);
    eventually(Duration::from_secs(10), || code(&node, &key), |code| code == "valid");
    let path = format!("/api/v1/{}/keys/{}/revoke", key_workspace(&keyward, &key), key.id);
    keyward.pid().kill_9();
    proxy.set(Way::Cut);
    keyward.restart_after_death();
    let owner = keyward.sign_in("ada@example.com", "a long enough passphrase");
    let receipt = owner.post_nothing(&format!("{path}?wait=propagated")).expect(200);
    assert_eq!(receipt.body["propagated"], true);
    assert_eq!(code(&node, &key), "stale_authority", "it was waited for, though nobody had heard of it");
}

/// The slug of the workspace that a key is of.
fn key_workspace(keyward: &Keyward, key: &Key) -> String {
    keyward.verify(json!({"key": key.secret}))["workspace"]["slug"].as_str().expect("a slug").to_owned()
}
