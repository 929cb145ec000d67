//! This process's own data plane: a replica that is fed from the store directly.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::change::{Changes, Epoch, Incarnation, Point, State};
use keyward_core::grace::GraceSeconds;
use keyward_core::rate::{OverLimit, Quota};
use keyward_core::secret::SecretDigest;
use keyward_service::feed::{self, NodeId, Registry, Reported, Rounds, Told};
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
/// How often nodes are looked at while somebody waits for them all: a node says within some 30 ms what it applied. Where
/// the store has other servers, it is asked as often.
const SETTLE_LOOK_EVERY: Duration = Duration::from_millis(10);
/// Where the start of a node stands, for this process's own: no node draws it.
const ITSELF: &str = "itself";
/// Stands in receipts for gateway nodes that another process answered shortly before this one began, and that have
/// not asked here yet, and for those that are too many to be remembered: they may still be deciding on what they heard.
const NOT_ASKED_YET: &str = "(nodes not known here)";
/// How long a change that was heard of waits for others, which are then read together with it.
const WAKE_PAUSE: Duration = Duration::from_millis(10);

/// This process's own data plane.
#[derive(Debug)]
pub(super) struct LocalNode {
    name: String,
    store: Arc<dyn Store>,
    verifier: Verifier,
    /// The life of the store that the replica was filled from.
    incarnation: OnceLock<Incarnation>,
    /// What gateway nodes are answered by. `None`: there are none.
    rounds: Option<Arc<Rounds>>,
    /// The nodes of all servers of the store. `None`: there is no other server.
    registry: Option<Arc<Registry>>,
    /// One reader of the feed at a time: those who wait find their change applied by the one before.
    turn: Mutex<()>,
}

impl LocalNode {
    pub(super) fn new(name: String, store: Arc<dyn Store>, verifier: Verifier) -> Self {
        let incarnation = OnceLock::new();
        Self { name, store, verifier, incarnation, rounds: None, registry: None, turn: Mutex::new(()) }
    }

    /// With gateway nodes that follow this process, and with other servers on the store.
    pub(super) fn among(self, rounds: Option<Arc<Rounds>>, registry: Option<Arc<Registry>>) -> Self {
        Self { rounds, registry, ..self }
    }

    pub(super) fn rounds(&self) -> Option<Arc<Rounds>> {
        self.rounds.clone()
    }

    pub(super) fn registry(&self) -> Option<Arc<Registry>> {
        self.registry.clone()
    }

