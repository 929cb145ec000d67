//! A connection to a control plane, kept from question to question.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, IF_RANGE, RANGE, USER_AGENT};
use http::request::Builder;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Endpoint, Feed, NoAnswer};

/// Longest explanation of a refusal that is read.
const REFUSAL_LEN_MAX: usize = 16 * 1024;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("keyward/", env!("CARGO_PKG_VERSION")));

/// A connection. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    send: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn unreachable(error: impl std::fmt::Display) -> NoAnswer {
    NoAnswer::Unreachable(error.to_string())
}

/// The connection that is there, or a new one.
pub(super) async fn ready<'a>(
    connection: &'a mut Option<Connection>,
    feed: &Feed,
    endpoint: &Endpoint,
) -> Result<&'a mut Connection, NoAnswer> {
    let is_open = match connection.as_mut() {
        Some(open) => open.send.ready().await.is_ok(),
        None => false,
    };
    if !is_open {
        *connection = Some(connect(feed, endpoint).await?);
    }
    connection.as_mut().ok_or_else(|| unreachable("it was closed"))
}

async fn connect(feed: &Feed, endpoint: &Endpoint) -> Result<Connection, NoAnswer> {
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    if !endpoint.secure {
        return handshake(stream).await;
    }
    let name = ServerName::try_from(endpoint.host.clone()).map_err(unreachable)?;
    let secured = TlsConnector::from(feed.tls.clone()).connect(name, stream).await;
    handshake(secured.map_err(unreachable)?).await
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Connection, NoAnswer> {
    let (send, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    let driver = tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "the connection to a control plane ended");
        }
    });
    Ok(Connection { send, driver })
}

/// The rest of what has begun to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest<'a> {
    /// Of what.
    pub(super) etag: &'a HeaderValue,
    /// From which byte on.
    pub(super) from: u64,
}

fn request(feed: &Feed, endpoint: &Endpoint, method: Method, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, format!("{}:{}", endpoint.host, endpoint.port))
        .header(AUTHORIZATION, feed.authorization.clone())
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/x-ndjson, application/gzip")
}

impl Connection {
    pub(super) async fn get(
        &mut self,
        feed: &Feed,
        endpoint: &Endpoint,
        path: &str,
        rest: Option<Rest<'_>>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let mut request = request(feed, endpoint, Method::GET, path);
        if let Some(Rest { etag, from }) = rest {
            request = request.header(IF_RANGE, etag).header(RANGE, format!("bytes={from}-"));
        }
        self.send(request, Vec::new()).await
    }

    pub(super) async fn post(
        &mut self,
        feed: &Feed,
        endpoint: &Endpoint,
        path: &str,
        json: Vec<u8>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        self.send(request(feed, endpoint, Method::POST, path), json).await
    }

    async fn send(&mut self, request: Builder, body: Vec<u8>) -> Result<Response<Incoming>, NoAnswer> {
        let request = request.body(Full::new(Bytes::from(body))).map_err(unreachable)?;
        let response = self.send.send_request(request).await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = Limited::new(response.into_body(), REFUSAL_LEN_MAX).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let problem = serde_json::from_slice::<keyward_wire::problem::Problem>(&body);
        let detail = problem.map(|problem| problem.detail).unwrap_or_default();
        Err(NoAnswer::Refused { status: status.as_u16(), detail })
    }
}
