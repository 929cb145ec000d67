//! How often a key may be used: the limit, and what a question about it leaves.

use std::fmt;

use crate::field::{FieldCode, FieldError};

/// How long a window is, in seconds: limits are said by the minute.
pub const WINDOW_SECONDS: u32 = 60;

/// How many requests a minute a key may make: 1 to [`Self::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestsPerMinute(u32);

impl RequestsPerMinute {
    /// The widest limit: what twenty bits of a meter can count. At 16,000 requests a second of one key, a limit by
    /// the minute is not what keeps others from being crowded out.
    pub const MAX: u32 = 1_000_000;

    /// Takes a number. `None` where it is no limit.
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 && number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// Takes what somebody wrote into `field`.
    pub fn parse(field: &str, number: u64) -> Result<Self, FieldError> {
        u32::try_from(number).ok().and_then(Self::new).ok_or_else(|| {
            let code = if number == 0 { FieldCode::TooSmall } else { FieldCode::TooLarge };
            FieldError::new(
                field,
                code,
                format!("give a number of requests a minute from 1 to {}", Self::MAX),
            )
        })
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The one that counts among several: the smallest. `None`: there is no limit.
    pub fn smallest(limits: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        limits.into_iter().flatten().min()
    }
}

impl fmt::Display for RequestsPerMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key has left of its limit, once a question was counted or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The limit.
    pub limit: RequestsPerMinute,
    /// How many more would be let through now.
    pub remaining: u32,
    /// With something left: when the window ends. With nothing left: when the next one is let through. At
    /// least 1.
    pub resets_in_seconds: u32,
}

/// The key asks too often. The question was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the API key may make {} requests a minute and has made them; try again in {} seconds", .0.limit, .0.resets_in_seconds)]
pub struct OverLimit(pub Quota);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_from_one_to_a_million() {
        for (number, code) in [
            (0, Some(FieldCode::TooSmall)),
            (1, None),
            (1_000_000, None),
            (1_000_001, Some(FieldCode::TooLarge)),
            (u64::MAX, Some(FieldCode::TooLarge)),
        ] {
            let parsed = RequestsPerMinute::parse("requests_per_minute", number);
            assert_eq!(parsed.err().map(|error| error.code), code, "{number}");
        }
    }

    #[test]
    fn the_smallest_of_several_counts() {
        let limit = RequestsPerMinute::new;
        assert_eq!(RequestsPerMinute::smallest([limit(60), None, limit(10), limit(100)]), limit(10));
        assert_eq!(RequestsPerMinute::smallest([None, None]), None);
    }
}
