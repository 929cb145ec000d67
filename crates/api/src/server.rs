//! Serving a router with bounds: how many connections, how long headers may take, how long a drain lasts.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use keyward_web::Peer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// Most connections at once. People and their browsers share them; each idle one costs some 20 KiB.
const CONNECTIONS_MAX: usize = 1_024;
/// A client that has not sent its headers by then is slow on purpose.
const HEADER_READ_MAX: Duration = Duration::from_secs(15);
/// Read buffer: well above the bound for headers, so that too much still gets a readable answer.
const BUFFER_LEN_MAX: usize = 512 * 1024;
/// Most headers, for the same reason; past this the connection ends with a bare 431.
const HEADERS_MAX: usize = 1_024;
/// How long requests in flight may take to end once the process is asked to stop.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// A router with a listener.
#[derive(Debug)]
pub struct Server {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What answers them.
    pub router: Router,
}

/// Serves until `stop` resolves, then lets requests in flight end.
pub async fn serve(server: Server, stop: impl Future<Output = ()>) {
    let Server { listener, router } = server;
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = std::pin::pin!(stop);
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to come back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(stream, Peer(peer), router.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let _ = stream.set_nodelay(true);
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
