//! What became of a revocation, in words.

use std::time::Duration;

use keyward_core::lease::PROMISE_SECONDS;
use keyward_wire::key::Receipt;

use crate::cli::{clock, terminal, text};

/// Says which key was revoked, and when: the first time counts.
pub(super) fn say_revoked(receipt: &Receipt) {
    terminal::say(format!("Revoked {} at {}.", receipt.id, text::at(receipt.revoked_at, clock::now())));
}

/// Says which nodes decide by it. `refused` is such as "it is refused".
pub(super) fn say_applied(receipt: &Receipt, within: Duration, refused: &str) {
    terminal::say(applied(receipt, within, refused));
}

fn applied(receipt: &Receipt, within: Duration, refused: &str) -> String {
    let total = receipt.nodes.len();
    let in_state = |state| receipt.nodes.iter().filter(move |node| node.state == state);
    let applied = in_state("applied").count();
    let ms = within.as_millis();
    if !receipt.propagated {
        let pending: Vec<&str> = in_state("pending").map(|node| node.node.as_str()).collect();
        let end = receipt.grace_seconds.map_or_else(
            || "They follow, or refuse everything, within seconds.".to_owned(),
            |grace| {
                format!(
                    "The workspace gives nodes {grace} s of grace: one that is cut off may accept the key for {} s in all.",
                    PROMISE_SECONDS.saturating_add(grace)
                )
            },
        );
        return format!(
            "Applied on {applied} of {total} nodes; not heard of it yet: {}. {end}",
            pending.join(", ")
        );
    }
    let others = if applied == total { "" } else { ", and the others have stopped deciding" };
    format!("Applied on {applied} of {total} nodes in {ms} ms{others}: {refused} everywhere.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(states: &[&str]) -> String {
        said_with_grace(states, None)
    }

    fn said_with_grace(states: &[&str], grace: Option<u16>) -> String {
        let node =
            |(number, state)| json!({"node": format!("node-{number}"), "state": state, "applied_epoch": 7});
        let nodes: Vec<_> = states.iter().enumerate().map(node).collect();
        let receipt = serde_json::from_value(json!({
            "id": "key_1", "revoked_at": "2026-11-20T12:00:00Z", "epoch": 7, "nodes": nodes,
            "propagated": !states.contains(&"pending"), "grace_seconds": grace
        }));
        applied(&receipt.unwrap(), Duration::from_millis(41), "it is refused")
    }

    #[test]
    fn nobody_is_said_to_have_heard_who_has_not() {
        assert_eq!(said(&["applied"]), "Applied on 1 of 1 nodes in 41 ms: it is refused everywhere.");
        assert_eq!(
            said(&["applied", "lease_expired"]),
            "Applied on 1 of 2 nodes in 41 ms, and the others have stopped deciding: it is refused everywhere."
        );
        let pending = said(&["applied", "pending"]);
        assert!(
            pending.contains("not heard of it yet: node-1") && !pending.contains("everywhere"),
            "{pending}"
        );
    }

    #[test]
    fn grace_that_weakens_the_promise_is_said() {
        let pending = said_with_grace(&["applied", "pending"], Some(60));
        assert!(pending.contains("60 s of grace") && pending.contains("for 65 s in all"), "{pending}");
        assert!(!pending.contains("within seconds"), "{pending}");
    }
}
