//! Numbers that follow from a seed, so that a failing run can be run again.

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, and good enough to choose by.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

/// What the numbers of a step are for. Each purpose has its own, so that looking more often changes no deed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Deed = 1,
    Look,
    Sweep,
    Follow,
}

impl Random {
    /// The numbers of one step for one purpose.
    pub(crate) fn of(seed: u64, step: usize, purpose: Purpose) -> Self {
        let mut start = Self(seed);
        let mixed = start.next() ^ (step as u64).wrapping_mul(0xd134_2543_de82_ef95);
        let mut start = Self(mixed.wrapping_add(purpose as u64));
        Self(start.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, which is not reached.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end as u64)).unwrap()
    }

    /// A number from `from` to `to`, both reached.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.next() % u64::try_from(to - from + 1).unwrap()).unwrap()
    }

    /// True that many times of a hundred.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some. There is at least one.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of some, if there is one.
    pub(crate) fn any_of<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| *self.pick(from))
    }

    /// Up to `most` of some, each once.
    pub(crate) fn some_of<T: Clone>(&mut self, from: &[T], most: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let mut chosen = Vec::new();
        while chosen.len() < most && !left.is_empty() {
            chosen.push(left.swap_remove(self.below(left.len())));
        }
        chosen
    }
}
