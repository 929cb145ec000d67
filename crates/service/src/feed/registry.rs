//! Notes down which nodes this server answers, and reads what the other servers of the store have noted: so a receipt of
//! any of them counts the nodes of all.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::lease::BootTime;
use keyward_storage::{NodeNote, Store, StoreError, SystemReason};
use tokio::sync::{Mutex as Turn, Notify};

use super::others::{ELSEWHERE_MAX, Others, RELIED_ON_FOR, Reported};
use super::roll::NodeId;
use crate::nodes::NodeReport;

/// How often a server says that it lives, and looks who does not any more: four of five beats of [`RELIED_ON_FOR`] may be
/// lost.
const BEAT_EVERY: Duration = Duration::from_secs(2);
/// The pause after a note: who changes things without a pause makes forty notes a second, and not a thousand.
const NOTE_PAUSE: Duration = Duration::from_millis(25);

/// What this server has noted.
#[derive(Debug, Default)]
struct Noted {
    beat: u64,
    /// Whether that is surely the beat that stands in the store.
    is_sure: bool,
    /// When the last write began that was committed.
    since: Option<BootTime>,
    /// By start.
    nodes: HashMap<String, NodeNote>,
}

/// The nodes of this server and of the others on its store.
pub struct Registry {
    store: Arc<dyn Store>,
    /// Drawn at the start of this process.
    server: String,
    /// What this server's own data plane is called.
    name: String,
    boot_time: fn() -> BootTime,
    noted: Mutex<Noted>,
    /// One write at a time: beats are in order.
    writing: Turn<()>,
    others: Mutex<Others>,
    /// One read at a time: those who wait find what the one before has read.
    looking: Turn<()>,
    changed: Notify,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Registry {
    /// Of the server that drew `server` at its start.
    pub fn new(store: Arc<dyn Store>, server: String, name: String, boot_time: fn() -> BootTime) -> Self {
        Self {
            store,
            server,
            name,
            boot_time,
            noted: Mutex::default(),
            writing: Turn::default(),
            others: Mutex::default(),
            looking: Turn::default(),
            changed: Notify::new(),
        }
    }

    /// Sees to it that these nodes, and this server's own data plane, stand in the notes. To be awaited before a read begins
    /// that may answer them: whoever commits a change after that read finds them.
    pub async fn hold(&self, nodes: &[NodeId]) -> Result<(), StoreError> {
        if self.holds(nodes) {
            return Ok(());
        }
        let _turn = self.writing.lock().await;
        if self.holds(nodes) {
            return Ok(());
        }
        let is_new = |node: &&NodeId| !self.noted().nodes.contains_key(&*node.start);
        let new: Vec<NodeNote> = nodes.iter().filter(is_new).map(|node| note(node, Epoch(0))).collect();
        self.write(new).await
    }

    /// A node has come further.
    pub fn changed(&self) {
        self.changed.notify_one();
    }

    /// Resolves when something is to be noted, or said that this server lives.
    pub async fn is_due(&self) {
        tokio::time::sleep(NOTE_PAUSE).await;
        tokio::select! {
            () = self.changed.notified() => {}
            () = tokio::time::sleep(BEAT_EVERY) => {}
        }
    }

    /// Notes how far this server's own data plane has come, and the nodes that `present` tells of: all that may be deciding
    /// on what they heard here. Others are struck off.
    pub async fn publish(
        &self,
        own: Epoch,
        present: &(dyn Fn() -> Vec<(NodeId, Epoch)> + Sync),
    ) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let (news, gone) = self.compare(own, present);
        if !gone.is_empty() {
            self.noted().is_sure = false;
        }
        if !news.is_empty() || !gone.is_empty() || !self.is_relied_on(BEAT_EVERY) {
            self.write(news).await?;
        }
        Ok(())
    }

    /// What is new and who is gone. The nodes are asked for while nobody can look at what is noted: one that is gone is
    /// noted again before it is answered again.
    fn compare(
        &self,
        own: Epoch,
        present: &(dyn Fn() -> Vec<(NodeId, Epoch)> + Sync),
    ) -> (Vec<NodeNote>, Vec<String>) {
        let mut noted = self.noted();
        let mut all: Vec<NodeNote> = present().iter().map(|(node, applied)| note(node, *applied)).collect();
        all.push(self.itself(own));
        let starts: HashSet<&str> = all.iter().map(|node| node.start.as_str()).collect();
        let gone: Vec<String> =
            noted.nodes.keys().filter(|start| !starts.contains(start.as_str())).cloned().collect();
        for start in &gone {
            noted.nodes.remove(start);
        }
        all.retain(|node| noted.nodes.get(&node.start) != Some(node));
        (all, gone)
    }

