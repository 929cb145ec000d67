//! What replicas follow: a snapshot to begin with, then the changes after a point.

mod desk;
mod others;
mod registry;
mod roll;
mod rounds;
mod window;

use keyward_core::change::{Changes, Epoch, Point, State};
use keyward_storage::{Store, StoreError, SystemReason, Tx};

pub use desk::{Answer, Asked, Desk, HOLD_MAX, Read};
pub use others::{ELSEWHERE_MAX, Others, RELIED_ON_FOR, Reported, STRUCK_OFF_AFTER};
pub use registry::Registry;
pub use roll::{NODES_MAX, NodeId, NodeSeen, Roll, SETTLED_AFTER};
pub use rounds::{Lent, Rounds, Unanswered, WriteState, Written};
pub use window::Batch;

/// States that are read and applied together. A key is mostly some 500 bytes; one with as many rules, metadata and
/// as long a description as it may have is some 150 KB, so 64 are at most 10 MB.
const STATES_AT_ONCE: usize = 64;

/// Up to where a store was told, all in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The last change that was told.
    pub up_to: Point,
    /// Whether decisions may rest on it. Not while a store that was put back from a backup waits for somebody to look at
    /// what came back: a node then goes on following, and accepts nothing.
    pub is_confirmed: bool,
}

/// Everything as it is, and where that is.
pub async fn snapshot(store: &dyn Store, each: &mut (dyn FnMut(State) + Send)) -> Result<Told, StoreError> {
    let mut tx = store.view_system(SystemReason::Feed).await?;
    let epoch = tx.snapshot(each).await?;
    told(tx.as_mut(), epoch).await
}

/// Hands every change that was committed before this call and comes after a point to `each`, in parts, and returns up
/// to where. What goes on being changed meanwhile waits for the next call: so each call ends.
///
/// `None`, and nothing is told: the store is not the one that was followed up to that point. It was put back from a
/// backup, or has lost changes otherwise. Who follows must forget all it knows, and begin with a snapshot.
pub async fn changes_since(
    store: &dyn Store,
    after: Point,
    each: &mut (dyn FnMut(Changes) + Send),
) -> Result<Option<Told>, StoreError> {
    let mut tx = store.view_system(SystemReason::Feed).await?;
    let before = told(tx.as_mut(), Epoch::default()).await?;
    let is_the_same = before.up_to.incarnation == after.incarnation && tx.last_epoch().await? >= after.epoch;
    if !is_the_same {
        return Ok(None);
    }
    let epoch = tx.changes_since(after.epoch, STATES_AT_ONCE, each).await?;
    Ok(Some(Told { up_to: Point { epoch, ..before.up_to }, ..before }))
}

pub(crate) async fn told(tx: &mut dyn Tx, epoch: Epoch) -> Result<Told, StoreError> {
    let life = tx.life().await?;
    let up_to = Point { incarnation: life.incarnation, epoch };
    Ok(Told { up_to, is_confirmed: life.confirmed_at.is_some() })
}
