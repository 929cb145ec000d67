//! Webhooks, as far as rules go: when a delivery is tried again, and when it is given up.

use jiff::{SignedDuration, Timestamp};

/// Seconds between one attempt and the next: quickly at first, for a receiver that restarts, then ever more slowly, for
/// one that somebody has to mend. Together three days, as the Standard Webhooks specification advises: a weekend.
pub const RETRY_AFTER_SECONDS: [u32; 11] =
    [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 72_000];
/// The longest that a receiver may ask to be left alone (`Retry-After`): as long as the longest pause. Whoever wants more is
/// asked once more, and says it again.
pub const PUT_OFF_MAX: SignedDuration = SignedDuration::from_secs(72_000);
/// Attempts of one delivery, the first included.
pub const ATTEMPTS_MAX: u32 = 12;
/// How much later an attempt may be than the table says, in percent: receivers of many must not be asked by all at once.
const JITTER_PERCENT: u32 = 20;
/// An endpoint that took nothing for this long is disabled with the first delivery that is given up: 70 hours are less
/// than all attempts of one delivery take.
pub const FAILING_MAX: SignedDuration = SignedDuration::from_hours(70);

/// Why an endpoint gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disabled {
    /// Somebody said so.
    Asked,
    /// It took nothing for three days.
    Failing,
    /// It answered 410 Gone.
    Gone,
}

impl Disabled {
    /// `asked`, `failing` or `gone`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }

    /// Back from its text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Asked, Self::Failing, Self::Gone].into_iter().find(|why| why.as_str() == text)
    }
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It was not taken yet, and is tried (again).
    Waiting,
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryStatus {
    /// `waiting`, `delivered` or `failed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Back from its text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed].into_iter().find(|status| status.as_str() == text)
    }
}

/// When a delivery is tried again after `attempts` that failed. `None`: no more. `chance` is a random byte.
pub fn retry_at(attempts: u32, now: Timestamp, chance: u8) -> Option<Timestamp> {
    let after = usize::try_from(attempts.checked_sub(1)?).ok().and_then(|at| RETRY_AFTER_SECONDS.get(at))?;
    let jitter_ms = u64::from(*after) * 10 * u64::from(JITTER_PERCENT) * u64::from(chance) / 255;
    let wait = u64::from(*after) * 1_000 + jitter_ms;
    now.checked_add(SignedDuration::from_millis(i64::try_from(wait).ok()?)).ok()
}

/// Until when a receiver is left alone that asked for it until `asked`. `None`: that is over.
pub fn put_off(asked: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let latest = now.checked_add(PUT_OFF_MAX).unwrap_or(Timestamp::MAX);
    Some(asked.min(latest)).filter(|until| *until > now)
}

/// Whether an endpoint that took nothing since `since` is to be disabled.
pub fn is_given_up(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| now.duration_since(since) >= FAILING_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(chance: u8) -> Vec<i64> {
        let now = Timestamp::UNIX_EPOCH;
        (1..ATTEMPTS_MAX).map(|attempts| retry_at(attempts, now, chance).unwrap().as_second()).collect()
    }

    #[test]
    fn attempts_go_on_for_three_days_ever_more_slowly() {
        let waits = waits(0);
        assert!(waits.is_sorted());
        let together = SignedDuration::from_secs(waits.iter().sum());
        assert!((SignedDuration::from_hours(70)..SignedDuration::from_hours(73)).contains(&together));
        assert!(together >= FAILING_MAX, "who took nothing is disabled when the first delivery is given up");
        assert_eq!(retry_at(ATTEMPTS_MAX, Timestamp::UNIX_EPOCH, 0), None);
        assert_eq!(retry_at(0, Timestamp::UNIX_EPOCH, 0), None, "nothing was tried");
    }

    #[test]
    fn attempts_are_a_little_later_by_chance() {
        for (early, late) in waits(0).into_iter().zip(waits(255)) {
            assert_eq!(late, early + early / 5);
        }
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_within_a_bound() {
        let now = Timestamp::UNIX_EPOCH;
        let longest = SignedDuration::from_secs(RETRY_AFTER_SECONDS.into_iter().max().unwrap().into());
        assert_eq!(PUT_OFF_MAX, longest);
        assert_eq!(
            put_off(now + SignedDuration::from_secs(60), now),
            Some(now + SignedDuration::from_secs(60))
        );
        assert_eq!(put_off(now + SignedDuration::from_hours(1_000), now), Some(now + longest));
        assert_eq!(
            put_off(Timestamp::MAX, Timestamp::MAX - SignedDuration::from_secs(1)),
            Some(Timestamp::MAX)
        );
        assert_eq!(put_off(now, now), None);
        assert_eq!(put_off(Timestamp::MIN, now), None);
    }

    #[test]
    fn an_endpoint_is_given_up_when_it_took_nothing_for_long() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(100);
        assert!(!is_given_up(None, now));
        assert!(!is_given_up(Some(now - SignedDuration::from_hours(69)), now));
        assert!(is_given_up(Some(now - SignedDuration::from_hours(70)), now));
    }
}
