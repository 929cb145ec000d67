//! What goes on while the server runs: the replica follows the store, and other servers are told which nodes decide.

use std::sync::Arc;
use std::time::Duration;

use keyward_service::feed::Registry;

use super::node::LocalNode;
use super::stop::Stop;

/// How often the store is asked for changes. Changes of this process are applied at once; this renews the
/// lease, and finds what another process wrote, also where the store cannot say so. An eighth of the lease, so that some may fail.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

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
            () = node.is_told_of_more() => {}
            () = &mut stop => return,
        }
    }
}

/// Notes down which nodes decide, and strikes off servers that are gone, until the server stops.
pub(super) async fn note(node: Arc<LocalNode>, registry: Arc<Registry>, stop: Stop) {
    let mut stop = std::pin::pin!(stop.asked());
    loop {
        tokio::select! {
            () = registry.is_due() => {}
            () = &mut stop => return,
        }
        let deciding = || node.deciding();
        let noted = registry.publish(node.verifier().replica().epoch(), &deciding).await;
        let noted = if noted.is_ok() { registry.strike_off_silent().await } else { noted };
        if let Err(error) = noted {
            tracing::warn!(%error, "the nodes of this server cannot be noted; receipts wait for their leases");
        }
    }
}