    /// This server's own data plane ends: whoever waits for all nodes need not wait for it. Nodes that were answered here go
    /// on deciding, and stay noted.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let mut tx = self.store.begin_system(SystemReason::Nodes).await?;
        tx.strike_nodes(&self.server, std::slice::from_ref(&self.server)).await?;
        tx.commit().await.map(drop)
    }

    /// Reads what the other servers have noted, unless that was read after `since` already.
    pub async fn look(&self, since: BootTime) -> Result<(), StoreError> {
        let _turn = self.looking.lock().await;
        if self.others().is_since(since) {
            return Ok(());
        }
        let began = (self.boot_time)();
        let mut view = self.store.view_system(SystemReason::Nodes).await?;
        let found = view.nodes_elsewhere(&self.server, ELSEWHERE_MAX + 1).await?;
        let found = (found.len() <= ELSEWHERE_MAX as usize).then_some(found);
        self.others().read(found, began, (self.boot_time)());
        Ok(())
    }

    /// Strikes off the servers that are gone.
    pub async fn strike_off_silent(&self) -> Result<(), StoreError> {
        let now = (self.boot_time)();
        self.look(BootTime(now.0.saturating_sub(u64::try_from(BEAT_EVERY.as_nanos()).unwrap_or(0)))).await?;
        let silent = self.others().silent(now);
        for (server, beat) in silent {
            let mut tx = self.store.begin_system(SystemReason::Nodes).await?;
            if tx.strike_server(&server, beat).await? {
                tracing::info!(server, "a server of this store is gone, and its nodes with it");
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Adds what the nodes of the other servers have made of a change to what is known of one's own.
    pub fn add_to(
        &self,
        own: Vec<Reported>,
        epoch: Epoch,
        grace: GraceSeconds,
        committed_by: BootTime,
    ) -> Vec<NodeReport> {
        self.others().add_to(own, epoch, grace, committed_by, (self.boot_time)())
    }

    fn holds(&self, nodes: &[NodeId]) -> bool {
        self.is_relied_on(RELIED_ON_FOR) && {
            let noted = self.noted();
            nodes.iter().all(|node| noted.nodes.contains_key(&*node.start))
        }
    }

    /// Whether it was noted less than so long ago that this server lives.
    fn is_relied_on(&self, lasts: Duration) -> bool {
        self.noted().since.is_some_and(|since| (self.boot_time)() < since.plus(lasts))
    }

    /// Writes what is new, or everything where it is not sure what stands in the store. The caller has the turn.
    async fn write(&self, news: Vec<NodeNote>) -> Result<(), StoreError> {
        let began = (self.boot_time)();
        let (before, is_sure) = {
            let mut noted = self.noted();
            // Until the end is known.
            (noted.beat, std::mem::take(&mut noted.is_sure))
        };
        let beat = before + 1;
        let mut tx = self.store.begin_system(SystemReason::Nodes).await?;
        if !(is_sure && tx.note_nodes(&self.server, before, beat, &news).await?) {
            let all = self.all_with(&news);
            tx.enrol_server(&self.server, beat, &all).await?;
        }
        tx.commit().await?;
        let mut noted = self.noted();
        (noted.beat, noted.is_sure, noted.since) = (beat, true, Some(began));
        noted.nodes.extend(news.into_iter().map(|node| (node.start.clone(), node)));
        Ok(())
    }

    /// All that was noted, and what is new; itself in any case.
    fn all_with(&self, news: &[NodeNote]) -> Vec<NodeNote> {
        let itself = self.itself(Epoch(0));
        let mut all = HashMap::from([(itself.start.clone(), itself)]);
        all.extend(self.noted().nodes.clone());
        all.extend(news.iter().map(|node| (node.start.clone(), node.clone())));
        all.into_values().collect()
    }

    fn itself(&self, applied: Epoch) -> NodeNote {
        NodeNote { start: self.server.clone(), name: self.name.clone(), applied }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(node: &NodeId, applied: Epoch) -> NodeNote {
    NodeNote { start: node.start.to_string(), name: node.name.to_string(), applied }
}
