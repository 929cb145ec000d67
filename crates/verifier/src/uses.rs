//! Uses of keys on their way to the usage log: bounded, counted where they are dropped, and never in the way
//! of a decision.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_queue::SegQueue;
use keyward_core::usage::Use;

/// Why uses were dropped, and how many, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// They came faster than they could be written.
    pub full: u64,
    /// They came while the store could not be written, and more waited than may.
    pub unwritable: u64,
    /// They waited when the server stopped, and the store could not be written.
    pub stopped: u64,
}

impl Dropped {
    /// All of them.
    pub const fn all(self) -> u64 {
        self.full + self.unwritable + self.stopped
    }
}

/// The queue. Many put in, one takes out; nobody waits.
///
/// What was put in is written, dropped or waiting: `written() + dropped().all() + len()` plus the batch that the writer
/// holds is as many as were put in.
#[derive(Debug)]
pub struct UseQueue {
    queue: SegQueue<Use>,
    /// How many are in the queue or about to be: the bound is held on this, before a place is taken.
    taken: AtomicUsize,
    bound: usize,
    /// Whether the writer could not write when it last tried: what is dropped meanwhile is dropped for that.
    is_stuck: AtomicBool,
    written: AtomicU64,
    full: AtomicU64,
    unwritable: AtomicU64,
    stopped: AtomicU64,
}

impl UseQueue {
    /// Bound that fits a node: more than a second of the highest rate of two cores, and some 20 MB at worst.
    pub const BOUND: usize = 64 * 1024;

    /// An empty queue that holds at most `bound` uses.
    pub const fn new(bound: usize) -> Self {
        Self {
            queue: SegQueue::new(),
            taken: AtomicUsize::new(0),
            bound,
            is_stuck: AtomicBool::new(false),
            written: AtomicU64::new(0),
            full: AtomicU64::new(0),
            unwritable: AtomicU64::new(0),
            stopped: AtomicU64::new(0),
        }
    }

    /// Puts a use in, or drops and counts it where the queue is full. It is only made where there is a place for it.
    pub fn put(&self, make: impl FnOnce() -> Use) {
        if self.taken.fetch_add(1, Ordering::AcqRel) < self.bound {
            self.queue.push(make());
            return;
        }
        self.taken.fetch_sub(1, Ordering::AcqRel);
        let reason = if self.is_stuck.load(Ordering::Relaxed) { &self.unwritable } else { &self.full };
        reason.fetch_add(1, Ordering::Relaxed);
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

    /// Tells that so many, which were taken out, are written for good.
    pub fn note_written(&self, uses: usize) {
        self.is_stuck.store(false, Ordering::Relaxed);
        self.written.fetch_add(number(uses), Ordering::Relaxed);
    }

    /// Tells that what was taken out is safe elsewhere until it can be written: what is dropped now came too fast.
    pub fn note_moving(&self) {
        self.is_stuck.store(false, Ordering::Relaxed);
    }

    /// Tells that the store cannot be written at present.
    pub fn note_stuck(&self) {
        self.is_stuck.store(true, Ordering::Relaxed);
    }

    /// Drops and counts what waits, and so many more that were taken out: the server stops, and cannot write them.
    pub fn give_up(&self, taken_out: usize) {
        let waiting = self.take_batch(usize::MAX).len();
        self.stopped.fetch_add(number(taken_out + waiting), Ordering::Relaxed);
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many were written since the start.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How many were dropped since the start, and why.
    pub fn dropped(&self) -> Dropped {
        Dropped {
            full: self.full.load(Ordering::Relaxed),
            unwritable: self.unwritable.load(Ordering::Relaxed),
            stopped: self.stopped.load(Ordering::Relaxed),
        }
    }
}

fn number(uses: usize) -> u64 {
    u64::try_from(uses).unwrap_or(u64::MAX)
}

impl Default for UseQueue {
    fn default() -> Self {
        Self::new(Self::BOUND)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use keyward_core::id::KeyId;

    use super::*;

    fn used(n: u64) -> Use {
        Use::bare(KeyId::new(n, [0; 10]), Timestamp::UNIX_EPOCH, "valid")
    }

    #[test]
    fn a_full_queue_drops_and_counts_without_making_the_use() {
        let queue = UseQueue::new(2);
        (0..2).for_each(|n| queue.put(|| used(n)));
        (0..3).for_each(|_| queue.put(|| panic!("there is no place for it")));
        assert_eq!((queue.len(), queue.dropped()), (2, Dropped { full: 3, ..Dropped::default() }));
        assert_eq!(queue.take_batch(1), [used(0)]);
        queue.put(|| used(7));
        assert_eq!(queue.take_batch(10), [used(1), used(7)]);
        assert!(queue.is_empty());
        assert_eq!(queue.dropped().all(), 3);
    }

    #[test]
    fn what_is_dropped_is_told_by_its_reason() {
        let queue = UseQueue::new(2);
        (0..3).for_each(|n| queue.put(|| used(n)));
        queue.note_stuck();
        (0..4).for_each(|n| queue.put(|| used(n)));
        assert_eq!(queue.dropped(), Dropped { full: 1, unwritable: 4, stopped: 0 });
        assert_eq!(queue.take_batch(1).len(), 1);
        queue.note_written(1);
        (0..2).for_each(|n| queue.put(|| used(n)));
        assert_eq!(queue.dropped(), Dropped { full: 2, unwritable: 4, stopped: 0 });
        queue.give_up(5);
        assert_eq!(queue.dropped(), Dropped { full: 2, unwritable: 4, stopped: 7 });
        assert_eq!((queue.written(), queue.len()), (1, 0));
    }

    #[test]
    fn many_may_put_at_once_and_the_bound_holds() {
        let queue = UseQueue::new(100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|n| queue.put(|| used(n))));
            }
        });
        assert_eq!((queue.len(), queue.dropped().full), (100, 300));
    }
}
