//! Being asked to stop: SIGTERM from a service manager, SIGINT from a keyboard.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::Failure;

/// Whether the process was asked to stop. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for the signals from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (asked, receiver) = watch::channel(false);
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let [terminate, interrupt] = signals;
        let broken = |error| Failure::failed(format!("signals cannot be heard: {error}"));
        let (mut terminate, mut interrupt) = (terminate.map_err(broken)?, interrupt.map_err(broken)?);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("asked to stop; letting requests in flight end");
            // Nobody listens any more only when everything has ended.
            let _ = asked.send(true);
            // Kept until the process ends, so that nobody mistakes its absence for the signal.
            std::future::pending::<()>().await;
        });
        Ok(Self(receiver))
    }

    /// Resolves once the process was asked to stop.
    pub(crate) async fn asked(mut self) {
        // An error would mean that the signals are no longer heard: then stopping is right as well.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}
