//! Uses of keys on their way to the control plane's usage log: batch by batch, each told again until it was taken.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keyward_core::usage::Use;
use keyward_service::clock::{Clock as _, SystemClock};
use keyward_verifier::UseQueue;
use keyward_verifier::feed::{Feed, tell_uses};
use keyward_wire::feed::{USES_MAX, UseTold, UsesTold};

use crate::serve::stop::Stop;

/// How often uses are told: they are readable within a second.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// How long the last uses may take to be told when the node stops.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What tells of uses. More than the queue holds waits nowhere: the queue drops and counts.
pub(super) struct Teller {
    feed: Feed,
    queue: Arc<UseQueue>,
    /// Which control plane takes them.
    at: usize,
    /// The number of the batch that is told next, or again.
    number: u64,
    /// Taken out of the queue, and not taken by a control plane yet.
    held: Vec<Use>,
    /// How many drops the control plane knows of, and when that was.
    dropped: (u64, Timestamp),
}

impl Teller {
    pub(super) fn new(feed: Feed, queue: Arc<UseQueue>) -> Self {
        let dropped = (0, SystemClock.now());
        Self { feed, queue, at: 0, number: 1, held: Vec::new(), dropped }
    }

    /// Tells until the node is asked to stop.
    pub(super) async fn run(mut self, stop: Stop) -> Self {
        let mut stop = std::pin::pin!(stop.asked());
        loop {
            self.flush().await;
            tokio::select! {
                () = tokio::time::sleep(TELL_EVERY) => {}
                () = &mut stop => return self,
            }
        }
    }

    /// Tells what waits after the last answer.
    pub(super) async fn end(mut self) {
        let ended = tokio::time::timeout(END_WITHIN, async {
            while !self.flush().await {
                tokio::time::sleep(TELL_EVERY).await;
            }
        });
        if ended.await.is_err() {
            self.queue.give_up(self.held.len());
            tracing::error!(lost = self.queue.dropped().stopped, "the last uses of keys could not be told");
        }
    }

    /// Tells what waits now. Whether nothing waits any more.
    async fn flush(&mut self) -> bool {
        loop {
            if self.held.is_empty() {
                self.held = self.queue.take_batch(USES_MAX);
            }
            let (now, dropped) = (SystemClock.now(), self.queue.dropped().all());
            let has_dropped = dropped > self.dropped.0;
            if self.held.is_empty() && !has_dropped {
                return true;
            }
            let told = UsesTold {
                node: self.feed.node.clone(),
                start: self.feed.start.clone(),
                number: self.number,
                dropped: has_dropped.then_some((self.dropped.1, now)),
                uses: self.held.iter().map(UseTold::from).collect(),
            };
            if let Err(error) = tell_uses(&self.feed, self.at, &told).await {
                tracing::debug!(%error, waiting = self.queue.len(), "uses of keys could not be told yet");
                self.queue.note_stuck();
                self.at = (self.at + 1) % self.feed.endpoints.len().max(1);
                return false;
            }
            self.queue.note_written(self.held.len());
            self.held.clear();
            self.number += 1;
            self.dropped = (dropped, now);
        }
    }
}
