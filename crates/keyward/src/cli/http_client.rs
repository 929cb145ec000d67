//! Questions to a listener, and its answers, within bounds.

use std::io::{self, ErrorKind, Read as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rustls::CertificateError;
use ureq::AsSendBody;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use zeroize::Zeroizing;

use super::exit::Exit;
use super::failure::Failure;
use super::server_url::ServerUrl;

/// A host that takes longer to answer the door is not there.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The longest that the server itself may take (a revocation that waits for its nodes: five seconds), and
/// a slow network.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The longest that the server may be at work before it answers, where it has to read a whole audit log.
const LONG_WORK_WITHIN: Duration = Duration::from_mins(10);
/// A long answer that stands still for so long has broken off: the server gives up half as soon.
const STALL_MAX: Duration = Duration::from_mins(1);
/// Bytes of a long answer that are read at once.
const PIECE_LEN: usize = 64 * 1024;
/// Pieces that wait for who reads them: half a megabyte.
const PIECES_WAITING_MAX: usize = 8;
/// The largest answer is a list of 200 keys; each may have some kilobytes of metadata.
const ANSWER_LEN_MAX: u64 = 4 * 1024 * 1024;

/// A client of one listener.
#[derive(Debug)]
pub(super) struct HttpClient {
    agent: ureq::Agent,
    server: ServerUrl,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    /// With its query, encoded.
    pub(super) path: String,
    /// Credentials among them are marked sensitive.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Body>,
}

/// JSON to be sent. It may hold a secret, so it is wiped and never shown.
pub(super) struct Body(pub(super) Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// How long somebody waits.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// So long for the whole answer.
    Whole(Duration),
    /// So long for its beginning: nobody knows how long it is.
    Beginning(Duration),
}

/// A long answer, as it comes: it is never in memory whole.
#[derive(Debug)]
pub(super) struct Pieces(Receiver<io::Result<Vec<u8>>>);

impl Pieces {
    fn of(body: ureq::Body) -> Self {
        let (sender, receiver) = sync_channel(PIECES_WAITING_MAX);
        // Reading has no bound in time by itself; waiting for another thread has. The thread ends with the process.
        thread::spawn(move || {
            let mut reader = body.into_reader();
            loop {
                let mut piece = vec![0; PIECE_LEN];
                let read = reader.read(&mut piece);
                let goes_on = matches!(read, Ok(1..));
                let read = read.map(|length| {
                    piece.truncate(length);
                    piece
                });
                if sender.send(read).is_err() || !goes_on {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next piece. `None`: that was all of them. The error says in words why there is none.
    pub(super) fn next(&self) -> Result<Option<Vec<u8>>, String> {
        match self.0.recv_timeout(STALL_MAX) {
            Ok(Ok(piece)) => Ok(Some(piece).filter(|piece| !piece.is_empty())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("nothing came for {} seconds", STALL_MAX.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => Err("it ended".to_owned()),
        }
    }
}

/// What the listener said. It may hold a secret.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

impl HttpClient {
    pub(super) fn new(server: ServerUrl) -> Result<Self, Failure> {
        let mut config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT_WITHIN))
            .http_status_as_error(false)
            // Credentials are for the server that was named, not for another that it names.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept("application/json")
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")));
        if server.is_loopback() {
            // A proxy would look for the server on its own machine.
            config = config.proxy(None);
        }
        if server.is_secure() {
            config = config.tls_config(tls()?);
        }
        Ok(Self { agent: config.build().into(), server })
    }

    pub(super) fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// Asks, and reads the whole answer.
    pub(super) fn send(&self, question: Question) -> Result<Reply, Failure> {
        self.send_within(question, ANSWER_WITHIN)
    }

    /// As [`Self::send`], of what takes the server long.
    pub(super) fn send_patiently(&self, question: Question) -> Result<Reply, Failure> {
        self.send_within(question, LONG_WORK_WITHIN)
    }

    fn send_within(&self, question: Question, within: Duration) -> Result<Reply, Failure> {
        let (head, body) = self.ask(question, Wait::Whole(within))?;
        self.read(head, body, within)
    }

    /// Asks for a long answer. If it is a success, its body comes in pieces; otherwise there are none, and the reply
    /// says why.
    pub(super) fn stream(&self, question: Question) -> Result<(Reply, Pieces), Failure> {
        let (head, body) = self.ask(question, Wait::Beginning(ANSWER_WITHIN))?;
        if !head.status.is_success() {
            let none = Pieces(sync_channel(1).1);
            return Ok((self.read(head, body, ANSWER_WITHIN)?, none));
        }
        let reply = Reply { status: head.status, headers: head.headers, body: Zeroizing::default() };
        Ok((reply, Pieces::of(body)))
    }

    fn read(&self, head: Parts, mut body: ureq::Body, within: Duration) -> Result<Reply, Failure> {
        let body = body.with_config().limit(ANSWER_LEN_MAX).read_to_vec();
        let body = body.map(Zeroizing::new).map_err(|error| self.unreachable(&error, within))?;
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    fn ask(&self, question: Question, wait: Wait) -> Result<(Parts, ureq::Body), Failure> {
        let unsound = |error: http::Error| Failure::failed(format!("this cannot be asked: {error}"));
        let mut request =
            http::Request::builder().method(question.method).uri(format!("{}{}", self.server, question.path));
        for (name, value) in question.headers {
            request = request.header(name, value);
        }
        let answer = match &question.body {
            Some(Body(json)) => {
                let request = request.header(http::header::CONTENT_TYPE, "application/json");
                self.run(request.body(json.as_slice()).map_err(unsound)?, wait)
            }
            None => self.run(request.body(()).map_err(unsound)?, wait),
        };
        let (Wait::Whole(within) | Wait::Beginning(within)) = wait;
        Ok(answer.map_err(|error| self.unreachable(&error, within))?.into_parts())
    }

    fn run<S: AsSendBody>(
        &self,
        request: http::Request<S>,
        wait: Wait,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let config = self.agent.configure_request(request);
        let config = match wait {
            Wait::Whole(within) => config.timeout_global(Some(within)),
            Wait::Beginning(within) => config.timeout_global(None).timeout_recv_response(Some(within)),
        };
        self.agent.run(config.build())
    }

    /// Why there is no answer.
    fn unreachable(&self, error: &ureq::Error, within: Duration) -> Failure {
        let server = &self.server;
        let why = match error {
            ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                let refused = Failure::new(Exit::Unavailable, format!("nothing listens at {server}"));
                let may_start = server.is_loopback();
                return if may_start {
                    refused.advise("Start a server here: keyward serve")
                } else {
                    refused
                };
            }
            ureq::Error::HostNotFound => "there is no host of that name".to_owned(),
            ureq::Error::Timeout(_) => {
                format!("there was no answer within {} seconds", within.as_secs())
            }
            ureq::Error::BodyExceedsLimit(_) => "the answer is too long for one of Keyward's".to_owned(),
            ureq::Error::Io(error) => tls_trouble(error).unwrap_or_else(|| error.to_string()),
            other => other.to_string(),
        };
        Failure::new(Exit::Unavailable, format!("{server} cannot be asked: {why}"))
    }
}

/// What a certificate or a handshake had against the connection.
fn tls_trouble(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match inner {
        rustls::Error::InvalidCertificate(wrong) => match wrong {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            _ => "its certificate is of no authority that this machine trusts; a private one's certificate can be \
                  named in SSL_CERT_FILE"
                .to_owned(),
        },
        rustls::Error::InvalidMessage(_) => "it does not speak https; does it speak http?".to_owned(),
        other => other.to_string(),
    })
}

/// TLS with the certificates that this machine trusts, so that a company's own authority works.
fn tls() -> Result<TlsConfig, Failure> {
    let found = rustls_native_certs::load_native_certs();
    let roots: Vec<Certificate<'static>> =
        found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    if roots.is_empty() {
        return Err(Failure::failed(
            "this machine trusts no certificates, so no https server can be recognised",
        )
        .advise("Install the package ca-certificates, or name a file of certificates in SSL_CERT_FILE."));
    }
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build())
}
