//! The meter of a key: how many of its questions were let through in this minute and the one before.
//!
//! It is a sliding window counter in one word, so that counting takes no lock and no memory. Of the minute
//! before counts the part that a window of sixty seconds, ending now, still covers: at a third of this minute
//! two thirds of it. A window begins with the first question of a key that has been quiet, so that a fresh one
//! has its whole limit.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use keyward_core::rate::{OverLimit, Quota, RequestsPerMinute, WINDOW_SECONDS};

/// Length of a window.
const WINDOW: u64 = WINDOW_SECONDS as u64;
/// Bits of each count: they hold [`RequestsPerMinute::MAX`].
const COUNT_BITS: u32 = 20;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// Bits of the second that a window begins at. Seconds come round after 194 days: a key that was quiet for just
/// as long is counted as if it had not been, for a minute.
const SECOND_BITS: u32 = 24;
const SECOND_MASK: u64 = (1 << SECOND_BITS) - 1;
/// How far the clock may step back, in seconds, before what was counted is forgotten: a minute's correction, and
/// threads that read the clock in one order and count in another.
const STEP_BACK_MAX: u64 = 64;

const _: () = assert!(RequestsPerMinute::MAX as u64 <= COUNT_MASK);

/// Counts what is let through: `[window's start in seconds: 24][previous: 20][current: 20]`.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Counts a question, if the limit lets it through. One that is refused is not counted.
    pub(crate) fn take(&self, limit: RequestsPerMinute, now: Timestamp) -> Result<Quota, OverLimit> {
        let read = |packed| Reading::of(packed, now);
        let count = |packed| {
            let reading = read(packed);
            (reading.remaining(limit) > 0).then(|| reading.counted().packed())
        };
        // The word is all there is: nothing else is ordered by it.
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) {
            Ok(before) => Ok(read(before).counted().quota(limit)),
            Err(before) => Err(OverLimit(read(before).quota(limit))),
        }
    }
}

/// A meter at one moment, rolled on to it.
#[derive(Debug, Clone, Copy)]
struct Reading {
    start: u64,
    previous: u64,
    current: u64,
    /// Seconds since the start: less than [`WINDOW`].
    elapsed: u64,
}

impl Reading {
    fn of(packed: u64, now: Timestamp) -> Self {
        let second = now.as_second().cast_unsigned() & SECOND_MASK;
        let start = packed >> (2 * COUNT_BITS);
        let (previous, current) = ((packed >> COUNT_BITS) & COUNT_MASK, packed & COUNT_MASK);
        let fresh = Self { start: second, previous: 0, current: 0, elapsed: 0 };
        if previous == 0 && current == 0 {
            return fresh;
        }
        let forward = second.wrapping_sub(start) & SECOND_MASK;
        let back = start.wrapping_sub(second) & SECOND_MASK;
        match forward {
            _ if back <= STEP_BACK_MAX => Self { start, previous, current, elapsed: 0 },
            0..WINDOW => Self { start, previous, current, elapsed: forward },
            _ if forward < 2 * WINDOW => Self {
                start: (start + WINDOW) & SECOND_MASK,
                previous: current,
                current: 0,
                elapsed: forward - WINDOW,
            },
            _ => fresh,
        }
    }

    fn packed(self) -> u64 {
        self.start << (2 * COUNT_BITS) | self.previous << COUNT_BITS | self.current
    }

    fn counted(self) -> Self {
        Self { current: self.current + 1, ..self }
    }

    /// How many more would be let through now. Whole ones: `previous × left / 60 + current < limit` holds for
    /// the fraction just when it holds for its whole part.
    fn remaining(&self, limit: RequestsPerMinute) -> u64 {
        let still_covered = self.previous * (WINDOW - self.elapsed) / WINDOW;
        u64::from(limit.get()).saturating_sub(still_covered + self.current)
    }

    fn quota(&self, limit: RequestsPerMinute) -> Quota {
        let remaining = self.remaining(limit);
        let left = WINDOW - self.elapsed;
        let resets_in = if remaining > 0 { left } else { self.next_in(u64::from(limit.get())) };
        let fitting = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Quota { limit, remaining: fitting(remaining), resets_in_seconds: fitting(resets_in) }
    }

