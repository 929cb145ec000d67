//! The meter of a key: how many of its questions were let through in this minute.
//!
//! It is a window and a count in one word, so that counting takes no lock and no memory. A window of sixty seconds
//! begins with the first question of a key that has none open: a fresh one has its whole limit, and a minute later it
//! has it again.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use keyward_core::rate::{OverLimit, Quota, RequestsPerMinute, WINDOW_SECONDS};

/// Length of a window.
const WINDOW: u64 = WINDOW_SECONDS as u64;
/// Bits of the count: they hold [`RequestsPerMinute::MAX`]. The rest is the second that the window began in.
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// How far the clock may step back, in seconds, before what was counted is forgotten: a minute's correction, and
/// threads that read the clock in one order and count in another.
const STEP_BACK_MAX: u64 = 64;

const _: () = assert!(RequestsPerMinute::MAX as u64 <= COUNT_MASK);

/// Counts what is let through: `[window's start in seconds since 1970: 40][count: 24]`.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Window and count, as they are now.
    pub(crate) fn packed(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a question, if the limit lets it through. One that is refused is not counted.
    pub(crate) fn take(&self, limit: RequestsPerMinute, now: Timestamp) -> Result<Quota, OverLimit> {
        let read = |packed| Window::of(packed, now);
        let count = |packed| {
            let window = read(packed);
            (window.remaining(limit) > 0).then(|| window.counted().packed())
        };
        // The word is all there is: nothing else is ordered by it.
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) {
            Ok(before) => Ok(read(before).counted().quota(limit)),
            Err(before) => Err(OverLimit(read(before).quota(limit))),
        }
    }
}

/// A meter at one moment.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: u64,
    count: u64,
    /// Seconds since the start: less than [`WINDOW`].
    elapsed: u64,
}

impl Window {
    fn of(packed: u64, now: Timestamp) -> Self {
        let second = u64::try_from(now.as_second()).unwrap_or(0);
        let (start, count) = (packed >> COUNT_BITS, packed & COUNT_MASK);
        match second.checked_sub(start) {
            Some(elapsed) if elapsed < WINDOW => Self { start, count, elapsed },
            None if start - second <= STEP_BACK_MAX => Self { start, count, elapsed: 0 },
            Some(_) | None => Self { start: second, count: 0, elapsed: 0 },
        }
    }

    const fn packed(self) -> u64 {
        self.start << COUNT_BITS | self.count
    }

    fn counted(self) -> Self {
        Self { count: self.count + 1, ..self }
    }

    /// How many more would be let through now.
    fn remaining(&self, limit: RequestsPerMinute) -> u64 {
        u64::from(limit.get()).saturating_sub(self.count)
    }

    fn quota(&self, limit: RequestsPerMinute) -> Quota {
        let fitting = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Quota {
            limit,
            remaining: fitting(self.remaining(limit)),
            resets_in_seconds: fitting(WINDOW - self.elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn limit(number: u32) -> RequestsPerMinute {
        RequestsPerMinute::new(number).unwrap()
    }

    fn take_many(meter: &Meter, limit: RequestsPerMinute, second: i64, attempts: u32) -> u32 {
        (0..attempts).map(|_| u32::from(meter.take(limit, at(second)).is_ok())).sum()
    }

    #[test]
    fn cys_10_sixty_a_minute_then_none_until_the_minute_is_over() {
        let (meter, sixty) = (Meter::default(), limit(60));
        for n in 0..60 {
            let quota = meter.take(sixty, at(n / 2)).unwrap();
            assert_eq!(quota.remaining, 59 - u32::try_from(n).unwrap());
        }
        for second in [29, 45, 59] {
            let OverLimit(quota) = meter.take(sixty, at(second)).unwrap_err();
            let until = 60 - u32::try_from(second).unwrap();
            assert_eq!((quota.remaining, quota.resets_in_seconds), (0, until), "{second}");
        }
        assert_eq!(take_many(&meter, sixty, 60, 100), 60, "the next minute has its whole limit");
        assert_eq!(take_many(&meter, sixty, 119, 100), 0);
    }

    #[test]
    fn a_minute_begins_with_the_first_question_of_it() {
        let (meter, two) = (Meter::default(), limit(2));
        let quota = |second| meter.take(two, at(second)).unwrap();
        assert_eq!(quota(0), Quota { limit: two, remaining: 1, resets_in_seconds: 60 });
        assert_eq!(quota(20), Quota { limit: two, remaining: 0, resets_in_seconds: 40 });
        assert_eq!(quota(500), Quota { limit: two, remaining: 1, resets_in_seconds: 60 });
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
        assert!(meter.take(limit(5), at(10)).is_err());
        assert_eq!(take_many(&meter, limit(60), 11, 100), 10);
    }

    #[test]
    fn the_widest_limit_fits() {
        let (meter, widest) = (Meter::default(), limit(RequestsPerMinute::MAX));
        assert_eq!(take_many(&meter, widest, 0, RequestsPerMinute::MAX + 10), RequestsPerMinute::MAX);
        assert!(meter.take(widest, at(59)).is_err());
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

    proptest! {
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
        fn no_sixty_seconds_have_more_than_twice_the_limit_and_the_end_is_told_exactly(
            number in 1_u32..30,
            steps in prop::collection::vec((0_i64..90, 1_u32..40), 1..60),
        ) {
            let meter = Meter::default();
            let (mut second, mut through) = (0, Vec::new());
            for (step, attempts) in steps {
                second += step;
                for _ in 0..attempts {
                    let Err(OverLimit(quota)) = meter.take(limit(number), at(second)) else {
                        through.push(second);
                        continue;
                    };
                    let wait = i64::from(quota.resets_in_seconds);
                    prop_assert!((1..=60).contains(&wait));
                    let copy = Meter(AtomicU64::new(meter.0.load(Ordering::Relaxed)));
                    prop_assert!(copy.take(limit(number), at(second + wait - 1)).is_err());
                    prop_assert!(copy.take(limit(number), at(second + wait)).is_ok());
                }
            }
            for from in &through {
                let within = through.iter().filter(|s| (*from..from + 60).contains(*s)).count();
                prop_assert!(within <= 2 * number as usize, "{} of {}", within, number);
            }
        }
    }
}
