//! One attempt to send an event: look the host up, see that its address may be asked, connect to that address and to no
//! other, ask, and read the beginning of the answer. Redirects are not followed: they are answers like others, and failures.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use keyward_core::network::{HookUrl, Host, Reach};
use keyward_service::Service;
use keyward_service::deliver::{Attempt, Claimed, Signed, sign};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::cli::Failure;

/// Longest attempt as a whole, the name's look-up included: Standard Webhooks asks receivers to answer within 15 seconds
/// and to work afterwards; ten leave room within the claim (`LEASE`).
const ATTEMPT_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a connection: a host that takes longer is not there.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read: enough to see what a receiver complains about.
const RESPONSE_LEN_MAX: usize = 1_024;
/// Longest complaint that is kept.
const ERROR_LEN_MAX: usize = 300;
/// Headers of an answer, in bytes: what common servers send is a tenth.
const HEAD_LEN_MAX: usize = 16 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// What sends.
pub(in crate::serve) struct Sender {
    tls: TlsConnector,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// What a receiver answered.
struct Answer {
    status: StatusCode,
    beginning: Box<str>,
}

impl Sender {
    /// Trusts the certificates that the machine trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
    pub(super) fn new() -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::warn!(
                "this machine trusts no certificate authority: events reach no webhook at https://"
            );
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::failed(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends an event once, and tells what came of it.
    pub(super) async fn send(&self, service: &Service, claimed: &Claimed) -> Attempt {
        let (at, began) = (service.clock.now(), Instant::now());
        let answered = match sign(service, claimed, at) {
            Ok(signed) => {
                within(ATTEMPT_MAX, self.ask(&service.reach, claimed, signed), "the receiver took").await
            }
            Err(why) => Err(why),
        };
        let duration_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        match answered {
            Ok(answer) => Attempt {
                at,
                duration_ms,
                status: Some(answer.status.as_u16()),
                error: complaint(answer.status),
                response: Some(answer.beginning).filter(|beginning| !beginning.is_empty()),
            },
            Err(why) => {
                Attempt { at, duration_ms, status: None, error: Some(cut(&why).into()), response: None }
            }
        }
    }

    async fn ask(&self, reach: &Reach, claimed: &Claimed, signed: Signed) -> Result<Answer, String> {
        let url = HookUrl::parse(&claimed.webhook.url).map_err(|why| format!("the address {why}"))?;
        // The operator may have changed what is allowed since it was written.
        url.check(reach).map_err(|why| format!("the address {why}"))?;
        let stream = connect(reach, &url).await?;
        let request = request(&url, claimed, signed)?;
        if !url.https {
            return exchange(stream, request).await;
        }
        let name = match &url.host {
            Host::Ip(address) => ServerName::from(*address),
            Host::Name(name) => ServerName::try_from(name.to_string())
                .map_err(|_| "the host is no name that a certificate could have".to_owned())?,
        };
        let stream = self.tls.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
        exchange(stream, request).await
    }
}

/// Connects to an address that may be asked, and is the one that was looked at.
async fn connect(reach: &Reach, url: &HookUrl) -> Result<TcpStream, String> {
    let addresses = allowed(reach, url, resolve(url).await?)?;
    let mut last = String::new();
    for address in addresses.into_iter().take(ADDRESSES_MAX) {
        let connecting = async { TcpStream::connect(address).await.map_err(|error| error.to_string()) };
        match within(CONNECT_MAX, connecting, "the host took").await {
            Ok(stream) => {
                // Requests are small, and whole when they are written.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(why) => last = format!("cannot connect to {address}: {why}"),
        }
    }
    Err(last)
}

async fn resolve(url: &HookUrl) -> Result<Vec<IpAddr>, String> {
    match &url.host {
        Host::Ip(address) => Ok(vec![*address]),
        Host::Name(name) => {
            let found = tokio::net::lookup_host((&**name, url.port)).await;
            let found = found.map_err(|error| format!("the host {name} cannot be looked up: {error}"))?;
            Ok(found.map(|address| address.ip()).collect())
        }
    }
}

/// The addresses of a host that may be asked. Whoever controls a name can point it to any address, at any time.
fn allowed(reach: &Reach, url: &HookUrl, found: Vec<IpAddr>) -> Result<Vec<SocketAddr>, String> {
    let Some(first) = found.first().copied() else {
        return Err(format!("the host {} has no address", url.host));
    };
    let allowed: Vec<_> = found.into_iter().filter(|address| reach.allows(*address)).collect();
    if allowed.is_empty() {
        return Err(format!(
            "refused: {} is at {first}, in a private network; the operator may allow that (webhooks.allowed_networks)",
            url.host
        ));
    }
    Ok(allowed.into_iter().map(|address| SocketAddr::new(address, url.port)).collect())
}

fn request(url: &HookUrl, claimed: &Claimed, signed: Signed) -> Result<Request<Full<Bytes>>, String> {
    Request::post(&*url.path)
        .header(HOST, url.authority())
        .header(USER_AGENT, concat!("keyward/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", signed.id)
        .header("webhook-timestamp", signed.timestamp)
        .header("webhook-signature", signed.signature)
        .body(Full::new(Bytes::copy_from_slice(claimed.payload.as_bytes())))
        .map_err(|error| format!("the request cannot be written: {error}"))
}

/// Asks over a connection of its own, which ends with the answer.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broke = |error: hyper::Error| format!("the exchange broke off: {error}");
    let mut client = hyper::client::conn::http1::Builder::new();
    client.max_buf_size(HEAD_LEN_MAX);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(broke)?;
    let mut connection = std::pin::pin!(connection);
    let asking = async {
        let response = sender.send_request(request).await.map_err(broke)?;
        let status = response.status();
        Ok(Answer { status, beginning: beginning(response.into_body()).await })
    };
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        // What the connection had to say comes out of the request.
        _ = &mut connection => asking.await,
    }
}

/// The beginning of a body, as text. What breaks off later is no matter: the status has come.
async fn beginning(mut body: Incoming) -> Box<str> {
    let mut read = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        let room = RESPONSE_LEN_MAX.saturating_sub(read.len());
        read.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if read.len() >= RESPONSE_LEN_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&read).into()
}

fn complaint(status: StatusCode) -> Option<Box<str>> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some("the receiver answered with a redirect, which is not followed".into()),
        410 => Some("the receiver wants nothing any more (410 Gone)".into()),
        other => Some(format!("the receiver answered {other}").into()),
    }
}

