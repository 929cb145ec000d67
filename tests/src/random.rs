use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A name that no other test uses, of `[0-9a-z-]`.
pub fn unique(prefix: &str) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{number}-{:06x}", random() & 0xff_ffff)
}

/// A number below `bound`, different in every run.
pub fn pick(bound: u64) -> u64 {
    random() % bound
}

/// The standard library seeds each `RandomState` differently: randomness enough to spread ports and moments.
fn random() -> u64 {
    RandomState::new().hash_one(NEXT.load(Ordering::Relaxed))
}

/// Numbers that are the same again with the same seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `SplitMix64`.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below that one.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a bound of 64 bits");
        usize::try_from(self.number() % bound).expect("a number below the bound")
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn choose<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dice_are_splitmix64_and_fall_alike_with_the_same_seed() {
        let (mut first, mut second) = (Dice::new(1_234_567), Dice::new(1_234_567));
        assert_eq!(first.number(), 6_457_827_717_110_365_317);
        second.number();
        assert_eq!(first.number(), second.number());
        assert!((0..1000).all(|_| first.below(6) < 6));
    }
}
