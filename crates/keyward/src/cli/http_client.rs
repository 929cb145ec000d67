//! Questions to a listener, and its answers, within bounds.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rustls::CertificateError;
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
            .timeout_global(Some(ANSWER_WITHIN))
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
        let unsound = |error: http::Error| Failure::failed(format!("this cannot be asked: {error}"));
        let mut request =
            http::Request::builder().method(question.method).uri(format!("{}{}", self.server, question.path));
        for (name, value) in question.headers {
            request = request.header(name, value);
        }
        let answer = match &question.body {
            Some(Body(json)) => {
                let request = request.header(http::header::CONTENT_TYPE, "application/json");
                self.agent.run(request.body(json.as_slice()).map_err(unsound)?)
            }
            None => self.agent.run(request.body(()).map_err(unsound)?),
        };
        let (head, mut body) = answer.map_err(|error| self.unreachable(&error))?.into_parts();
        let body = body.with_config().limit(ANSWER_LEN_MAX).read_to_vec();
        let body = body.map(Zeroizing::new).map_err(|error| self.unreachable(&error))?;
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// Why there is no answer.
    fn unreachable(&self, error: &ureq::Error) -> Failure {
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
                format!("there was no answer within {} seconds", ANSWER_WITHIN.as_secs())
            }
            ureq::Error::BodyExceedsLimit(_) => "the answer is too long for one of Keyward's".to_owned(),
            ureq::Error::Io(error) => tls_trouble(error).unwrap_or_else(|| error.to_string()),
            other => other.to_string(),
        };
        Failure::new(Exit::Unavailable, format!("{server} cannot be asked: {why}"))
    }
}

/// What a certificate or a handshake had against the connection.
fn tls_trouble(error: &std::io::Error) -> Option<String> {
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
