//! Connections: how many, how long, and how they end.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::bounds::{ACCEPT_PAUSE, DRAIN_MAX, HEAD_BUFFER_MAX, HEAD_READ_MAX, HEADERS_MAX};
use crate::gateway::Gateway;

/// Serves until `shutdown` is done; then takes no new connection, lets requests in flight finish for at most
/// [`DRAIN_MAX`], and returns how many connections had to be cut.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> usize {
    let free = Arc::new(Semaphore::new(gateway.settings.connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // A place first: whoever does not get one waits in the listener's queue, where it costs nothing.
        let accepted = async {
            let place = Arc::clone(&free).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let (accepted, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
        };
        // Those that have ended are let go of here, so that the set stays as large as what is open.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                // Answers are small and whole: waiting for more to send only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
                let connection = Connection { gateway: Arc::clone(&gateway), stream, peer, place };
                connections.spawn(connection.serve(&graceful));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drain(graceful, connections).await
}

/// Waits for requests in flight, cuts what is left, and says how many that were.
async fn drain(graceful: GracefulShutdown, mut connections: JoinSet<()>) -> usize {
    let drained = tokio::time::timeout(DRAIN_MAX, async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    });
    if drained.await.is_ok() {
        return 0;
    }
    let cut = connections.len();
    tracing::warn!(cut, "some requests took too long to finish; their connections are cut");
    connections.shutdown().await;
    cut
}

struct Connection {
    gateway: Arc<Gateway>,
    stream: tokio::net::TcpStream,
    peer: std::net::SocketAddr,
    place: OwnedSemaphorePermit,
}

impl Connection {
    /// The task of the connection; it is registered with `graceful` before it first runs.
    fn serve(self, graceful: &GracefulShutdown) -> impl Future<Output = ()> + Send + use<> {
        let Self { gateway, stream, peer, place } = self;
        let peer = peer.ip().to_canonical();
        let watcher = graceful.watcher();
        async move {
            let _place = place;
            let _counted = gateway.metrics.connection();
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(gateway.settings.write_stall_max));
            let service = service_fn(|request| {
                let gateway = &gateway;
                async move { Ok::<_, Infallible>(gateway.handle(peer, request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_READ_MAX)
                .max_buf_size(HEAD_BUFFER_MAX)
                .max_headers(HEADERS_MAX)
                .serve_connection(TokioIo::new(Box::pin(stream)), service);
            if let Err(error) = watcher.watch(connection).await {
                // Its text says what was wrong with the protocol, and nothing of what was sent.
                tracing::debug!(%error, "a connection ended early");
            }
        }
    }
}
