//! What askers saw, and what is judged from that alone.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use keyward_tests::Answer;

use super::say;

/// CYB-10.
const PROMISE: Duration = Duration::from_secs(5);
/// How long what a node says may be used, from when it was asked.
const USABLE: Duration = Duration::from_millis(250);

/// A question and what was heard.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) node: String,
    pub(super) key: String,
    pub(super) sent: Instant,
    pub(super) received: Instant,
    pub(super) code: String,
}

/// What a receipt said of each node, and when it was here.
#[derive(Debug)]
pub(super) struct Receipt {
    key: String,
    at: Instant,
    propagated: bool,
    states: BTreeMap<String, String>,
}

impl Receipt {
    pub(super) fn new(key: &str, answer: &Answer) -> Self {
        let at = Instant::now();
        let mut states = BTreeMap::new();
        for node in answer.body["nodes"].as_array().expect("nodes") {
            let text = |name: &str| node[name].as_str().expect("a text").to_owned();
            let (name, state) = (text("node"), text("state"));
            // A node that was started twice is there twice: the more careful word counts.
            let entry = states.entry(name).or_insert_with(|| state.clone());
            if state == "pending" {
                *entry = state;
            }
        }
        let propagated = answer.body["propagated"].as_bool().expect("a flag");
        assert_eq!(propagated, states.values().all(|state| state != "pending"), "{answer}");
        Self { key: key.to_owned(), at, propagated, states }
    }

    /// Whether it says that this node does not accept the key any more.
    fn promises(&self, node: &str) -> bool {
        let state = self.states.get(node).map(String::as_str);
        self.propagated || matches!(state, Some("applied" | "lease_expired"))
    }
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct History {
    asked: Mutex<Vec<Asked>>,
    acknowledged: Mutex<BTreeMap<String, Instant>>,
    receipts: Mutex<Vec<Receipt>>,
}

impl History {
    pub(super) fn heard(&self, asked: Asked) {
        self.asked.lock().expect("history").push(asked);
    }

    pub(super) fn acknowledged(&self, key: &str, at: Instant) {
        self.acknowledged.lock().expect("history").insert(key.to_owned(), at);
    }

    pub(super) fn received(&self, receipt: Receipt) {
        self.receipts.lock().expect("history").push(receipt);
    }

    /// Looks at what was seen, and knows nothing else.
    pub(super) fn judge<'a>(&self, nodes: impl Iterator<Item = &'a str>) {
        let asked = self.asked.lock().expect("history");
        let acknowledged = self.acknowledged.lock().expect("history");
        let receipts = self.receipts.lock().expect("history");
        let mut tally: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut last_accepted = Duration::ZERO;
        for asked in asked.iter() {
            *tally.entry((&asked.node, &asked.code)).or_default() += 1;
            let revoked_at = acknowledged[&asked.key];
            if asked.code != "valid" {
                continue;
            }
            let sent_after = asked.sent.saturating_duration_since(revoked_at);
            last_accepted = last_accepted.max(sent_after);
            assert!(sent_after <= PROMISE, "{sent_after:?} after it was revoked: {asked:?}");
            let is_usable = asked.received <= asked.sent + USABLE;
            assert!(!is_usable || asked.sent + USABLE <= revoked_at + PROMISE, "used too late: {asked:?}");
            for receipt in receipts.iter().filter(|receipt| receipt.key == asked.key) {
                let is_promised = receipt.promises(&asked.node);
                assert!(!is_promised || asked.sent <= receipt.at, "{receipt:?} and then {asked:?}");
            }
        }
        for ((node, code), times) in &tally {
            say(&format!("{times:>7}  {node} {code}"));
        }
        let propagated = receipts.iter().filter(|receipt| receipt.propagated).count();
        say(&format!(
            "{} revocations, {} receipts, {propagated} of them that no node accepts the key; last acceptance asked for \
             {last_accepted:?} after a revocation",
            acknowledged.len(),
            receipts.len()
        ));
        for node in nodes {
            assert!(
                tally.contains_key(&(node, "valid")) && tally.contains_key(&(node, "revoked")),
                "{tally:?}"
            );
        }
        assert!(propagated > 0, "no receipt promised anything");
    }
}
