//! Uses of keys on their way to the usage log: bounded, counted where they are dropped, and never in the way
//! of a decision.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_queue::SegQueue;
use jiff::Timestamp;
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::Which;
use keyward_core::secret::SecretFormat;

/// Longest text that a use carries, in bytes: enough for any honest browser's name and path.
pub(crate) const TEXT_LEN_MAX: usize = 256;
/// What stands for a text that holds a secret.
const WITHHELD: &str = "(withheld)";

/// One use of a known key, allowed or not. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Which key.
    pub key: KeyId,
    /// Which of its secrets.
    pub secret: Which,
    /// When.
    pub at: Timestamp,
    /// The outcome: `valid` or the code of the denial.
    pub code: &'static str,
    /// From where. `None`: not known, and what is known of the last use stays as it is.
    pub ip: Option<IpAddr>,
    /// With what.
    pub user_agent: Option<Box<str>>,
    /// What was asked for.
    pub scope: Option<Box<str>>,
    /// The method of the product's request.
    pub method: Option<Box<str>>,
    /// The path of the product's request, without its query.
    pub path: Option<Box<str>>,
    /// Where.
    pub workspace: Option<WorkspaceId>,
}

/// A text for a [`Use`]: cut to [`TEXT_LEN_MAX`], and withheld if there is something like a secret in it.
pub fn recordable(format: &SecretFormat, text: &str) -> Option<Box<str>> {
    if text.is_empty() {
        return None;
    }
    let holds_secret = format.is_in(text);
    if holds_secret {
        return Some(WITHHELD.into());
    }
    let end = text.floor_char_boundary(TEXT_LEN_MAX);
    text.get(..end).map(Into::into)
}

/// The queue. Many put in, one takes out; nobody waits.
#[derive(Debug)]
pub struct UseQueue {
    queue: SegQueue<Use>,
    /// How many are in the queue or about to be: the bound is held on this, before a place is taken.
    taken: AtomicUsize,
    bound: usize,
    dropped: AtomicU64,
}

impl UseQueue {
    /// Bound that fits a node: a quarter of a second of its highest rate, and some 20 MB at worst.
    pub const BOUND: usize = 64 * 1024;

    /// An empty queue that holds at most `bound` uses.
    pub const fn new(bound: usize) -> Self {
        Self { queue: SegQueue::new(), taken: AtomicUsize::new(0), bound, dropped: AtomicU64::new(0) }
    }

    /// Puts a use in, or drops and counts it where the queue is full.
    pub fn put(&self, used: Use) {
        if self.taken.fetch_add(1, Ordering::AcqRel) < self.bound {
            self.queue.push(used);
        } else {
            self.taken.fetch_sub(1, Ordering::AcqRel);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes out at most `most`, oldest first.
    pub fn take_batch(&self, most: usize) -> Vec<Use> {
        let mut batch = Vec::new();
        while batch.len() < most {
            let Some(used) = self.queue.pop() else { break };
            self.taken.fetch_sub(1, Ordering::AcqRel);
            batch.push(used);
        }
        batch
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Default for UseQueue {
    fn default() -> Self {
        Self::new(Self::BOUND)
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::secret::Encoding;

    use super::*;

    fn used(n: u64) -> Use {
        Use {
            key: KeyId::new(n, [0; 10]),
            secret: Which::Current,
            at: Timestamp::UNIX_EPOCH,
            code: "valid",
            ip: None,
            user_agent: None,
            scope: None,
            method: None,
            path: None,
            workspace: None,
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let queue = UseQueue::new(2);
        (0..5).for_each(|n| queue.put(used(n)));
        assert_eq!((queue.len(), queue.dropped()), (2, 3));
        assert_eq!(queue.take_batch(1), [used(0)]);
        queue.put(used(7));
        assert_eq!(queue.take_batch(10), [used(1), used(7)]);
        assert!(queue.is_empty());
        assert_eq!(queue.dropped(), 3);
    }

    #[test]
    fn many_may_put_at_once_and_the_bound_holds() {
        let queue = UseQueue::new(100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|n| queue.put(used(n))));
            }
        });
        assert_eq!((queue.len(), queue.dropped()), (100, 300));
    }

    #[test]
    fn cys_5_a_text_with_a_secret_in_it_is_withheld() {
        let format = SecretFormat::new("kw_", Encoding::Base62).unwrap();
        let secret = format.mint(&[7; 32]);
        for text in [format!("/x/{}", secret.expose()), format!("agent ({}; 1)", secret.expose())] {
            assert_eq!(recordable(&format, &text).as_deref(), Some(WITHHELD));
        }
        assert_eq!(recordable(&format, "curl/8 kw_x").as_deref(), Some("curl/8 kw_x"));
        assert_eq!(recordable(&format, ""), None);
        let long = "ä".repeat(TEXT_LEN_MAX);
        assert_eq!(recordable(&format, &long).unwrap().len(), TEXT_LEN_MAX);
    }
}
