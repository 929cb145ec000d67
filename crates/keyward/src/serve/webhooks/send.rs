//! One attempt to send an event: look the host up, see that its address may be asked, connect to that address and to no
//! other, ask, and read the beginning of the answer. Redirects are not followed: they are answers like others, and failures.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, RETRY_AFTER, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use keyward_core::network::{HookUrl, Host, Reach};
use keyward_service::Service;
use keyward_service::deliver::{Attempt, Claimed, Signed, Tried, sign};
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
    retry_after: Option<RetryAfter>,
}

/// When a receiver wants to be asked again (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RetryAfter {
    In(SignedDuration),
    At(Timestamp),
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
    pub(super) async fn send(&self, service: &Service, claimed: &Claimed) -> Tried {
        let (at, began) = (service.clock.now(), Instant::now());
        let answered = match sign(service, claimed, at) {
            Ok(signed) => {
                within(ATTEMPT_MAX, self.ask(&service.reach, claimed, signed), "the receiver took").await
            }
            Err(why) => Err(why),
        };
        let duration_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        match answered {
            Ok(answer) => Tried {
                left_alone_until: answer.retry_after.and_then(|wish| wish.until(service.clock.now())),
                attempt: Attempt {
                    at,
                    duration_ms,
                    status: Some(answer.status.as_u16()),
                    error: complaint(answer.status),
                    response: Some(answer.beginning).filter(|beginning| !beginning.is_empty()),
                },
            },
            Err(why) => {
                let error = Some(cut(&why).into());
                let attempt = Attempt { at, duration_ms, status: None, error, response: None };
                Tried { attempt, left_alone_until: None }
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
    if found.is_empty() {
        return Err(format!("the host {} has no address", url.host));
    }
    tracing::debug!(host = %url.host, ?found, "a webhook's host was looked up");
    let allowed: Vec<_> = found.into_iter().filter(|address| reach.allows(*address)).collect();
    if allowed.is_empty() {
        // Those who read this may be strangers to the network, so that where in it a name leads is not told.
        return Err(format!(
            "refused: {} is in a private network; the operator may allow that (webhooks.allowed_networks)",
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
        let retry_after = RetryAfter::of(response.headers());
        Ok(Answer { status, beginning: beginning(response.into_body()).await, retry_after })
    };
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        // What the connection had to say comes out of the request.
        _ = &mut connection => asking.await,
    }
}

impl RetryAfter {
    /// `None`: there is none, or one that says nothing.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // What is too long for a number is far beyond every bound, and meant so.
            return Some(Self::In(SignedDuration::from_secs(text.parse().unwrap_or(i64::MAX))));
        }
        let date = httpdate::parse_http_date(text).ok()?;
        Timestamp::try_from(date).ok().map(Self::At)
    }

    fn until(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::In(wait) => Some(now.checked_add(wait).unwrap_or(Timestamp::MAX)),
            Self::At(at) => Some(at).filter(|at| *at > now),
        }
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
            assert!(!refused.contains(private), "it tells where in the network a name leads: {refused}");
        }
        assert!(allowed(&Reach::default(), &url(), vec![]).is_err());
    }

    #[test]
    fn a_receiver_says_when_it_wants_to_be_asked_again_in_every_form_there_is() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let until = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static(text))]);
            RetryAfter::of(&headers).and_then(|wish| wish.until(now)).map(|until| until.to_string())
        };
        for text in [
            "37",
            " 037 ",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(until(text).as_deref(), Some("1994-11-06T08:49:37Z"), "{text}");
        }
        assert_eq!(until("99999999999999999999999"), Some(Timestamp::MAX.to_string()));
        for text in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:48:59 GMT"] {
            assert_eq!(until(text), None, "{text}");
        }
        assert_eq!(RetryAfter::of(&HeaderMap::new()), None);
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
