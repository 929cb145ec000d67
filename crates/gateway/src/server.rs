//! Connections: how many, how long, and how they end.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::bounds::{
    ACCEPT_PAUSE, DRAIN_MAX, HEAD_BUFFER_MAX, HEAD_LEN_MAX, HEAD_READ_MAX, HEADERS_MAX,
    HTTP2_CONNECTIONS_MAX, HTTP2_PING_EVERY, HTTP2_PING_MAX, HTTP2_STREAMS_MAX,
};
use crate::ext_authz;
use crate::gateway::Gateway;
use crate::gathered::Gathered;
use crate::head_timer::HeadTimer;
use crate::proxy::Proxy;

/// What a connection starts with that speaks HTTP/2 at once (RFC 9113, section 3.4). No method of HTTP/1.1 has this name.
const HTTP2_PREFACE: &[u8; 4] = b"PRI ";
/// How long to wait for the rest of such a start when only some of it is there; then twice as long, and so on. An honest rest
/// comes with the next packet. Of a thousand that stop after a first `P`, each must be no work.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);
/// The longest of these pauses: one look a second at whoever goes on saying nothing, until [`HEAD_READ_MAX`] ends it.
const PREFACE_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Serves the doors of the data plane until `shutdown` is done; then takes no new connection, lets requests in flight finish for at most
/// [`DRAIN_MAX`], and returns how many connections had to be cut.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> usize {
    let connections_max = gateway.settings.connections_max;
    accept(Face::Doors(gateway), connections_max, listener, shutdown).await
}

/// Serves the reverse proxy, as [`serve`] does the doors.
pub async fn serve_proxy(
    proxy: Arc<Proxy>,
    connections_max: usize,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> usize {
    accept(Face::Proxy(proxy), connections_max, listener, shutdown).await
}

/// What a listener shows.
#[derive(Clone)]
enum Face {
    Doors(Arc<Gateway>),
    Proxy(Arc<Proxy>),
}

impl Face {
    fn gateway(&self) -> &Arc<Gateway> {
        match self {
            Self::Doors(gateway) => gateway,
            Self::Proxy(proxy) => &proxy.gateway,
        }
    }
}

async fn accept(
    face: Face,
    connections_max: usize,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> usize {
    let free = Arc::new(Semaphore::new(connections_max));
    let free_http2 = Arc::new(Semaphore::new(HTTP2_CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    // Dropped when the server stops.
    let (open, stopping) = watch::channel(());
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
                let connection = Connection {
                    face: face.clone(),
                    stream,
                    peer: peer.ip().to_canonical(),
                    free_http2: Arc::clone(&free_http2),
                    stopping: stopping.clone(),
                    _place: place,
                };
                connections.spawn(connection.serve(&graceful));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((listener, open));
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
    face: Face,
    stream: TcpStream,
    peer: IpAddr,
    free_http2: Arc<Semaphore>,
    stopping: watch::Receiver<()>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// The task of the connection; it is registered with `graceful` before it first runs.
    fn serve(self, graceful: &GracefulShutdown) -> impl Future<Output = ()> + Send + use<> {
        let watcher = graceful.watcher();
        async move {
            let gateway = Arc::clone(self.face.gateway());
            let _counted = gateway.metrics.connection();
            match self.face.clone() {
                Face::Doors(gateway) => self.serve_doors(gateway, watcher).await,
                Face::Proxy(proxy) => self.serve_proxy(&proxy, watcher).await,
            }
        }
    }

    async fn serve_doors(mut self, gateway: Arc<Gateway>, watcher: Watcher) {
        let speaks_http2 = tokio::select! {
            speaks_http2 = tokio::time::timeout(HEAD_READ_MAX, speaks_http2(&self.stream)) => speaks_http2,
            // One that has asked nothing when the server stops is owed nothing.
            _ = self.stopping.changed() => return,
        };
        match speaks_http2 {
            Ok(Ok(false)) => self.serve_http1(&gateway, watcher).await,
            Ok(Ok(true)) => self.serve_http2(gateway, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a connection ended before it asked anything"),
            Err(_) => {}
        }
    }

    async fn serve_http1(self, gateway: &Gateway, watcher: Watcher) {
        let peer = self.peer;
        let service = service_fn(async |request| Ok::<_, Infallible>(gateway.handle(peer, request).await));
        let connection = http1().serve_connection(guarded(gateway, self.stream), service);
        note(watcher.watch(connection).await);
    }

    async fn serve_proxy(self, proxy: &Proxy, watcher: Watcher) {
        let peer = self.peer;
        let service = service_fn(async |request| Ok::<_, Infallible>(proxy.handle(peer, request).await));
        let connection = http1().serve_connection(guarded(&proxy.gateway, self.stream), service);
        note(watcher.watch(connection).await);
    }

    async fn serve_http2(self, gateway: Arc<Gateway>, watcher: Watcher) {
        let Ok(_place) = self.free_http2.try_acquire() else {
            tracing::warn!("too many connections speak HTTP/2; one more is closed");
            return;
        };
        let (stream, peer) = (guarded(&gateway, self.stream), self.peer);
        let service = service_fn(move |request| ext_authz::handle(Arc::clone(&gateway), peer, request));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_LEN_MAX).unwrap_or(u32::MAX))
            .keep_alive_interval(HTTP2_PING_EVERY)
            .keep_alive_timeout(HTTP2_PING_MAX)
            .serve_connection(stream, service);
        note(watcher.watch(connection).await);
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(HeadTimer::default()).header_read_timeout(HEAD_READ_MAX);
    builder.max_buf_size(HEAD_BUFFER_MAX).max_headers(HEADERS_MAX);
    builder
}

/// Whether the connection begins as HTTP/2 does. Nothing is taken from it, and nearly always one look will do.
async fn speaks_http2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut pause = PREFACE_PAUSE;
    loop {
        let mut start = [0; HTTP2_PREFACE.len()];
        let count = stream.peek(&mut start).await?;
        match start.get(..count) {
            Some(start) if count > 0 && HTTP2_PREFACE.starts_with(start) => {
                if count == HTTP2_PREFACE.len() {
                    return Ok(true);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PREFACE_PAUSE_MAX);
            }
            _ => return Ok(false),
        }
    }
}

/// The stream, which ends where its other end does not read on.
fn guarded(gateway: &Gateway, stream: TcpStream) -> TokioIo<Pin<Box<TimeoutStream<Gathered<TcpStream>>>>> {
    let mut stream = TimeoutStream::new(Gathered(stream));
    stream.set_write_timeout(Some(gateway.settings.write_stall_max));
    TokioIo::new(Box::pin(stream))
}

fn note(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        // Its text says what was wrong with the protocol, and nothing of what was sent.
        tracing::debug!(%error, "a connection ended early");
    }
}
