//! The last changes, kept as they were read and written out, so that each is read once for all nodes.

use std::collections::VecDeque;

use keyward_core::change::Epoch;

/// Bytes of changes that are kept. An import of ten thousand keys is some 10 MB and must fit, or every node would
/// have to begin anew; nodes that fall further behind than this within a few seconds were away.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Reads that are kept: at ten a second, longer than a lease.
const BATCHES_MAX: usize = 64;

/// The states that one read found: everything that was changed after `from`, as it was at `to`.
#[derive(Debug, Clone)]
pub struct Batch<P> {
    /// After which epoch was read.
    pub from: Epoch,
    /// The last epoch of the read.
    pub to: Epoch,
    /// How many states there are.
    pub states: u64,
    /// How long they are, in bytes.
    pub len: usize,
    /// The states.
    pub payload: P,
}

/// Batches without a gap between them, oldest first.
#[derive(Debug)]
pub(super) struct Window<P> {
    batches: VecDeque<Batch<P>>,
    from: Epoch,
    to: Epoch,
    len: usize,
}

impl<P: Clone> Window<P> {
    pub(super) const fn empty_at(at: Epoch) -> Self {
        Self { batches: VecDeque::new(), from: at, to: at, len: 0 }
    }

    /// The last epoch that it knows of.
    pub(super) const fn to(&self) -> Epoch {
        self.to
    }

    /// Whether it can tell everything after an epoch.
    pub(super) fn reaches_back_to(&self, after: Epoch) -> bool {
        self.from <= after
    }

    /// Takes in what a read found. One that does not continue what is here replaces it.
    pub(super) fn push(&mut self, batch: Batch<P>) {
        if batch.from != self.to {
            *self = Self::empty_at(batch.from);
        }
        self.to = batch.to;
        self.len += batch.len;
        // A batch that holds nothing is none: without it nothing is missed.
        if batch.to > batch.from {
            self.batches.push_back(batch);
        }
        while self.len > BYTES_MAX || self.batches.len() > BATCHES_MAX {
            let Some(gone) = self.batches.pop_front() else { break };
            self.len -= gone.len;
            self.from = gone.to;
        }
    }

    /// Everything after an epoch, in order. A batch is told whole even if some of it is known: it tells a state once,
    /// though it may have changed several times in it. `None`: it does not reach back so far.
    pub(super) fn after(&self, after: Epoch) -> Option<Vec<Batch<P>>> {
        self.reaches_back_to(after)
            .then(|| self.batches.iter().filter(|batch| batch.to > after).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(from: u64, to: u64, len: usize) -> Batch<()> {
        Batch { from: Epoch(from), to: Epoch(to), states: 1, len, payload: () }
    }

    fn told(window: &Window<()>, after: u64) -> Option<Vec<(u64, u64)>> {
        let batches = window.after(Epoch(after))?;
        Some(batches.iter().map(|batch| (batch.from.0, batch.to.0)).collect())
    }

    #[test]
    fn a_batch_that_is_known_in_part_is_told_whole() {
        let mut window = Window::empty_at(Epoch(4));
        window.push(batch(4, 6, 1));
        window.push(batch(6, 9, 1));
        assert_eq!(told(&window, 3), None);
        assert_eq!(told(&window, 4), Some(vec![(4, 6), (6, 9)]));
        assert_eq!(told(&window, 5), Some(vec![(4, 6), (6, 9)]));
        assert_eq!(told(&window, 8), Some(vec![(6, 9)]));
        assert_eq!(told(&window, 9), Some(vec![]));
    }

    #[test]
    fn what_does_not_continue_it_replaces_it() {
        let mut window = Window::empty_at(Epoch(4));
        window.push(batch(4, 6, 1));
        window.push(batch(2, 8, 1));
        assert_eq!(told(&window, 2), Some(vec![(2, 8)]));
        assert_eq!(told(&window, 1), None);
    }

    #[test]
    fn it_is_bounded_in_bytes_and_in_batches() {
        let mut window = Window::empty_at(Epoch(0));
        window.push(batch(0, 1, BYTES_MAX / 2));
        window.push(batch(1, 2, BYTES_MAX / 2));
        window.push(batch(2, 3, 1));
        assert_eq!((told(&window, 0), told(&window, 1)), (None, Some(vec![(1, 2), (2, 3)])));
        window.push(batch(3, 4, BYTES_MAX + 1));
        assert_eq!((told(&window, 3), told(&window, 4)), (None, Some(vec![])));
        for n in 4..4 + 2 * BATCHES_MAX as u64 {
            window.push(batch(n, n + 1, 0));
        }
        assert_eq!(window.batches.len(), BATCHES_MAX);
    }
}
