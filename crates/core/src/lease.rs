//! The time of the protocol that bounds a revocation: how long a node may decide on what it has heard, and the
//! clock that this is counted on.

use std::time::Duration;

/// How long after it asked a node may accept on the answer. A revoke is to be in force everywhere within
/// five seconds of its acknowledgement (CYB-10): four here, the rest for [`USABLE_FOR_MS`], for the way of
/// the question and for clocks that run at slightly different rates.
pub const LEASE: Duration = Duration::from_secs(4);

/// How much longer than [`LEASE`] others wait before they say that a node's has ended: its clock may run slower
/// than theirs. A twentieth is a hundred times what two clocks of machines ever differ by.
pub const LEASE_MARGIN: Duration = Duration::from_millis(200);

/// How long an answer may be used, in milliseconds, counted from when its question was sent. Together with
/// [`LEASE`] it stays under five seconds with three quarters of one to spare.
pub const USABLE_FOR_MS: u64 = 250;

/// Within how many seconds of its acknowledgement a revoke is in force everywhere (CYB-10), where the workspace gives no
/// grace: what people are told, and what [`LEASE`] and [`USABLE_FOR_MS`] keep.
pub const PROMISE_SECONDS: u16 = 5;

/// Nanoseconds on a clock that never goes back and counts while the machine sleeps (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BootTime(pub u64);

impl BootTime {
    /// So much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// How long ago `earlier` was. Zero if it is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