    /// The gateway nodes that may be deciding on what they heard here, and how far each has come.
    pub(super) fn deciding(&self) -> Vec<(NodeId, Epoch)> {
        let deciding = |rounds: &Arc<Rounds>| rounds.with_roll(|roll, now| roll.deciding(now));
        self.rounds.as_ref().map(deciding).unwrap_or_default()
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Fills the replica from the store. Until this is done the node decides nothing.
    pub(super) async fn load(&self) -> Result<(), StoreError> {
        let asked_at = boot_clock::now();
        self.stand_in_the_notes().await?;
        let replica = self.verifier.replica();
        let mut part: Vec<State> = Vec::with_capacity(SNAPSHOT_PART);
        let told = feed::snapshot(self.store.as_ref(), &mut |state| {
            part.push(state);
            if part.len() == SNAPSHOT_PART {
                // States of a snapshot are older than every change that follows it.
                replica.put(Epoch(0), part.drain(..));
            }
        })
        .await?;
        let Point { incarnation, epoch } = told.up_to;
        replica.put(Epoch(0), part);
        replica.complete(epoch);
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

    /// Waits until the store says that it has more than the replica, after whoever changed it had the time to apply it here
    /// themselves.
    pub(super) async fn is_told_of_more(&self) {
        loop {
            let epoch = self.store.heard_beyond(self.verifier.replica().epoch()).await;
            tokio::time::sleep(WAKE_PAUSE).await;
            if !self.has(epoch) {
                return;
            }
        }
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
        self.stand_in_the_notes().await?;
        let after = self
            .incarnation
            .get()
            .map(|incarnation| Point { incarnation: *incarnation, epoch: replica.epoch() });
        let after = after.ok_or_else(|| StoreError::Unavailable("it was not loaded yet".to_owned()))?;
        // It has come as far as the last part only once all are there: till then none of them gives grace.
        let mut put = |Changes { up_to, states }| replica.put(up_to, states);
        let told = feed::changes_since(self.store.as_ref(), after, &mut put).await?;
        let Some(told) = told else {
            // What the replica knows may never have been. It cannot be emptied while it is asked: a new process can.
            self.verifier.lease().end();
            let why =
                "it was put back from a backup or has lost changes under the running server; restart it";
            return Err(StoreError::Unavailable(why.to_owned()));
        };
        replica.complete(told.up_to.epoch);
        self.hear(asked_at, told);
        if let Some(registry) = self.registry.as_ref().filter(|_| replica.epoch() > after.epoch) {
            registry.changed();
        }
        Ok(())
    }

    /// Awaited between looking at the clock and reading: whoever commits what that read does not find must find this node.
    async fn stand_in_the_notes(&self) -> Result<(), StoreError> {
        match &self.registry {
            Some(registry) => registry.hold(&[]).await,
            None => Ok(()),
        }
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
        if let Some(rounds) = &self.rounds {
            rounds.committed();
        }
        while !self.has(epoch) {
            let followed = self.follow_to(epoch).await;
            if followed.is_ok() && !self.has(epoch) {
                tracing::error!(epoch = epoch.0, "a committed change is not in the store's feed");
                return;
            }
            if let Err(error) = followed {
                tracing::warn!(%error, epoch = epoch.0, "a change could not be applied yet");
                let lease = self.verifier.lease();
                if !lease.is_live(boot_clock::now()) {
                    // Nor may anything be accepted in a grace that follows it.
                    lease.end();
                    return;
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    async fn report(&self, epoch: Epoch, grace: GraceSeconds) -> Vec<NodeReport> {
        let committed_by = boot_clock::now();
        self.report_since(epoch, grace, committed_by, committed_by).await
    }

    /// Nodes are looked at again and again: what they say comes in with their next questions, and leases end by
    /// themselves.
    async fn settle(&self, epoch: Epoch, grace: GraceSeconds, within: Duration) -> Vec<NodeReport> {
        let committed_by = boot_clock::now();
        loop {
            let report = self.report_since(epoch, grace, committed_by, boot_clock::now()).await;
            let pending = report.iter().any(|node| node.state == NodeState::Pending);
            if !pending || boot_clock::now().since(committed_by) >= within {
                return report;
            }
            tokio::time::sleep(SETTLE_LOOK_EVERY).await;
        }
    }
}

impl LocalNode {
    /// What every node has made of a change that was committed before `committed_by`. Of the nodes of other servers, as it
    /// stood in the store at `seen` or later.
    async fn report_since(
        &self,
        epoch: Epoch,
        grace: GraceSeconds,
        committed_by: BootTime,
        seen: BootTime,
    ) -> Vec<NodeReport> {
        // Before a store that was put back is confirmed it does not know what was chosen after its backup.
        let is_known = !self.verifier.lease().is_withheld();
        let grace = if is_known { grace } else { GraceSeconds::LONGEST };
        if let Some(registry) = &self.registry
            && let Err(error) = registry.look(seen).await
        {
            // The report then says that nodes may be missing.
            tracing::warn!(%error, "the nodes of other servers cannot be read");
        }
        let own = self.report_own(epoch, grace, committed_by);
        match &self.registry {
            Some(registry) => registry.add_to(own, epoch, grace, committed_by),
            None => own.into_iter().map(|Reported { report, .. }| report).collect(),
        }
    }

    /// The same of this process's data plane and of the nodes that follow it.
    fn report_own(&self, epoch: Epoch, grace: GraceSeconds, committed_by: BootTime) -> Vec<Reported> {
        let mut own = vec![Reported { start: ITSELF.to_owned(), report: self.report_itself(epoch, grace) }];
        if let Some(rounds) = &self.rounds {
            rounds.with_roll(|roll, now| {
                roll.forget(now);
                own.extend(roll.report(epoch, grace, committed_by, now));
                if !roll.knows_all(grace, committed_by, now) {
                    let (node, state) = (NOT_ASKED_YET.to_owned(), NodeState::Pending);
                    let report = NodeReport { node, state, applied: Epoch::default() };
                    own.push(Reported { start: NOT_ASKED_YET.to_owned(), report });
                }
            });
        }
        own
    }

    fn report_itself(&self, epoch: Epoch, grace: GraceSeconds) -> NodeReport {
        let state = if self.has(epoch) {
            NodeState::Applied
        } else if self.verifier.lease().is_live_with(grace, boot_clock::now()) {
            NodeState::Pending
        } else {
            NodeState::LeaseExpired
        };
        NodeReport { node: self.name.clone(), state, applied: self.verifier.replica().epoch() }
    }
}

impl Limits for LocalNode {
    /// The replica counts for both planes. A key that another process has just made is not in it yet, for at most
    /// as long as the replica is behind: until then nothing limits it.
    fn take(&self, secret: &SecretDigest, now: Timestamp) -> Result<Option<Quota>, OverLimit> {
        self.verifier.replica().count_use(secret, now)
    }
}
