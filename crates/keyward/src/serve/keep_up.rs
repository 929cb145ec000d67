//! What goes on while the server runs: the replica follows the store.

use std::sync::Arc;
use std::time::Duration;

use super::node::LocalNode;
use super::stop::Stop;

/// How often the store is asked for changes. Changes of this process are applied at once; this renews the
/// lease, and finds what another process wrote. An eighth of the lease, so that some may fail.
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
            () = &mut stop => return,
        }
    }
}
