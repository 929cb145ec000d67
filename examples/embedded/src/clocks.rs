//! What the verifier asks its program for: two clocks, and numbers that nobody can guess.

use std::fs::File;
use std::io::Read as _;

use jiff::Timestamp;
use keyward_verifier::BootTime;
use rustix::time::{ClockId, clock_gettime};

#[expect(
    clippy::disallowed_methods,
    reason = "this program is no part of Keyward, and has its own door of time"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// `CLOCK_BOOTTIME`: it never goes back, and counts while the machine sleeps.
pub(crate) fn boot_time() -> BootTime {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    BootTime(seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0)))
}

pub(crate) fn random() -> Option<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)).ok()?;
    Some(u64::from_be_bytes(bytes))
}
