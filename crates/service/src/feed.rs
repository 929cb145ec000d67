//! What replicas follow: a snapshot to begin with, then the changes after an epoch.

use keyward_core::change::{Changes, Epoch, State};
use keyward_storage::{Store, StoreError, SystemReason};

/// Most changes that one question is answered with: at some 500 bytes each, half a megabyte.
const CHANGES_MAX: u32 = 1_000;

/// Everything as it is, and the epoch that it is at.
pub async fn snapshot(store: &dyn Store, each: &mut (dyn FnMut(State) + Send)) -> Result<Epoch, StoreError> {
    store.view_system(SystemReason::Feed).await?.snapshot(each).await
}

/// The changes after an epoch, a bounded part of them. Ask again until `up_to` no longer moves.
pub async fn changes_since(store: &dyn Store, after: Epoch) -> Result<Changes, StoreError> {
    store.view_system(SystemReason::Feed).await?.changes_since(after, CHANGES_MAX).await
}
