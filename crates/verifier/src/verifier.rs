//! Replica and lease together: the only way to a permit.

use std::sync::Arc;

use jiff::Timestamp;

use crate::lease::{BootTime, Lease};
use crate::question::{Permit, Question, Refusal};
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

    /// Decides. `boot_time` is read after everything else: however long the thread was held up on the way,
    /// nothing is answered on a lease that has ended meanwhile.
    pub fn verify(
        &self,
        question: &Question<'_>,
        now: Timestamp,
        boot_time: impl FnOnce() -> BootTime,
    ) -> Result<Permit, Refusal> {
        let answer = self.replica.decide(question, now);
        if self.replica.is_loaded() && self.lease.is_live(boot_time()) { answer } else { Err(Refusal::Stale) }
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
