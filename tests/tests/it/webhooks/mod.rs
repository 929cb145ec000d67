//! Webhooks: what is sent, to whom it is never sent, and what becomes of it when somebody is away.

mod addresses;
mod api;
mod deliveries;
mod secrets;

use std::time::Duration;

use keyward_tests::{Answer, Key, Receiver, Value, Workspace, eventually, json};

/// An event is sent within a quarter of a second; a machine that is busy takes its time.
const SOON: Duration = Duration::from_secs(15);

/// Makes a webhook to that receiver, whose signatures it then trusts.
#[track_caller]
fn webhook(workspace: &Workspace<'_>, receiver: &Receiver, path: &str, more: &Value) -> Answer {
    let mut body = json!({"url": receiver.url(path)});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = workspace.owner().post(&workspace.path("webhooks"), body).expect(201);
    receiver.trusts(&made.text_at("secret"));
    made
}

/// Waits until the receiver took so many events, and gives them.
#[track_caller]
fn taken(receiver: &Receiver, count: usize, within: Duration) -> Vec<Value> {
    let taken = eventually(within, || receiver.taken(), |taken| taken.len() >= count);
    assert_eq!(taken.len(), count, "more came than was expected: {taken:#?}");
    taken
}

/// What happened, in the order in which it was taken, of that target.
fn kinds_of(taken: &[Value], target: &str) -> Vec<String> {
    let of = taken.iter().filter(|line| line["payload"]["data"]["target"] == target);
    of.map(|line| line["payload"]["type"].as_str().expect("a type").to_owned()).collect()
}

/// Edits, rotates and revokes a key.
#[track_caller]
fn live_through(workspace: &Workspace<'_>, key: &Key) {
    let path = workspace.path(&format!("keys/{}", key.id));
    let owner = workspace.owner();
    owner.send_json("PATCH", &path, &json!({"description": "edited"})).expect(200);
    owner.post_nothing(&format!("{path}/rotate")).expect(200);
    owner.post_nothing(&format!("{path}/rotate/finish")).expect(200);
    owner.delete(&path).expect(204);
}

/// What [`live_through`] is told as, after the key's creation.
const LIFE: [&str; 5] = ["key.created", "key.updated", "key.rotated", "key.rotation_finished", "key.revoked"];

/// The newest delivery of a webhook, once it was tried.
#[track_caller]
fn tried(workspace: &Workspace<'_>, webhook: &str) -> Value {
    let path = workspace.path(&format!("webhooks/{webhook}/deliveries?limit=1"));
    let look = || workspace.owner().get(&path).expect(200).items().first().cloned().unwrap_or_default();
    eventually(SOON, look, |delivery| delivery["attempts"].as_array().is_some_and(|tries| !tries.is_empty()))
}
