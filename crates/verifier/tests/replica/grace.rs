//! How long after its lease a node decides about the keys of a workspace that gives it grace.

use std::sync::Arc;

use keyward_core::change::{Epoch, State};
use keyward_core::grace::{Grace, GraceSeconds};
use keyward_verifier::{BootTime, Lease, Question, Refusal, Replica, Verifier};

use crate::support::{
    NOW, apply, has, member, of_workspace, person, personal, profile, reason, revoked, scopes, secret,
    workspace,
};

/// A workspace with so much grace.
fn gives(n: u64, slug: &str, seconds: u16) -> State {
    let State::Workspace(mut found) = workspace(n, slug, "pro") else { panic!("a workspace") };
    found.grace = Grace { seconds: GraceSeconds::new(seconds).unwrap(), earlier: None };
    State::Workspace(found)
}

struct Node {
    replica: Arc<Replica>,
    lease: Arc<Lease>,
    verifier: Verifier,
}

/// A node that was answered in second 10: its lease ends in second 14.
fn node(states: Vec<State>) -> Node {
    let replica = Arc::new(Replica::new(profile(false)));
    let lease = Arc::new(Lease::unanswered());
    apply(&replica, 1, states);
    lease.renew(second(10));
    let verifier = Verifier::new(Arc::clone(&replica), Arc::clone(&lease));
    Node { replica, lease, verifier }
}

fn second(n: u64) -> BootTime {
    BootTime(n * 1_000_000_000)
}

impl Node {
    fn says(&self, key: u8, at: u64) -> &'static str {
        match self.verifier.verify(&Question::about(secret(key).expose()), NOW, || second(at)) {
            Ok(_) => "valid",
            Err(Refusal::Stale) => "stale",
            Err(refusal) => reason(refusal).code(),
        }
    }
}

#[test]
fn grace_is_of_the_keys_of_the_workspace_that_gives_it_and_of_no_others() {
    let states = vec![
        gives(1, "lax", 60),
        gives(2, "strict", 0),
        gives(3, "less", 20),
        person(1, false),
        member(1, 1, Some("member")),
        has(of_workspace(1, 1, scopes(&[]))),
        has(of_workspace(2, 2, scopes(&[]))),
        has(of_workspace(3, 3, scopes(&[]))),
        has(revoked(of_workspace(4, 1, scopes(&[])))),
        has(personal(5, 1, None, scopes(&[]))),
    ];
    let node = node(states);
    let say = |at| [1, 2, 3, 4, 5, 6].map(|key| node.says(key, at));
    assert_eq!(say(13), ["valid", "valid", "valid", "revoked", "valid", "not_found"]);
    assert_eq!(say(14), ["valid", "stale", "valid", "revoked", "stale", "stale"]);
    assert_eq!(say(33), ["valid", "stale", "valid", "revoked", "stale", "stale"]);
    assert_eq!(say(34), ["valid", "stale", "stale", "revoked", "stale", "stale"]);
    assert_eq!(say(73), ["valid", "stale", "stale", "revoked", "stale", "stale"]);
    assert_eq!(say(74), ["stale"; 6]);
    assert!(!node.verifier.is_ready(second(14)), "it may not decide about everything");
}

#[test]
fn a_lease_that_was_never_there_or_was_ended_has_no_grace() {
    let node = node(vec![gives(1, "lax", 60), has(of_workspace(1, 1, scopes(&[])))]);
    assert_eq!(node.says(1, 20), "valid");
    for end in [Lease::end, Lease::withhold] {
        end(&node.lease);
        assert_eq!(node.says(1, 11), "stale");
        assert_eq!(node.says(1, 20), "stale");
        node.lease.renew(second(10));
    }
    let unanswered = Verifier::new(Arc::clone(&node.replica), Arc::new(Lease::unanswered()));
    let answer = unanswered.verify(&Question::about(secret(1).expose()), NOW, || second(0));
    assert!(matches!(answer, Err(Refusal::Stale)), "its machine has just started");
}

#[test]
fn grace_counts_from_the_lease_that_was_there_when_the_node_read() {
    let node = node(vec![gives(1, "lax", 60), has(of_workspace(1, 1, scopes(&[])))]);
    let answer = node.verifier.verify(&Question::about(secret(1).expose()), NOW, || {
        node.lease.renew(second(70));
        second(74)
    });
    assert!(matches!(answer, Err(Refusal::Stale)), "it was read under a lease whose grace was over");
}

#[test]
fn grace_counts_once_all_that_was_told_with_it_is_known() {
    let node = node(vec![gives(1, "acme", 0), has(of_workspace(1, 1, scopes(&[])))]);
    node.replica.put(Epoch(9), [gives(1, "acme", 60)]);
    assert_eq!(node.says(1, 13), "valid");
    assert_eq!(node.says(1, 20), "stale", "the answer broke off: a revocation may have been in its rest");
    node.replica.complete(Epoch(9));
    assert_eq!(node.says(1, 20), "valid");
    // A shorter one counts as soon as it is heard of.
    node.replica.put(Epoch(10), [gives(1, "acme", 0)]);
    assert_eq!(node.says(1, 20), "stale");
}