async fn within<T>(
    longest: Duration,
    work: impl Future<Output = Result<T, String>>,
    who: &str,
) -> Result<T, String> {
    let late = || format!("{who} longer than {} seconds", longest.as_secs());
    tokio::time::timeout(longest, work).await.unwrap_or_else(|_| Err(late()))
}

fn cut(text: &str) -> String {
    text.chars().take(ERROR_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> HookUrl {
        HookUrl::parse("https://hooks.example.com/x").unwrap()
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_that_leads_into_a_private_network_is_refused() {
        for private in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:192.168.0.1", "fd00::1"] {
            let refused = allowed(&Reach::default(), &url(), ips(&[private])).unwrap_err();
            assert!(refused.contains("private network"), "{refused}");
        }
        assert!(allowed(&Reach::default(), &url(), vec![]).is_err());
    }

    #[test]
    fn of_several_addresses_only_those_that_may_be_asked_are() {
        let found = allowed(&Reach::default(), &url(), ips(&["127.0.0.1", "93.184.215.14"])).unwrap();
        assert_eq!(found, ["93.184.215.14:443".parse().unwrap()]);
        let reach = Reach { allow_http: false, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
        let found = allowed(&reach, &url(), ips(&["127.0.0.1", "10.0.0.1"])).unwrap();
        assert_eq!(found, ["127.0.0.1:443".parse().unwrap()]);
    }
}
