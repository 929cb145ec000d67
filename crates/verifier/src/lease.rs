//! How long a replica may be relied on without hearing from the store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long after it asked a node may accept on the answer. A revoke is to be in force everywhere within
/// five seconds of its acknowledgement (CYB-10): four here, the rest for [`USABLE_FOR_MS`], for the way of
/// the question and for clocks that run at slightly different rates.
pub const LEASE: Duration = Duration::from_secs(4);

/// How long an answer may be used, in milliseconds, counted from when its question was sent. Together with
/// [`LEASE`] it stays under five seconds with three quarters of one to spare.
pub const USABLE_FOR_MS: u64 = 250;

/// Nanoseconds on a clock that never goes back and counts while the machine sleeps (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(pub u64);

impl BootTime {
    fn plus(self, duration: Duration) -> u64 {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_add(nanos)
    }
}

/// The right to accept, until a moment. A new lease was never answered, and gives none.
#[derive(Debug, Default)]
pub struct Lease {
    /// The first nanosecond that it no longer covers.
    ends: AtomicU64,
    /// Whether the last answer was that nothing may be accepted.
    withheld: AtomicBool,
}

impl Lease {
    /// A lease that was never answered.
    pub const fn unanswered() -> Self {
        Self { ends: AtomicU64::new(0), withheld: AtomicBool::new(false) }
    }

    /// A question sent at `asked_at` was answered, with every change committed before it was read, and all
    /// of them have been applied. Time of sending, not of receiving: an answer may have been long on its
    /// way. An older question never shortens a lease.
    pub fn renew(&self, asked_at: BootTime) {
        self.withheld.store(false, Ordering::Release);
        self.ends.fetch_max(asked_at.plus(LEASE), Ordering::AcqRel);
    }

    /// The question was answered: the store was put back from a backup, and nothing may be accepted until somebody has
    /// looked at what came back. Nor on an answer that was heard before. One task asks, and hears the answers in the order
    /// of its questions.
    pub fn withhold(&self) {
        self.end();
        self.withheld.store(true, Ordering::Release);
    }

    /// What was heard so far is no longer worth anything.
    pub fn end(&self) {
        self.ends.store(0, Ordering::Release);
    }

    /// Whether the last answer was that nothing may be accepted.
    pub fn is_withheld(&self) -> bool {
        self.withheld.load(Ordering::Acquire)
    }

    /// Whether it covers `now`.
    pub fn is_live(&self, now: BootTime) -> bool {
        now.0 < self.ends.load(Ordering::Acquire)
    }

    /// What is left of it at `now`.
    pub fn left(&self, now: BootTime) -> Duration {
        Duration::from_nanos(self.ends.load(Ordering::Acquire).saturating_sub(now.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_lease_that_was_never_answered_gives_nothing() {
        assert!(!Lease::unanswered().is_live(BootTime(0)));
    }

    #[test]
    fn cyb_10_a_lease_lasts_four_seconds_from_asking() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(10 * SECOND));
        assert!(lease.is_live(BootTime(14 * SECOND - 1)));
        assert!(!lease.is_live(BootTime(14 * SECOND)));
        assert_eq!(lease.left(BootTime(13 * SECOND)), Duration::from_secs(1));
        assert_eq!(lease.left(BootTime(20 * SECOND)), Duration::ZERO);
    }

    #[test]
    fn a_late_answer_to_an_old_question_changes_nothing() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(10 * SECOND));
        lease.renew(BootTime(3 * SECOND));
        assert_eq!(lease.left(BootTime(10 * SECOND)), LEASE);
    }

    #[test]
    fn a_lease_that_is_withheld_ends_at_once_until_it_is_renewed() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(10 * SECOND));
        lease.withhold();
        assert!(lease.is_withheld() && !lease.is_live(BootTime(10 * SECOND)));
        lease.renew(BootTime(11 * SECOND));
        assert!(!lease.is_withheld() && lease.is_live(BootTime(12 * SECOND)));
        lease.end();
        assert!(!lease.is_withheld() && !lease.is_live(BootTime(12 * SECOND)));
    }

    #[test]
    fn an_answer_that_comes_too_late_gives_nothing() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(SECOND));
        assert!(!lease.is_live(BootTime(6 * SECOND)));
    }
}
