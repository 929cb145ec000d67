//! Replica and lease together: the only way to a permit.

use std::sync::Arc;

use jiff::Timestamp;
use keyward_core::lease::BootTime;

use crate::lease::Lease;
use crate::question::{Permit, Question, Refusal, grace};
use crate::replica::Replica;

/// Answers questions about keys.
#[derive(Debug, Clone)]
pub struct Verifier {
    replica: Arc<Replica>,
    lease: Arc<Lease>,
}

impl Verifier {
    /// Relies on `replica` as long as `lease` is live.
    pub const fn new(replica: Arc<Replica>, lease: Arc<Lease>) -> Self {
        Self { replica, lease }
    }

    /// Decides. The end of the lease is looked up before everything else, and `boot_time` is read after it: however
    /// long the thread was held up on the way, nothing is accepted that was known later than the lease lasted, not
    /// even if the lease was renewed meanwhile for newer knowledge.
    pub fn verify(
        &self,
        question: &Question<'_>,
        now: Timestamp,
        boot_time: impl FnOnce() -> BootTime,
    ) -> Result<Permit, Refusal> {
        let until = self.lease.until();
        let load = self.replica.load();
        let answer = self.replica.decide(question, now);
        let now = boot_time();
        // A replica that was emptied on the way gives no answer at all: it would call good keys unknown.
        let is_whole = load.is_some() && self.replica.load() == load;
        // Only the answer tells whose key it was, and so how much longer than the lease it may be said.
        let grace = grace(&answer);
        // The second look is for a lease that was ended on the way.
        let is_covered = until.covers_with(grace, now) && self.lease.is_live_with(grace, now);
        if is_whole && is_covered { answer } else { Err(Refusal::Stale) }
    }

    /// Whether it may answer at all.
    pub fn is_ready(&self, boot_time: BootTime) -> bool {
        self.replica.is_loaded() && self.lease.is_live(boot_time)
    }

    /// What it knows.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// How long it may rely on that.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }
}
