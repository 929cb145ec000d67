//! `[feed]`: what gateway nodes follow.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::gateway::parse_credential;
use super::mistake::Mistakes;
use super::secret::SecretText;
use super::server::parse_address;
use super::setting::{Setting, Shape};
use super::values::Values;

/// Credentials that count at once: the present one and the one that replaces it.
const CREDENTIALS_MAX: usize = 2;

pub(super) const LISTEN: Setting = Setting {
    name: "feed.listen",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "an address and a port, such as `10.0.0.5:8082`; port 0 takes any free one",
    meaning: "Where gateway nodes (`keyward gateway`) follow this control plane. Left out: none can.",
};

pub(super) const CREDENTIALS: Setting = Setting {
    name: "feed.credentials",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "32 to 512 visible ASCII characters, such as `openssl rand -hex 32` prints; while one replaces another 2, parted by spaces, commas or line breaks",
    meaning: "What gateway nodes show to follow this control plane. It opens nothing else.",
};

pub(super) const TLS_CERTIFICATE_FILE: Setting = Setting {
    name: "feed.tls_certificate_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a PEM file: the certificate for the name by which nodes know this control plane, then those up to its authority",
    meaning: "The certificate of the feed. Needed where `feed.listen` is no loopback address.",
};

pub(super) const TLS_KEY_FILE: Setting = Setting {
    name: "feed.tls_key_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a PEM file with the certificate's private key",
    meaning: "The private key of the feed's certificate.",
};

pub(super) const TLS_CLIENT_AUTHORITY_FILE: Setting = Setting {
    name: "feed.tls_client_authority_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a PEM file with the certificates of one or more authorities",
    meaning: "Who must have signed a node's certificate (`gateway.tls_certificate_file`), beside the credential that it shows. Left out: nodes need none.",
};

/// Files of a certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    /// The certificate and those up to its authority.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

/// Settings of the feed.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// What nodes show, any of them.
    pub(crate) credentials: Vec<SecretText>,
    /// What secures it. `None`: nothing; it then listens on this machine alone.
    pub(crate) tls: Option<TlsFiles>,
    /// Who must have signed the certificates of nodes. `None`: they need none.
    pub(crate) client_authority: Option<PathBuf>,
}

impl Feed {
    /// `None` inside: no gateway node can follow.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it is there"
    )]
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Option<Self>> {
        let listen = mistakes.take(values.optional(&LISTEN, parse_address));
        let credentials = mistakes.take(values.optional(&CREDENTIALS, parse_credentials));
        let certificate = mistakes.take(values.optional(&TLS_CERTIFICATE_FILE, parse_path));
        let key = mistakes.take(values.optional(&TLS_KEY_FILE, parse_path));
        let client_authority = mistakes.take(values.optional(&TLS_CLIENT_AUTHORITY_FILE, parse_path));
        let (listen, credentials, certificate, key) = (listen?, credentials?, certificate?, key?);
        let client_authority = client_authority?;
        let Some(listen) = listen else {
            let given = [&CREDENTIALS, &TLS_CERTIFICATE_FILE, &TLS_KEY_FILE, &TLS_CLIENT_AUTHORITY_FILE];
            let idle = given.into_iter().find(|setting| values.given(setting).is_some());
            if let Some(idle) = idle {
                let problem = format!("does nothing without {}; set that too", LISTEN.name);
                mistakes.add(values.wrong(idle, problem));
                return None;
            }
            return Some(None);
        };
        let Some(credentials) = credentials else {
            let needed = CREDENTIALS.variable();
            let problem = format!(
                "needs {}, so that not everybody can follow; set that too ({needed})",
                CREDENTIALS.name
            );
            mistakes.add(values.wrong(&LISTEN, problem));
            return None;
        };
        let tls = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) if listen.ip().to_canonical().is_loopback() => None,
            _ => {
                let problem = format!(
                    "needs both {} and {}: what nodes show must not be read on the way",
                    TLS_CERTIFICATE_FILE.name, TLS_KEY_FILE.name
                );
                mistakes.add(values.wrong(&LISTEN, problem));
                return None;
            }
        };
        if tls.is_none() && client_authority.is_some() {
            let problem = format!(
                "does nothing without {} and {}; set those too",
                TLS_CERTIFICATE_FILE.name, TLS_KEY_FILE.name
            );
            mistakes.add(values.wrong(&TLS_CLIENT_AUTHORITY_FILE, problem));
            return None;
        }
        Some(Some(Self { listen, credentials, tls, client_authority }))
    }
}

fn parse_credentials(text: &str) -> Result<Vec<SecretText>, String> {
    let parts = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
    let credentials = parts.map(parse_credential).collect::<Result<Vec<_>, _>>()?;
    match credentials.len() {
        1..=CREDENTIALS_MAX => Ok(credentials),
        _ => Err(format!("must hold 1 to {CREDENTIALS_MAX} credentials; keep those that nodes still show")),
    }
}

pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.ends_with('/') {
        return Err("names no file; write a path such as /etc/keyward/feed.pem".to_owned());
    }
    Ok(PathBuf::from(text))
}
