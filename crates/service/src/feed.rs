//! What replicas follow: a snapshot to begin with, then the changes after an epoch.

use keyward_core::change::{Changes, Epoch, State};
use keyward_storage::{Store, StoreError, SystemReason};

/// States that are read and applied together. A key is mostly some 500 bytes; one with as many rules, metadata and
/// as long a description as it may have is some 150 KB, so 64 are at most 10 MB.
const STATES_AT_ONCE: usize = 64;

/// Everything as it is, and the epoch that it is at.
pub async fn snapshot(store: &dyn Store, each: &mut (dyn FnMut(State) + Send)) -> Result<Epoch, StoreError> {
    store.view_system(SystemReason::Feed).await?.snapshot(each).await
}

/// Hands every change that was committed before this call and comes after an epoch to `each`, in parts, and returns
/// the epoch of the last. What goes on being changed meanwhile waits for the next call: so each call ends.
pub async fn changes_since(
    store: &dyn Store,
    after: Epoch,
    each: &mut (dyn FnMut(Changes) + Send),
) -> Result<Epoch, StoreError> {
    store.view_system(SystemReason::Feed).await?.changes_since(after, STATES_AT_ONCE, each).await
}
