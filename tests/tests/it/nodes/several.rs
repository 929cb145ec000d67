//! Several control planes on one database, each with nodes of its own: receipts count the nodes of all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyward_tests::{Answer, Database, Gateway, Key, Keyward, Workspace, eventually, json};

/// Every lease that an earlier process may have given is over by then.
const FOREIGN_LEASES_OVER: Duration = Duration::from_millis(4_300);
const SOON: Duration = Duration::from_secs(10);

/// Two servers on a database, each followed by one node.
struct Pair {
    first: Keyward,
    second: Keyward,
    near: Gateway,
    far: Gateway,
}

impl Pair {
    fn found() -> Self {
        let [first, second] = ["first", "second"]
            .map(|name| Keyward::profile("default").env("KEYWARD_DATA_PLANE__NODE", name).with_feed());
        let first = first.on(Database::new()).start();
        let database = first.database().expect("a database").env();
        let second = database.iter().fold(second, |second, (name, value)| second.env(name, value)).start();
        let (near, far) = (first.gateway("near"), second.gateway("far"));
        std::thread::sleep(FOREIGN_LEASES_OVER);
        Self { first, second, near, far }
    }

    /// A key that everybody knows.
    fn key(&self) -> Key {
        let key = self.first.first_workspace().any_key();
        for node in [&self.near, &self.far] {
            eventually(SOON, || code(node, &key), |code| code == "valid");
        }
        eventually(SOON, || self.second.verify_code(&key.secret), |code| code == "valid");
        key
    }
}

fn code(node: &Gateway, key: &Key) -> String {
    node.data().post("/v1/verify", json!({"key": key.secret})).text_at("code")
}

fn revoke(workspace: &Workspace<'_>, key: &Key, query: &str) -> Answer {
    workspace.owner().post_nothing(&format!("{}/{}/revoke{query}", workspace.path("keys"), key.id))
}

fn states(nodes: &keyward_tests::Value) -> BTreeMap<String, String> {
    let text = |value: &keyward_tests::Value| value.as_str().expect("a text").to_owned();
    nodes.as_array().expect("nodes").iter().map(|node| (text(&node["node"]), text(&node["state"]))).collect()
}

fn expected(states: &[(&str, &str)]) -> BTreeMap<String, String> {
    states.iter().map(|(node, state)| ((*node).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn cyb_10_a_receipt_counts_the_nodes_of_all_control_planes() {
    let pair = Pair::found();
    for server in [&pair.first, &pair.second] {
        let key = pair.key();
        let receipt = revoke(&server.first_workspace(), &key, "?wait=propagated").expect(200);
        for node in [&pair.near, &pair.far] {
            assert_eq!(code(node, &key), "revoked", "{} after {receipt}", node.name());
        }
        for server in [&pair.first, &pair.second] {
            assert_eq!(server.verify_code(&key.secret), "revoked", "after {receipt}");
        }
        let all = ["far", "first", "near", "second"].map(|name| (name, "applied"));
        assert_eq!(states(&receipt.body["nodes"]), expected(&all), "{receipt}");
        assert_eq!(receipt.body["propagated"], true);
    }
}

#[test]
fn a_node_of_another_control_plane_that_hears_nothing_is_waited_for() {
    let pair = Pair::found();
    let key = pair.key();
    pair.far.pid().stop();
    let began = Instant::now();
    let receipt = revoke(&pair.first.first_workspace(), &key, "").expect(200);
    assert_eq!(states(&receipt.body["nodes"])["far"], "pending", "{receipt}");
    assert_eq!(receipt.body["propagated"], false);
    let receipt = revoke(&pair.first.first_workspace(), &key, "?wait=propagated").expect(200);
    assert!(
        began.elapsed() > Duration::from_secs(3),
        "somebody may have been deciding until then: {receipt}"
    );
    pair.far.pid().go_on();
    assert_ne!(code(&pair.far, &key), "valid", "after {receipt}");
}

#[test]
fn a_control_plane_that_is_killed_is_waited_for() {
    let pair = Pair::found();
    let key = pair.key();
    pair.second.pid().kill_9();
    let receipt = revoke(&pair.first.first_workspace(), &key, "?wait=propagated").expect(200);
    let said = states(&receipt.body["nodes"]);
    assert_eq!([&said["second"], &said["far"]], ["lease_expired"; 2], "{receipt}");
    assert_ne!(code(&pair.far, &key), "valid", "after {receipt}");
}

#[test]
fn a_control_plane_that_ended_in_order_is_not_waited_for() {
    let mut pair = Pair::found();
    let key = pair.key();
    pair.far.terminate();
    std::thread::sleep(FOREIGN_LEASES_OVER * 2);
    pair.second.terminate();
    let began = Instant::now();
    let receipt = revoke(&pair.first.first_workspace(), &key, "?wait=propagated").expect(200);
    assert!(began.elapsed() < Duration::from_secs(4), "it took {:?}: {receipt}", began.elapsed());
    let all = ["first", "near"].map(|name| (name, "applied"));
    assert_eq!(states(&receipt.body["nodes"]), expected(&all), "{receipt}");
}

#[test]
fn the_nodes_of_all_control_planes_are_listed() {
    let pair = Pair::found();
    let workspace = pair.first.first_workspace();
    let list = || states(&workspace.owner().get(&workspace.path("nodes")).expect(200).body["items"]);
    let all = expected(&["far", "first", "near", "second"].map(|name| (name, "applied")));
    eventually(SOON, list, |nodes| *nodes == all);
    pair.far.pid().stop();
    pair.first.first_workspace().any_key();
    eventually(SOON, list, |nodes| nodes.get("far").is_none_or(|state| state != "applied"));
    pair.far.pid().go_on();
    eventually(SOON, list, |nodes| *nodes == all);
    let body = workspace.owner().get(&workspace.path("nodes")).expect(200).body;
    assert!(body["epoch"].as_u64().is_some_and(|epoch| epoch > 0), "{body}");
    let viewer = workspace.member("viewer");
    assert_eq!(viewer.get(&workspace.path("nodes")).status, 403);
}
