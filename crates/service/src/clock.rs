//! The one door through which the time comes in.

use std::fmt;

use jiff::Timestamp;

/// What the time is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present, to the millisecond: what is stored and what is shown are then the same.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// Milliseconds since the epoch, for identifiers. Times before 1970 count as its beginning.
pub fn unix_ms(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or(0)
}