    /// When the next one is let through, where none is now.
    fn next_in(&self, limit: u64) -> u64 {
        let left = WINDOW - self.elapsed;
        // Of `count` in the minute before, fewer than `free` are covered once so many seconds are left.
        let left_for = |free: u64, count: u64| (WINDOW * free - 1).checked_div(count).unwrap_or(WINDOW);
        match limit.saturating_sub(self.current) {
            // Not before this minute is the one before.
            0 => left + WINDOW.saturating_sub(left_for(limit, self.current)),
            free => left.saturating_sub(left_for(free, self.previous)),
        }
        .max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A morning, and the seconds that a meter keeps of it come round soon after.
    const BEGIN: i64 = (106 << SECOND_BITS) - 1_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(BEGIN + second).unwrap()
    }

    fn limit(number: u32) -> RequestsPerMinute {
        RequestsPerMinute::new(number).unwrap()
    }

    fn take_many(meter: &Meter, limit: RequestsPerMinute, second: i64, attempts: u32) -> u32 {
        (0..attempts).map(|_| u32::from(meter.take(limit, at(second)).is_ok())).sum()
    }

    #[test]
    fn cys_10_sixty_a_minute_then_none_until_the_window_lets_one_through() {
        let (meter, sixty) = (Meter::default(), limit(60));
        for n in 0..60 {
            let quota = meter.take(sixty, at(n / 2)).unwrap();
            assert_eq!(quota.remaining, 59 - u32::try_from(n).unwrap());
        }
        for second in [29, 45, 59] {
            let OverLimit(quota) = meter.take(sixty, at(second)).unwrap_err();
            let until = 61 - u32::try_from(second).unwrap();
            assert_eq!((quota.remaining, quota.resets_in_seconds), (0, until), "{second}");
        }
        assert!(meter.take(sixty, at(60)).is_err());
        assert_eq!(take_many(&meter, sixty, 61, 5), 1, "a sixtieth of the minute before has left the window");
        assert_eq!(take_many(&meter, sixty, 90, 60), 29, "half of it, but for the one above");
        assert_eq!(take_many(&meter, sixty, 300, 100), 60, "and after a quiet minute all");
    }

    #[test]
    fn what_is_left_is_told_with_when_it_ends() {
        let meter = Meter::default();
        let quota = |second| meter.take(limit(2), at(second)).unwrap();
        assert_eq!(quota(0), Quota { limit: limit(2), remaining: 1, resets_in_seconds: 60 });
        assert_eq!(quota(20), Quota { limit: limit(2), remaining: 0, resets_in_seconds: 41 });
    }

    #[test]
    fn refused_questions_are_not_counted() {
        let meter = Meter::default();
        assert_eq!(take_many(&meter, limit(3), 0, 1_000), 3);
        assert_eq!(take_many(&meter, limit(4), 1, 1_000), 1);
    }

    #[test]
    fn a_narrower_limit_counts_at_once_and_a_wider_one_lets_more_through() {
        let meter = Meter::default();
        assert_eq!(take_many(&meter, limit(50), 0, 50), 50);
        let OverLimit(quota) = meter.take(limit(5), at(10)).unwrap_err();
        assert_eq!(quota.remaining, 0);
        let wait = i64::from(quota.resets_in_seconds);
        assert!(meter.take(limit(5), at(10 + wait - 1)).is_err());
        assert!(meter.take(limit(5), at(10 + wait)).is_ok());
        assert_eq!(take_many(&meter, limit(60), 10 + wait, 100), 60 - 1 - 4);
    }

    #[test]
    fn the_widest_limit_fits() {
        let (meter, widest) = (Meter::default(), limit(RequestsPerMinute::MAX));
        assert_eq!(take_many(&meter, widest, 0, RequestsPerMinute::MAX + 10), RequestsPerMinute::MAX);
        assert!(meter.take(widest, at(59)).is_err());
        assert_eq!(meter.take(widest, at(90)).unwrap().remaining, RequestsPerMinute::MAX / 2 - 1);
    }

    #[test]
    fn a_clock_that_steps_back_a_little_gives_nothing_and_far_back_begins_anew() {
        let (meter, three) = (Meter::default(), limit(3));
        assert_eq!(take_many(&meter, three, 100, 5), 3);
        assert_eq!(take_many(&meter, three, 99, 5), 0);
        assert_eq!(take_many(&meter, three, 36, 5), 0);
        assert_eq!(take_many(&meter, three, 35, 5), 3);
    }

    #[test]
    fn seconds_come_round() {
        let (meter, sixty) = (Meter::default(), limit(60));
        assert_eq!(take_many(&meter, sixty, 990, 70), 60);
        assert_eq!(take_many(&meter, sixty, 1_020, 70), 0, "thirty seconds on, past the end of the count");
        assert_eq!(take_many(&meter, sixty, 1_080, 70), 30);
    }

