//! The usage log: what became of each use of a key, readable within a second.

mod clean_up;
mod gaps;
mod isolation;
mod load;
mod log;
mod retention;
mod summary;
mod withheld;

use std::time::Duration;

use keyward_tests::{Answer, Caller, Key, Keyward, Value, Workspace, eventually};

/// Uses are readable within a second, as one test shows. The others do not fail where a busy machine takes longer.
const READABLE_WITHIN: Duration = Duration::from_secs(5);

/// The usage of a workspace's key.
#[track_caller]
fn usage(workspace: &Workspace<'_>, key: &str, query: &str) -> Answer {
    workspace.owner().get(&workspace.path(&format!("keys/{key}/usage{query}"))).expect(200)
}

/// The newest uses of a key, once there are so many.
#[track_caller]
fn until_logged(workspace: &Workspace<'_>, key: &str, uses: usize) -> Vec<Value> {
    let look = || usage(workspace, key, "?limit=200").items();
    eventually(READABLE_WITHIN, look, |items| items.len() >= uses)
}

/// The outcomes of uses, in the order in which they were made.
fn codes(newest_first: &[Value]) -> Vec<&str> {
    newest_first.iter().rev().map(|item| item["code"].as_str().unwrap_or_default()).collect()
}

/// How often a key was used, as its counts say.
#[track_caller]
fn counted(workspace: &Workspace<'_>, key: &Key) -> u64 {
    let path = workspace.path(&format!("keys/{}/usage/summary?bucket=day", key.id));
    let totals = workspace.owner().get(&path).expect(200).body["totals"].clone();
    totals.as_object().expect("totals").values().map(|uses| uses.as_u64().expect("a number")).sum()
}

/// A counter of `/metrics`, by the whole name with its labels.
#[track_caller]
fn metric(keyward: &Keyward, name: &str) -> u64 {
    let text = keyward.data().get("/metrics").text;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}:\n{text}")).parse().expect("a number")
}

/// All uses that were dropped.
fn dropped(keyward: &Keyward) -> u64 {
    let of = |reason: &str| metric(keyward, &format!("keyward_uses_dropped_total{{reason=\"{reason}\"}}"));
    ["full", "unwritable", "stopped"].into_iter().map(of).sum()
}

/// The data plane as a gateway asks it, for a request of that method and address.
fn gateway(keyward: &Keyward, secret: &str, method: &str, uri: &str) -> Caller {
    let gateway = keyward.data().bearer(secret);
    gateway.with("X-Forwarded-Method", method).with("X-Forwarded-Uri", uri)
}
