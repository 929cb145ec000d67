//! How long keys of a workspace may live at most, as those chose who manage its settings.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::field::{FieldCode, FieldError};

/// Whole days that a key may live from when somebody makes it: 1 to [`Self::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LifetimeDays(u16);

impl LifetimeDays {
    /// The longest: ten years. Whoever wants longer wants no bound.
    pub const MAX: u16 = 3_650;

    /// Takes a number. `None` where there is no such choice.
    pub const fn new(days: u16) -> Option<Self> {
        if 1 <= days && days <= Self::MAX { Some(Self(days)) } else { None }
    }

    /// Takes what somebody wrote into `field`.
    pub fn parse(field: &str, days: u64) -> Result<Self, FieldError> {
        u16::try_from(days).ok().and_then(Self::new).ok_or_else(|| {
            let code = if days == 0 { FieldCode::TooSmall } else { FieldCode::TooLarge };
            let message = format!("give a number of days from 1 to {}", Self::MAX);
            FieldError::new(field, code, message)
        })
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The same in seconds.
    pub fn seconds(self) -> u64 {
        u64::from(self.0) * 86_400
    }

    /// When a key ends at the latest that is made `now`.
    pub fn last_end(self, now: Timestamp) -> Timestamp {
        now.checked_add(SignedDuration::from_hours(24 * i64::from(self.0))).unwrap_or(Timestamp::MAX)
    }

    /// Refuses an end that is later than that, and none.
    pub fn check(self, end: Option<Timestamp>, now: Timestamp) -> Result<(), Overlong> {
        match end {
            Some(end) if end <= self.last_end(now) => Ok(()),
            end => Err(Overlong { most: self, last: self.last_end(now), end }),
        }
    }
}

impl fmt::Display for LifetimeDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = if self.0 == 1 { "day" } else { "days" };
        write!(f, "{} {days}", self.0)
    }
}

/// A key would live for longer than its workspace allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlong {
    /// What is allowed.
    pub most: LifetimeDays,
    /// The latest end that is.
    pub last: Timestamp,
    /// The end that is not. `None`: it would have none.
    pub end: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn a_lifetime_is_a_day_to_ten_years() {
        for good in [1, 30, 3_650] {
            assert_eq!(u64::from(LifetimeDays::parse("days", good).unwrap().get()), good);
        }
        for (bad, code) in
            [(0, FieldCode::TooSmall), (3_651, FieldCode::TooLarge), (u64::MAX, FieldCode::TooLarge)]
        {
            let error = LifetimeDays::parse("days", bad).unwrap_err();
            assert_eq!((&*error.field, error.code), ("days", code));
        }
    }

    #[test]
    fn a_key_may_end_with_its_last_second_and_not_after_it() {
        let most = LifetimeDays::new(2).unwrap();
        let last = at(172_800).unwrap();
        for good in [at(-1), at(1), Some(last)] {
            assert_eq!(most.check(good, NOW), Ok(()));
        }
        for end in [at(172_801), None] {
            assert_eq!(most.check(end, NOW), Err(Overlong { most, last, end }));
        }
        assert_eq!(most.last_end(Timestamp::MAX), Timestamp::MAX, "past the end of the calendar");
    }
}
