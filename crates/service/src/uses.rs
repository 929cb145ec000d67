//! Where uses of keys go, as far as the control plane needs it: into the same queue as those of this process's own data
//! plane, off the way of the request.

use keyward_core::usage::Use;

/// What takes uses of keys. It never waits: what it has no room for it drops and counts.
pub trait Uses: Send + Sync + std::fmt::Debug {
    /// Takes one.
    fn put(&self, used: Use);
}
