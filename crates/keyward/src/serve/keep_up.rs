//! What goes on while the server runs: the replica follows the store, and uses of keys are written down.

use std::sync::Arc;
use std::time::Duration;

use keyward_service::Service;
use keyward_verifier::UseQueue;

use super::node::LocalNode;
use super::stop::Stop;

/// How often the store is asked for changes. Changes of this process are applied at once; this renews the
/// lease, and finds what another process wrote. An eighth of the lease, so that some may fail.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// How often uses are written: last used is readable within a second.
const WRITE_EVERY: Duration = Duration::from_millis(250);
/// Uses that are taken out of the data plane's queue at once.
const USES_AT_ONCE: usize = 16 * 1_024;

/// Follows the store until the server stops.
pub(super) async fn follow(node: Arc<LocalNode>, stop: Stop) {
    let mut stop = std::pin::pin!(stop.asked());
    let mut was_reachable = true;
    loop {
        let followed = node.follow().await;
        match &followed {
            Ok(()) if !was_reachable => tracing::info!("the store is readable again"),
            Err(error) if was_reachable => {
                tracing::error!(%error, "the store cannot be read; decisions end with the lease");
            }
            Ok(()) | Err(_) => {}
        }
        was_reachable = followed.is_ok();
        tokio::select! {
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
            () = &mut stop => return,
        }
    }
}

/// Writes uses down until the server stops.
pub(super) async fn write_uses(service: Arc<Service>, uses: Arc<UseQueue>, stop: Stop) {
    let mut stop = std::pin::pin!(stop.asked());
    loop {
        flush(&service, &uses).await;
        tokio::select! {
            () = tokio::time::sleep(WRITE_EVERY) => {}
            () = &mut stop => return,
        }
    }
}

/// Writes down what waits now. Only successes count as uses (CYB-11).
pub(super) async fn flush(service: &Service, uses: &UseQueue) {
    loop {
        let batch = uses.take_batch(USES_AT_ONCE);
        if batch.is_empty() {
            break;
        }
        for used in batch.iter().filter(|used| used.code == "valid") {
            service.uses.note(used.key, used.secret, used.at, used.ip);
        }
    }
    if let Err(error) = service.uses.flush(service.store.as_ref()).await {
        tracing::warn!(%error, "uses of keys could not be written yet");
    }
}