    #[test]
    fn many_at_once_get_no_more_than_the_limit() {
        for round in 0..20 {
            let (meter, thousand) = (Meter::default(), limit(1_000));
            let through: u32 = std::thread::scope(|scope| {
                let taking: Vec<_> = (0..8)
                    .map(|thread| {
                        let meter = &meter;
                        // Their clocks differ by a second or two.
                        scope.spawn(move || take_many(meter, thousand, round + thread % 3, 500))
                    })
                    .collect();
                taking.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(through, 1_000);
        }
    }

    /// The same rule in the plainest words: each window apart, and fractions as they are.
    #[derive(Default)]
    struct Model {
        window: Option<(i64, u64, u64)>,
    }

    impl Model {
        fn take(&mut self, limit: u32, second: i64) -> bool {
            let (mut start, mut previous, mut current) = self.window.unwrap_or((second, 0, 0));
            if second < start - 64 || second >= start + 120 {
                (start, previous, current) = (second, 0, 0);
            } else if second >= start + 60 {
                (start, previous, current) = (start + 60, current, 0);
            }
            let elapsed = u64::try_from(second - start).unwrap_or(0);
            let through = previous * (60 - elapsed) + 60 * current < 60 * u64::from(limit);
            if through {
                self.window = Some((start, previous, current + 1));
            }
            through
        }
    }

    fn limits() -> impl Strategy<Value = u32> {
        prop_oneof![1_u32..=5, 1_u32..=100, Just(RequestsPerMinute::MAX)]
    }

    proptest! {
        #[test]
        fn it_answers_like_the_model(
            limits in prop::collection::vec(limits(), 1..3),
            steps in prop::collection::vec((-70_i64..130, 1_u32..40), 1..40),
        ) {
            let (meter, mut model) = (Meter::default(), Model::default());
            let mut second = 0;
            for (n, (step, attempts)) in steps.into_iter().enumerate() {
                second += if step % 3 == 0 { step } else { step.rem_euclid(7) };
                let number = limits[n % limits.len()];
                for _ in 0..attempts {
                    let taken = meter.take(limit(number), at(second));
                    prop_assert_eq!(taken.is_ok(), model.take(number, second));
                }
            }
        }

        #[test]
        fn a_fresh_minute_has_the_whole_limit_and_no_more(
            number in 1_u32..200,
            begin in -2_000_i64..2_000,
            mut seconds in prop::collection::vec(0_i64..60, 1..400),
        ) {
            seconds.sort_unstable();
            let meter = Meter::default();
            let first = seconds[0];
            let through = seconds.iter().filter(|s| meter.take(limit(number), at(begin + *s - first)).is_ok()).count();
            prop_assert_eq!(through, seconds.len().min(number as usize));
        }

        #[test]
        fn no_sixty_seconds_have_more_than_twice_the_limit(
            number in 1_u32..30,
            steps in prop::collection::vec((0_i64..20, 1_u32..30), 1..60),
        ) {
            let meter = Meter::default();
            let (mut second, mut through) = (0, Vec::new());
            for (step, attempts) in steps {
                second += step;
                let count = take_many(&meter, limit(number), second, attempts);
                through.extend((0..count).map(|_| second));
            }
            for from in &through {
                let within = through.iter().filter(|s| (*from..from + 60).contains(*s)).count();
                prop_assert!(within <= 2 * number as usize, "{} of {}", within, number);
            }
        }

        #[test]
        fn what_is_left_and_when_there_is_more_are_told_exactly(
            number in limits(),
            steps in prop::collection::vec((0_i64..100, 1_u32..120), 1..20),
        ) {
            let meter = Meter::default();
            let mut second = 0;
            for (step, attempts) in steps {
                second += step;
                let mut before = None::<u32>;
                for _ in 0..attempts {
                    match meter.take(limit(number), at(second)) {
                        Ok(quota) => {
                            prop_assert!(before.is_none_or(|before| before == quota.remaining + 1));
                            before = Some(quota.remaining);
                        }
                        Err(OverLimit(quota)) => {
                            prop_assert!(before.is_none_or(|before| before == 0));
                            let wait = i64::from(quota.resets_in_seconds);
                            prop_assert!((1..=120).contains(&wait));
                            let copy = Meter(AtomicU64::new(meter.0.load(Ordering::Relaxed)));
                            prop_assert!(copy.take(limit(number), at(second + wait - 1)).is_err());
                            prop_assert!(copy.take(limit(number), at(second + wait)).is_ok());
                        }
                    }
                }
            }
        }
    }
}
