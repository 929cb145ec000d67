//! Uses that were taken out of the queue and are not written yet, by their keys: what is written together is of few keys then,
//! and what is told of a key (its counts, when and from where it was last used) is written once for many of its uses.

use std::collections::VecDeque;

use jiff::Timestamp;
use keyward_core::usage::Use;
use keyward_verifier::UseQueue;

/// Uses that are taken out together, where so many wait: several of each of some thousand keys that are used alike. They are in
/// memory as those in the queue are, a quarter as many: some 5 MB, lost with a `kill -9`.
const HELD_MAX: usize = 16 * 1024;

/// Those of one look at the queue.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By their keys, those of a key in the order in which they came.
    uses: VecDeque<Use>,
    /// When the queue was seen to hold nothing but these. `None`: it held more.
    emptied_at: Option<Timestamp>,
}

impl Held {
    /// Takes out what waits now.
    pub(super) fn take(queue: &UseQueue, now: Timestamp) -> Self {
        let mut uses = queue.take_batch(HELD_MAX);
        let emptied_at = (uses.len() < HELD_MAX).then_some(now);
        // Those of a key stay in their order. The keys are sorted, then each use is moved once.
        uses.sort_by_cached_key(|used| used.key);
        Self { uses: uses.into(), emptied_at }
    }

    /// At most `most` of them, to be written together, and when the queue was seen to hold nothing but these. `None`: more
    /// was taken out before than these, or not all that there was.
    pub(super) fn part(&self, most: usize) -> (&[Use], Option<Timestamp>) {
        // They were made from a whole piece, and are only taken from its front.
        let (uses, _) = self.uses.as_slices();
        let part = uses.get(..most).unwrap_or(uses);
        (part, self.emptied_at.filter(|_| part.len() == self.uses.len()))
    }

    /// The first of them are written.
    pub(super) fn forget(&mut self, written: usize) {
        self.uses.drain(..written.min(self.uses.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.uses.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::id::KeyId;

    use super::*;

    fn used(key: u64, ms: i64) -> Use {
        Use::bare(KeyId::new(key, [0; 10]), Timestamp::from_millisecond(ms).unwrap(), "valid")
    }

    fn told(uses: &[Use]) -> Vec<(KeyId, i64)> {
        uses.iter().map(|used| (used.key, used.at.as_millisecond())).collect()
    }

    #[test]
    fn what_is_written_together_is_of_few_keys_and_in_the_order_of_each() {
        let queue = UseQueue::default();
        for ms in 0..6 {
            queue.put(|| used(u64::from(ms % 2 == 0), ms));
        }
        let mut held = Held::take(&queue, Timestamp::UNIX_EPOCH);
        let (odd, even) = (KeyId::new(0, [0; 10]), KeyId::new(1, [0; 10]));
        let (part, emptied_at) = held.part(4);
        assert_eq!(told(part), [(odd, 1), (odd, 3), (odd, 5), (even, 0)]);
        assert_eq!(emptied_at, None, "two are left");
        held.forget(4);
        assert_eq!(held.len(), 2);
        let (part, emptied_at) = held.part(4);
        assert_eq!(told(part), [(even, 2), (even, 4)]);
        assert_eq!(emptied_at, Some(Timestamp::UNIX_EPOCH));
        held.forget(2);
        assert!(held.is_empty());
    }

    #[test]
    fn a_queue_that_holds_more_was_not_seen_empty() {
        let queue = UseQueue::default();
        let all = i64::try_from(HELD_MAX).unwrap() + 1;
        (0..all).for_each(|ms| queue.put(|| used(1, ms)));
        let mut held = Held::take(&queue, Timestamp::UNIX_EPOCH);
        let (part, emptied_at) = held.part(usize::MAX);
        assert_eq!((part.len(), emptied_at), (HELD_MAX, None));
        held.forget(HELD_MAX);
        assert!(held.is_empty());
        let held = Held::take(&queue, Timestamp::UNIX_EPOCH);
        assert_eq!((held.part(64).0.len(), held.part(64).1), (1, Some(Timestamp::UNIX_EPOCH)));
    }

    #[test]
    fn nothing_is_a_part_as_well() {
        let held = Held::take(&UseQueue::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(held.part(64), (&[][..], Some(Timestamp::UNIX_EPOCH)));
    }
}
