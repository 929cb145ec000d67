//! How long a replica may be relied on without hearing from the store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use keyward_core::grace::GraceSeconds;
use keyward_core::lease::{BootTime, LEASE};

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
        self.ends.fetch_max(asked_at.plus(LEASE).0, Ordering::AcqRel);
    }

    /// Until when what is read from now on may be accepted. To be asked before anything is read: a lease that is
    /// renewed meanwhile is renewed for newer knowledge than what was read.
    pub fn until(&self) -> Until {
        Until(self.ends.load(Ordering::Acquire))
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
        self.until().covers(now)
    }

    /// Whether it, and so much grace after it, cover `now`.
    pub fn is_live_with(&self, grace: GraceSeconds, now: BootTime) -> bool {
        self.until().covers_with(grace, now)
    }

    /// How long ago the question was sent whose answer renewed it last. `None`: none did, or it was ended.
    pub fn age(&self, now: BootTime) -> Option<Duration> {
        let ends = self.ends.load(Ordering::Acquire);
        let lease = BootTime(0).plus(LEASE).0;
        (ends > 0).then(|| now.since(BootTime(ends.saturating_sub(lease))))
    }

    /// What is left of it at `now`.
    pub fn left(&self, now: BootTime) -> Duration {
        Duration::from_nanos(self.ends.load(Ordering::Acquire).saturating_sub(now.0))
    }
}

/// The end of a lease as it was when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(u64);

impl Until {
    /// Whether it was to last longer than until `now`.
    pub const fn covers(self, now: BootTime) -> bool {
        now.0 < self.0
    }

    /// Whether it, and so much grace after it, were to last longer than until `now`. A lease that never was, or that was
    /// ended, has nothing after it.
    pub fn covers_with(self, grace: GraceSeconds, now: BootTime) -> bool {
        self.0 > 0 && now < BootTime(self.0).plus(grace.duration())
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
        assert_eq!(lease.age(BootTime(20 * SECOND)), Some(Duration::from_secs(10)));
        assert_eq!(Lease::unanswered().age(BootTime(SECOND)), None);
    }

    #[test]
    fn a_late_answer_to_an_old_question_changes_nothing() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(10 * SECOND));
        lease.renew(BootTime(3 * SECOND));
        assert_eq!(lease.left(BootTime(10 * SECOND)), LEASE);
    }

    #[test]
    fn what_was_read_under_an_old_lease_is_not_covered_by_its_renewal() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(SECOND));
        let until = lease.until();
        lease.renew(BootTime(4 * SECOND));
        assert!(until.covers(BootTime(5 * SECOND - 1)));
        assert!(!until.covers(BootTime(5 * SECOND)) && lease.is_live(BootTime(5 * SECOND)));
    }

    #[test]
    fn an_ended_lease_covers_nothing_until_it_is_answered_again() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(SECOND));
        lease.end();
        assert!(!lease.is_live(BootTime(SECOND)));
        lease.renew(BootTime(SECOND));
        assert!(lease.is_live(BootTime(SECOND)));
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
    fn grace_follows_a_lease_and_nothing_else() {
        let grace = GraceSeconds::new(60).unwrap();
        let lease = Lease::unanswered();
        assert!(
            !lease.is_live_with(grace, BootTime(SECOND)),
            "a machine that has just started was never answered"
        );
        lease.renew(BootTime(10 * SECOND));
        assert!(lease.is_live_with(grace, BootTime(74 * SECOND - 1)));
        assert!(!lease.is_live_with(grace, BootTime(74 * SECOND)));
        assert!(!lease.is_live_with(GraceSeconds::NONE, BootTime(14 * SECOND)));
        lease.end();
        assert!(!lease.is_live_with(grace, BootTime(11 * SECOND)));
        lease.renew(BootTime(10 * SECOND));
        lease.withhold();
        assert!(!lease.is_live_with(grace, BootTime(11 * SECOND)));
    }

    #[test]
    fn an_answer_that_comes_too_late_gives_nothing() {
        let lease = Lease::unanswered();
        lease.renew(BootTime(SECOND));
        assert!(!lease.is_live(BootTime(6 * SECOND)));
    }
}
