//! The clock of the lease: it never goes back and counts while the machine sleeps.

use keyward_verifier::BootTime;
use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_BOOTTIME`. A pause by a hypervisor may escape it.
pub(crate) fn now() -> BootTime {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    BootTime(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}
