//! How often keys may be used, as far as operations need it: a request with a key counts in the same meter as
//! this process's own data plane.

use jiff::Timestamp;
use keyward_core::rate::{OverLimit, Quota};
use keyward_core::secret::SecretDigest;

/// What counts how often keys are used.
pub trait Limits: Send + Sync + std::fmt::Debug {
    /// Counts a use of the key with this secret. `None`: nothing limits it.
    ///
    /// It is asked before the workspace of a request is known: of plans, it knows that of a workspace key's own
    /// workspace.
    fn take(&self, secret: &SecretDigest, now: Timestamp) -> Result<Option<Quota>, OverLimit>;
}
