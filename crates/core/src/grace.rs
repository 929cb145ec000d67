//! How much longer than a lease lasts nodes go on deciding about the keys of one workspace: what its admins chose, and what
//! nodes may still go by that have not heard of a later choice.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::field::{FieldCode, FieldError};
use crate::lease::{LEASE, LEASE_MARGIN};

/// How much the clocks of servers that share a store may differ, and be put back: a choice of one of them is told the time
/// by another's.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(10);

/// Seconds of grace: 0 to [`Self::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GraceSeconds(u16);

impl GraceSeconds {
    /// None: nodes decide nothing once their lease is over.
    pub const NONE: Self = Self(0);
    /// The longest. Five minutes bridge the restart of a control plane or the change-over of a database, and a revoked key
    /// is out everywhere before somebody who was called has looked. What clocks gain or lose in it stays within the
    /// fraction of a second that a lease leaves of the five that are promised.
    pub const MAX: u16 = 300;
    /// The longest, as a choice.
    pub const LONGEST: Self = Self(Self::MAX);

    /// Takes a number. `None` where it is too large.
    pub const fn new(seconds: u16) -> Option<Self> {
        if seconds <= Self::MAX { Some(Self(seconds)) } else { None }
    }

    /// Takes what somebody wrote into `field`.
    pub fn parse(field: &str, seconds: u64) -> Result<Self, FieldError> {
        u16::try_from(seconds).ok().and_then(Self::new).ok_or_else(|| {
            let message = format!("give a number of seconds from 0 to {}", Self::MAX);
            FieldError::new(field, FieldCode::TooLarge, message)
        })
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether there is any.
    pub const fn is_some(self) -> bool {
        self.0 > 0
    }

    /// How long it is.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }

    /// How long others wait beyond a lease, and its margin, before they say that nobody goes on: a node's clock may run
    /// slower than theirs, by as much as the margin of a lease allows for.
    pub fn waited_for(self) -> Duration {
        let duration = self.duration();
        let margin = duration.as_millis() * LEASE_MARGIN.as_millis() / LEASE.as_millis();
        duration.saturating_add(Duration::from_millis(u64::try_from(margin).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for GraceSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The grace of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grace {
    /// What was chosen last.
    pub seconds: GraceSeconds,
    /// A longer one that was chosen before, while nodes may still go by it.
    pub earlier: Option<EarlierGrace>,
}

/// A grace that was shortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierGrace {
    /// How long it was.
    pub seconds: GraceSeconds,
    /// From when on no node goes by it any more: each has heard of the later choice by then, or decides nothing.
    pub until: Timestamp,
}

impl Grace {
    /// No grace, and none before.
    pub const NONE: Self = Self { seconds: GraceSeconds::NONE, earlier: None };

    /// Another choice, which is made `now`.
    #[must_use]
    pub fn choose(self, seconds: GraceSeconds, now: Timestamp) -> Self {
        let longest = self.in_force(now);
        if seconds >= longest {
            return Self { seconds, earlier: None };
        }
        let known = self.earlier.map(|earlier| earlier.until).filter(|until| now < *until);
        let last = (seconds < self.seconds).then(|| now + goes_on_for(self.seconds));
        let until = known.max(last);
        Self { seconds, earlier: until.map(|until| EarlierGrace { seconds: longest, until }) }
    }

    /// What is known of it in a store that was put back from a backup `now`: nodes may go by any that was chosen since.
    #[must_use]
    pub fn put_back(self, now: Timestamp) -> Self {
        let seconds = GraceSeconds::LONGEST;
        Self { earlier: Some(EarlierGrace { seconds, until: now + goes_on_for(seconds) }), ..self }
    }

    /// The longest that a node may go by, of what was revoked at `now`.
    pub fn in_force(self, now: Timestamp) -> GraceSeconds {
        let earlier = self.earlier.filter(|earlier| now < earlier.until).map(|earlier| earlier.seconds);
        earlier.map_or(self.seconds, |earlier| earlier.max(self.seconds))
    }
}

/// How long a node may go by a grace that it was told of just before.
fn goes_on_for(seconds: GraceSeconds) -> SignedDuration {
    let lease = LEASE.saturating_add(LEASE_MARGIN).saturating_add(seconds.waited_for());
    SignedDuration::try_from(lease).unwrap_or(SignedDuration::MAX).saturating_add(CLOCKS_DIFFER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seconds(number: u16) -> GraceSeconds {
        GraceSeconds::new(number).unwrap()
    }

    #[test]
    fn grace_is_five_minutes_at_the_most() {
        assert_eq!(GraceSeconds::parse("grace_seconds", 0).unwrap(), GraceSeconds::NONE);
        assert_eq!(GraceSeconds::parse("grace_seconds", 300).unwrap(), seconds(300));
        for bad in [301, 65_536, u64::MAX] {
            let error = GraceSeconds::parse("grace_seconds", bad).unwrap_err();
            assert_eq!((&*error.field, error.code), ("grace_seconds", FieldCode::TooLarge));
        }
    }

    #[test]
    fn a_grace_that_was_shortened_is_in_force_until_no_node_can_go_by_it() {
        let lax = Grace::NONE.choose(seconds(60), at(0));
        assert_eq!(lax, Grace { seconds: seconds(60), earlier: None });
        let strict = lax.choose(GraceSeconds::NONE, at(100));
        assert_eq!(strict.seconds, GraceSeconds::NONE);
        assert_eq!(strict.in_force(at(164)), seconds(60), "4 s and 60 s later somebody may still go by it");
        assert_eq!(strict.in_force(at(178)), GraceSeconds::NONE);
    }

    #[test]
    fn shortening_again_forgets_nothing_and_prolongs_nothing_that_was_not_chosen_since() {
        let first = Grace::NONE.choose(seconds(300), at(0)).choose(seconds(10), at(100));
        let until = first.earlier.unwrap().until;
        let second = first.choose(GraceSeconds::NONE, at(200));
        assert_eq!(second.earlier, Some(EarlierGrace { seconds: seconds(300), until }));
        let late = first.choose(GraceSeconds::NONE, at(410));
        assert_eq!(late.in_force(at(423)), seconds(300), "both may be gone by");
        let over = first.choose(GraceSeconds::NONE, at(1_000));
        assert_eq!((over.in_force(at(1_010)), over.in_force(at(1_030))), (seconds(10), GraceSeconds::NONE));
    }

    #[test]
    fn after_a_store_was_put_back_nodes_may_go_by_any_grace_for_as_long_as_one_can_last() {
        let back = Grace::NONE.put_back(at(0));
        assert_eq!((back.seconds, back.in_force(at(319))), (GraceSeconds::NONE, seconds(300)));
        assert_eq!(back.in_force(at(330)), GraceSeconds::NONE);
        assert_eq!(back.choose(seconds(10), at(1)).in_force(at(2)), seconds(300));
    }

    #[test]
    fn a_longer_choice_is_in_force_at_once() {
        let strict = Grace::NONE.choose(seconds(60), at(0)).choose(GraceSeconds::NONE, at(1));
        assert_eq!(strict.choose(seconds(90), at(2)), Grace { seconds: seconds(90), earlier: None });
        let between = strict.choose(seconds(30), at(2));
        assert_eq!((between.seconds, between.in_force(at(3))), (seconds(30), seconds(60)));
        assert_eq!(between.earlier, strict.earlier, "what was shortened ends when it did");
    }
}
