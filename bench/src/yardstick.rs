//! The bare servers: one request, one small answer, and nothing in between.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Failure;

pub(crate) const HELLO: &str = "hello";

/// Serves on one thread until it is killed.
pub(crate) fn serve(kind: &str, port: &str) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let port: u16 = port.parse()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        match kind {
            "hyper" => bare_hyper(listener, HELLO).await,
            // For nginx, which lets go of the connection to whom it asks whether a request may pass if the answer has a body.
            "silent" => bare_hyper(listener, "").await,
            "axum" => {
                let routes = axum::Router::new().fallback(|| async { HELLO });
                Ok(axum::serve(
                    axum::serve::ListenerExt::tap_io(listener, |io| drop(io.set_nodelay(true))),
                    routes,
                )
                .await?)
            }
            _ => Err("there is hyper, silent, and axum".into()),
        }
    })
}

async fn bare_hyper(listener: TcpListener, said: &'static str) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let answer =
                async |_| Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(said.as_bytes()))));
            // Whoever hangs up ends it.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}
