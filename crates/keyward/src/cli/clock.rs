//! What the time is: asked once in a command, and passed on as a value.

use jiff::Timestamp;
use keyward_service::clock::{Clock as _, SystemClock};

/// The present.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}
