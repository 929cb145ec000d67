//! Uses of keys on their way to the control plane's usage log: batch by batch, each told again until it was taken. While
//! none takes them they wait in the spool, where there is one, and in the queue.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keyward_service::clock::{Clock as _, SystemClock};
use keyward_verifier::UseQueue;
use keyward_verifier::feed::{Feed, NoAnswer, Telling};
use keyward_wire::feed::{USES_MAX, UseTold, UsesTold};
use tokio::task::block_in_place;

use super::spool::{NotKept, Spool};
use crate::serve::stop::Stop;

/// How often uses are told: they are readable within a second.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// How long the last uses may take to be told when the node stops.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What tells of uses. More than the spool and the queue hold waits nowhere: the queue drops and counts.
pub(super) struct Teller {
    feed: Feed,
    telling: Telling,
    queue: Arc<UseQueue>,
    spool: Option<Spool>,
    /// Which control plane takes them.
    at: usize,
    /// The number of the next batch that is made.
    number: u64,
    /// Made, and neither taken by a control plane nor kept in the spool yet. It is told again as it is: a control plane
    /// that took it, and could not say so, passes over all of it.
    held: Option<UsesTold>,
    /// How many drops batches tell of, and when that was.
    dropped: (u64, Timestamp),
    /// Whether a control plane took the last batch, and whether the spool did: each trouble is told once.
    was_taken: bool,
    was_kept: bool,
}

impl Teller {
    pub(super) fn new(feed: Feed, queue: Arc<UseQueue>, spool: Option<Spool>) -> Self {
        let dropped = (0, SystemClock.now());
        let (telling, held, was_taken, was_kept) = (Telling::default(), None, true, true);
        Self { feed, telling, queue, spool, at: 0, number: 1, held, dropped, was_taken, was_kept }
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

    /// Tells what waits after the last answer, or keeps it for the next start.
    pub(super) async fn end(mut self) {
        let ended = tokio::time::timeout(END_WITHIN, async {
            while !self.flush().await && !self.is_all_kept() {
                tokio::time::sleep(TELL_EVERY).await;
            }
        });
        let in_time = ended.await.is_ok();
        if !in_time {
            self.keep_what_waits();
        }
        if self.is_all_kept() {
            tracing::info!("the next start tells of the uses of keys that are in the spool");
        } else if !in_time {
            self.queue.give_up(self.held.as_ref().map_or(0, |batch| batch.uses.len()));
            tracing::error!(lost = self.queue.dropped().stopped, "the last uses of keys could not be told");
        }
    }

    /// Tells what waits now. Whether nothing waits any more.
    async fn flush(&mut self) -> bool {
        loop {
            // What is in the spool came first: all that comes after it goes behind it.
            if self.has_spooled() {
                self.keep_what_waits();
                if !self.tell_spooled().await {
                    return false;
                }
                continue;
            }
            let Some(batch) = self.held.take().or_else(|| self.make_batch()) else { return true };
            let told = self.telling.tell(&self.feed, self.at, &batch).await;
            if self.was_told(&told) {
                self.queue.note_written(batch.uses.len());
            } else {
                self.held = Some(batch);
                self.keep_what_waits();
                return false;
            }
        }
    }

    /// Tells the oldest batch of the spool. Whether it was taken.
    async fn tell_spooled(&mut self) -> bool {
        let Some(batch) = self.spool.as_ref().and_then(Spool::first) else { return true };
        let told = self.telling.tell(&self.feed, self.at, batch).await;
        if !self.was_told(&told) {
            return false;
        }
        if let Some(taken) = self.spool.as_mut().and_then(|spool| block_in_place(|| spool.take_first())) {
            self.queue.note_written(taken.uses.len());
        }
        true
    }

    /// A batch of what waits in the queue. `None`: there is nothing to tell.
    fn make_batch(&mut self) -> Option<UsesTold> {
        let uses = self.queue.take_batch(USES_MAX);
        let (now, dropped) = (SystemClock.now(), self.queue.dropped().all());
        let has_dropped = dropped > self.dropped.0;
        if uses.is_empty() && !has_dropped {
            return None;
        }
        let batch = UsesTold {
            node: self.feed.node.clone(),
            start: self.feed.start.clone(),
            number: self.number,
            dropped: has_dropped.then_some((self.dropped.1, now)),
            uses: uses.iter().map(UseTold::from).collect(),
        };
        self.number += 1;
        self.dropped = (dropped, now);
        Some(batch)
    }

    /// Puts what waits into the spool, where there is one, as far as it has room. What stays is held, and the queue fills up.
    fn keep_what_waits(&mut self) {
        while self.spool.is_some() {
            let Some(batch) = self.held.take().or_else(|| self.make_batch()) else { return };
            let Some(spool) = &mut self.spool else { return };
            let kept = block_in_place(|| spool.put(&batch));
            let is_kept = kept.is_ok();
            self.say_whether_kept(kept.err().as_ref());
            if !is_kept {
                self.held = Some(batch);
                break;
            }
            self.queue.note_moving();
        }
        self.queue.note_stuck();
    }

    fn has_spooled(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    /// Whether all that is left to tell is on the disk.
    fn is_all_kept(&self) -> bool {
        self.has_spooled() && self.held.is_none() && self.queue.is_empty()
    }

    /// Whether a control plane took a batch. If not, the next one is asked.
    fn was_told(&mut self, told: &Result<(), NoAnswer>) -> bool {
        match told {
            Ok(()) if !self.was_taken => tracing::info!("uses of keys are told again"),
            Err(error) if self.was_taken => {
                let spooled = self.spool.is_some();
                tracing::warn!(%error, spooled, "no control plane takes uses of keys; they wait");
            }
            Ok(()) | Err(_) => {}
        }
        self.was_taken = told.is_ok();
        if told.is_err() {
            self.at = (self.at + 1) % self.feed.endpoints.len().max(1);
        }
        told.is_ok()
    }

    fn say_whether_kept(&mut self, error: Option<&NotKept>) {
        match error {
            Some(error) if self.was_kept => {
                tracing::error!(%error, "uses of keys cannot be kept on the disk; they wait in memory");
            }
            None if !self.was_kept => tracing::info!("uses of keys are kept on the disk again"),
            Some(_) | None => {}
        }
        self.was_kept = error.is_none();
    }
}
