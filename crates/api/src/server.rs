//! Serving a router with bounds: how many connections, how long headers may take, how long an answer waits for
//! its reader, how long a drain lasts.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use keyward_web::Peer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

/// Most connections at once. People and their browsers share them; each idle one costs some 20 KiB.
pub const CONNECTIONS_MAX: usize = 1_024;
/// A client that has not sent its headers by then is slow on purpose.
const HEADER_READ_MAX: Duration = Duration::from_secs(15);
/// How long an answer may wait for a client that does not read on: longer than a phone is without a network on
/// its way through a tunnel. Whoever reads anything at all meanwhile keeps the connection.
const WRITE_STALL_MAX: Duration = Duration::from_secs(30);
/// Read buffer: well above the bound for headers, so that too much still gets a readable answer.
const BUFFER_LEN_MAX: usize = 512 * 1024;
/// Most headers: what gateways let pass by default is 100, and they add some of their own. Past this the connection ends with a
/// bare 431. Room is made for all of them with each request.
const HEADERS_MAX: usize = 128;
/// How long requests in flight may take to end once the process is asked to stop: longer than any honest one,
/// shorter than a service manager waits before it kills.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long accepting pauses after an error such as "too many open files", so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A router with a listener.
pub struct Server {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What answers them.
    pub router: Router,
    /// How many may be open at once; further ones wait in the listener's queue.
    pub connections_max: usize,
    /// What connections are secured with. `None`: they are not.
    pub tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// How long others are waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    write_stall_max: Duration,
    drain_max: Duration,
}

/// Serves until `stop` resolves; then takes no new connection, lets requests in flight end for a bounded time,
/// and cuts what is left.
pub async fn serve(server: Server, stop: impl Future<Output = ()>) {
    let patience = Patience { write_stall_max: WRITE_STALL_MAX, drain_max: DRAIN_MAX };
    serve_with(server, patience, stop).await;
}

async fn serve_with(server: Server, patience: Patience, stop: impl Future<Output = ()>) {
    let Server { listener, router, connections_max, tls } = server;
    let graceful = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(connections_max));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        // A place first: whoever does not get one waits in the listener's queue, where it costs nothing.
        let accepted = async {
            let place = Arc::clone(&free).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let (accepted, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
        };
        // Those that have ended are let go of here, so that the set stays as large as what is open.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                let mut stream = TimeoutStream::new(stream);
                stream.set_write_timeout(Some(patience.write_stall_max));
                let (router, tls, watcher) = (router.clone(), tls.clone(), graceful.watcher());
                connections.spawn(async move {
                    let ended = match tls {
                        None => watcher.watch(connection(Box::pin(stream), Peer(peer), router)).await,
                        Some(tls) => match secured(&tls, stream).await {
                            Ok(stream) => watcher.watch(connection(stream, Peer(peer), router)).await,
                            Err(error) => {
                                return tracing::debug!(%error, %peer, "a connection was not secured");
                            }
                        },
                    };
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drain(graceful, connections, patience.drain_max).await;
}

/// Waits for requests in flight, and cuts what is left.
async fn drain(graceful: GracefulShutdown, mut connections: JoinSet<()>, drain_max: Duration) {
    let drained = tokio::time::timeout(drain_max, async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        let cut = connections.len();
        tracing::warn!(cut, "some requests took too long to finish; their connections are cut");
        connections.shutdown().await;
    }
}

/// A connection with TLS, if the handshake is done in time.
async fn secured(
    tls: &TlsAcceptor,
    stream: TimeoutStream<TcpStream>,
) -> io::Result<Box<TlsStream<Pin<Box<TimeoutStream<TcpStream>>>>>> {
    let handshake = tls.accept(Box::pin(stream));
    let done = tokio::time::timeout(HEADER_READ_MAX, handshake).await;
    done.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(Box::new)
}

fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answered: Result<_, Infallible> = router.oneshot(request).await;
            answered
        }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_MAX)
        .max_buf_size(BUFFER_LEN_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

#[cfg(test)]
mod tests;
