//! How long somebody who gave wrong passwords waits before they may give another.
//!
//! The first few cost nothing: people mistype. Then each doubles the wait, up to a bound. Time forgives, one after the
//! other. It is not looked at who somebody is, so that the wait does not tell whether an account exists.

use jiff::{SignedDuration, Timestamp};

/// The longest wait: four guesses an hour are no attack, and nobody is kept out for longer by somebody else's.
pub const WAIT_MAX: SignedDuration = SignedDuration::from_mins(15);

/// How patient one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How many wrong passwords cost nothing.
    pub free: u32,
    /// The wait after the next one; each more doubles it.
    pub first_wait: SignedDuration,
    /// In what time one wrong password is forgiven.
    pub forgives_in: SignedDuration,
}

/// Wrong passwords that somebody gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// How many are not forgiven, as of `last`.
    failed: u32,
    /// When the last one came.
    last: Timestamp,
}

impl Tries {
    /// When the last one came.
    pub const fn last(self) -> Timestamp {
        self.last
    }
}

impl Patience {
    /// How long they wait at `now`. `None`: they may try.
    pub fn wait(self, tries: Tries, now: Timestamp) -> Option<SignedDuration> {
        let over = self.left(tries, tries.last).checked_sub(self.free)?;
        let doubled = 1_i32.checked_shl(over.min(30)).and_then(|times| self.first_wait.checked_mul(times));
        let wait = doubled.map_or(WAIT_MAX, |wait| wait.min(WAIT_MAX));
        let waited = now.duration_since(tries.last);
        // A clock that was set back keeps nobody out for longer than the wait.
        let left = (wait - waited).min(wait);
        left.is_positive().then_some(left)
    }

    /// With one more wrong password.
    pub fn failed(self, tries: Option<Tries>, now: Timestamp) -> Tries {
        let before = tries.map_or(0, |tries| self.left(tries, now));
        Tries { failed: before.saturating_add(1), last: now }
    }

    /// With one less: it was right after all. `None`: nothing is left of them.
    pub fn taken_back(tries: Tries) -> Option<Tries> {
        let failed = tries.failed.checked_sub(1).filter(|failed| *failed > 0)?;
        Some(Tries { failed, ..tries })
    }

    /// Whether all is forgiven.
    pub fn forgets(self, tries: Tries, now: Timestamp) -> bool {
        self.left(tries, now) == 0
    }

    /// How many are not forgiven at `now`.
    fn left(self, tries: Tries, now: Timestamp) -> u32 {
        let passed = now.duration_since(tries.last).as_secs().max(0);
        let forgiven = passed.checked_div(self.forgives_in.as_secs()).unwrap_or(0);
        tries.failed.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Patience = Patience {
        free: 3,
        first_wait: SignedDuration::from_secs(30),
        forgives_in: SignedDuration::from_mins(15),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn failed_at(times: &[i64]) -> Tries {
        let all = times.iter().fold(None, |tries, second| Some(PATIENCE.failed(tries, at(*second))));
        all.unwrap()
    }

    #[test]
    fn the_first_cost_nothing_and_then_each_doubles_the_wait() {
        assert_eq!(PATIENCE.wait(failed_at(&[0, 0]), at(0)), None);
        for (failures, seconds) in [(3, 30), (4, 60), (5, 120), (8, 900), (40, 900)] {
            let tries = failed_at(&vec![0; failures]);
            assert_eq!(PATIENCE.wait(tries, at(0)), Some(SignedDuration::from_secs(seconds)), "{failures}");
            assert_eq!(PATIENCE.wait(tries, at(seconds - 1)), Some(SignedDuration::from_secs(1)));
            assert_eq!(PATIENCE.wait(tries, at(seconds)), None, "{failures}");
        }
    }

    #[test]
    fn time_forgives_one_after_the_other() {
        let tries = failed_at(&[0; 4]);
        assert!(!PATIENCE.forgets(tries, at(4 * 900 - 1)) && PATIENCE.forgets(tries, at(4 * 900)));
        // Two are forgiven, and one comes on top.
        let more = PATIENCE.failed(Some(tries), at(2 * 900));
        assert_eq!(PATIENCE.wait(more, at(2 * 900)), Some(SignedDuration::from_secs(30)));
        assert_eq!(Patience::taken_back(failed_at(&[0])), None);
        assert_eq!(PATIENCE.wait(Patience::taken_back(failed_at(&[0; 3])).unwrap(), at(0)), None);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_the_bound_whatever_the_clock_does(
            times in proptest::collection::vec(-100_000_i64..100_000, 1..60), now in -200_000_i64..200_000,
        ) {
            let wait = PATIENCE.wait(failed_at(&times), at(now));
            prop_assert!(wait.is_none_or(|wait| wait.is_positive() && wait <= WAIT_MAX));
        }

        #[test]
        fn a_guesser_who_never_waits_in_vain_gets_few_guesses(free in 1_u32..20) {
            let patience = Patience { free, ..PATIENCE };
            let (mut tries, mut guesses) = (None, 0_u32);
            for second in 0..24 * 3_600 {
                if tries.is_none_or(|tries| patience.wait(tries, at(second)).is_none()) {
                    tries = Some(patience.failed(tries, at(second)));
                    guesses += 1;
                }
            }
            prop_assert!(guesses <= free + 5 + 24 * 4 + 24 * 4, "{guesses} in a day");
        }
    }
}
