//! This process's own data plane: a replica that is fed from the store directly.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::change::{Changes, Epoch, Incarnation, Point, State};
use keyward_core::rate::{OverLimit, Quota};
use keyward_core::secret::SecretDigest;
use keyward_service::feed::{self, Told};
use keyward_service::limits::Limits;
use keyward_service::nodes::{NodeReport, NodeState, Nodes};
use keyward_storage::{Store, StoreError};
use keyward_verifier::{BootTime, Verifier};
use tokio::sync::{Mutex, MutexGuard};

use super::boot_clock;

/// States of a snapshot that are applied together.
const SNAPSHOT_PART: usize = 1_024;
/// How long to wait before the store is asked again for a change that must be applied.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// This process's own data plane.
#[derive(Debug)]
pub(super) struct LocalNode {
    name: String,
    store: Arc<dyn Store>,
    verifier: Verifier,
    /// The life of the store that the replica was filled from.
    incarnation: OnceLock<Incarnation>,
    /// One reader of the feed at a time: those who wait find their change applied by the one before.
    turn: Mutex<()>,
}

impl LocalNode {
    pub(super) fn new(name: String, store: Arc<dyn Store>, verifier: Verifier) -> Self {
        Self { name, store, verifier, incarnation: OnceLock::new(), turn: Mutex::new(()) }
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Fills the replica from the store. Until this is done the node decides nothing.
    pub(super) async fn load(&self) -> Result<(), StoreError> {
        let asked_at = boot_clock::now();
        let replica = self.verifier.replica();
        let mut part: Vec<State> = Vec::with_capacity(SNAPSHOT_PART);
        // States of a snapshot are older than every change that follows it.
        let apply = |part: &mut Vec<State>, up_to: Epoch| {
            replica.apply(Changes { up_to, states: std::mem::take(part) });
        };
        let told = feed::snapshot(self.store.as_ref(), &mut |state| {
            part.push(state);
            if part.len() == SNAPSHOT_PART {
                apply(&mut part, Epoch(0));
            }
        })
        .await?;
        let Point { incarnation, epoch } = told.up_to;
        apply(&mut part, epoch);
        self.incarnation.get_or_init(|| incarnation);
        tracing::info!(%incarnation, epoch = epoch.0, keys = replica.keys_len(), "replica loaded");
        self.hear(asked_at, told);
        Ok(())
    }

    /// What the store said to a question that was sent at `asked_at`, once all that it told is applied.
    fn hear(&self, asked_at: BootTime, told: Told) {
        let lease = self.verifier.lease();
        let was_withheld = lease.is_withheld();
        if told.is_confirmed {
            lease.renew(asked_at);
        } else {
            lease.withhold();
        }
        match (was_withheld, lease.is_withheld()) {
            (false, true) => tracing::warn!(
                "the store was put back from a backup; nothing is accepted until `keyward store confirm`"
            ),
            (true, false) => tracing::info!("the store was confirmed; decisions go on"),
            (true, true) | (false, false) => {}
        }
    }

    /// Applies every change that was committed before this call, and renews the lease.
    pub(super) async fn follow(&self) -> Result<(), StoreError> {
        let turn = self.turn.lock().await;
        self.follow_in(&turn).await
    }

    /// The same up to one epoch, unless whoever had the turn before came as far.
    async fn follow_to(&self, epoch: Epoch) -> Result<(), StoreError> {
        let turn = self.turn.lock().await;
        if self.has(epoch) { Ok(()) } else { self.follow_in(&turn).await }
    }

    /// What is changed while this reads is not waited for: whoever changes things without a pause must not keep the
    /// lease from being renewed.
    async fn follow_in(&self, _turn: &MutexGuard<'_, ()>) -> Result<(), StoreError> {
        let replica = self.verifier.replica();
        // The lease counts from before the store is read.
        let asked_at = boot_clock::now();
        let after = self
            .incarnation
            .get()
            .map(|incarnation| Point { incarnation: *incarnation, epoch: replica.epoch() });
        let after = after.ok_or_else(|| StoreError::Unavailable("it was not loaded yet".to_owned()))?;
        let told = feed::changes_since(self.store.as_ref(), after, &mut |part| replica.apply(part)).await?;
        let Some(told) = told else {
            // What the replica knows may never have been. It cannot be emptied while it is asked: a new process can.
            self.verifier.lease().end();
            let why =
                "it was put back from a backup or has lost changes under the running server; restart it";
            return Err(StoreError::Unavailable(why.to_owned()));
        };
        self.hear(asked_at, told);
        Ok(())
    }

    fn has(&self, epoch: Epoch) -> bool {
        self.verifier.replica().epoch() >= epoch
    }
}

#[async_trait]
impl Nodes for LocalNode {
    /// A store that cannot be read is asked again, until the change is applied or the lease has run out:
    /// then nothing is accepted any more.
    async fn catch_up(&self, epoch: Epoch) {
        while !self.has(epoch) {
            let followed = self.follow_to(epoch).await;
            if followed.is_ok() && !self.has(epoch) {
                tracing::error!(epoch = epoch.0, "a committed change is not in the store's feed");
                return;
            }
            if let Err(error) = followed {
                tracing::warn!(%error, epoch = epoch.0, "a change could not be applied yet");
                if !self.verifier.lease().is_live(boot_clock::now()) {
                    return;
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    fn report(&self, epoch: Epoch) -> Vec<NodeReport> {
        let state = if self.has(epoch) {
            NodeState::Applied
        } else if self.verifier.lease().is_live(boot_clock::now()) {
            NodeState::Pending
        } else {
            NodeState::LeaseExpired
        };
        vec![NodeReport { node: self.name.clone(), state, applied: self.verifier.replica().epoch() }]
    }
}

impl Limits for LocalNode {
    /// The replica counts for both planes. A key that another process has just made is not in it yet, for at most
    /// as long as the replica is behind: until then nothing limits it.
    fn take(&self, secret: &SecretDigest, now: Timestamp) -> Result<Option<Quota>, OverLimit> {
        self.verifier.replica().count_use(secret, now)
    }
}
