//! `[gateway]`: what `keyward gateway` follows.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use http::Uri;
use keyward_verifier::feed::Endpoint;

use super::feed::{TlsFiles, parse_path};
use super::mistake::{Mistakes, quote};
use super::secret::SecretText;
use super::setting::{Setting, Shape};
use super::values::Values;

/// Shortest credential: 32 random hex digits are 128 bits, out of reach for guessing.
const CREDENTIAL_LEN_MIN: usize = 32;
/// Longest: it is sent in a header.
const CREDENTIAL_LEN_MAX: usize = 512;
/// Most control planes that are asked in turn: with more, a lease would be over before each was asked.
const CONTROL_PLANES_MAX: usize = 8;

/// How long a usage spool may become, in MiB: two files of it at least, and no more than fits on any disk of a node.
const SPOOL_MIB: RangeInclusive<u64> = 8..=65_536;

pub(super) const CONTROL_PLANES: Setting = Setting {
    name: "gateway.control_planes",
    shape: Shape::List,
    flag: Some("--control-plane"),
    default: None,
    takes: "1 to 8 addresses such as `https://keys.internal:8082`, of the `feed.listen` of control planes on the same store; `http://` on this machine only",
    meaning: "Which control planes a gateway node follows: the next one whenever one does not answer. For `keyward gateway` only.",
};

pub(super) const CREDENTIAL: Setting = Setting {
    name: "gateway.credential",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "one of the control plane's `feed.credentials`",
    meaning: "What a gateway node shows to the control plane that it follows. For `keyward gateway` only.",
};

pub(super) const COPY_FILE: Setting = Setting {
    name: "gateway.copy_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a file that the node may write, in a folder where it may make others; it has the size of all keys, compressed",
    meaning: "Where a gateway node keeps a copy of the last snapshot, so that a restart is quick. It holds no secret. Left out: nowhere. For `keyward gateway` only.",
};

pub(super) const USAGE_SPOOL_FOLDER: Setting = Setting {
    name: "gateway.usage_spool_folder",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a folder of this node's own; it is made if it does not exist, and what is in it is readable by its owner only",
    meaning: "Where a gateway node keeps uses of keys while no control plane takes them, so that a restart does not lose them. It holds no secret. Left out: in memory alone. For `keyward gateway` only.",
};

pub(super) const USAGE_SPOOL_MIB_MAX: Setting = Setting {
    name: "gateway.usage_spool_mib_max",
    shape: Shape::Plain,
    flag: None,
    default: Some("64"),
    takes: "a number of MiB from 8 to 65536",
    meaning: "How long the usage spool may become. At some 200 bytes a use, the default holds some 300,000. What does not fit waits in memory, and is then dropped and counted.",
};

pub(super) const TLS_CERTIFICATE_FILE: Setting = Setting {
    name: "gateway.tls_certificate_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a PEM file: a certificate, then those up to an authority of the control plane's `feed.tls_client_authority_file`",
    meaning: "What a gateway node proves itself with, where the control plane asks for that. For `keyward gateway` only.",
};

pub(super) const TLS_KEY_FILE: Setting = Setting {
    name: "gateway.tls_key_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a PEM file with the certificate's private key",
    meaning: "The private key of the node's certificate. For `keyward gateway` only.",
};

/// Where uses of keys are kept.
#[derive(Debug)]
pub(crate) struct SpoolPlace {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// How many bytes may be in it.
    pub(crate) len_max: u64,
}

/// Settings of a gateway node.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// The control planes. May be none: `keyward serve` follows none.
    pub(crate) control_planes: Vec<Endpoint>,
    /// What it shows.
    pub(crate) credential: Option<SecretText>,
    /// Where it keeps a copy of what it knows.
    pub(crate) copy: Option<PathBuf>,
    /// Where it keeps uses of keys that nobody takes.
    pub(crate) spool: Option<SpoolPlace>,
    /// What it proves itself with. `None`: its credential is all.
    pub(crate) tls: Option<TlsFiles>,
}

impl Gateway {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let credential = mistakes.take(values.optional(&CREDENTIAL, parse_credential));
        let texts = values.texts(&CONTROL_PLANES);
        let endpoints: Result<Vec<Endpoint>, String> = texts
            .iter()
            .map(|text| parse_endpoint(text).map_err(|problem| format!("{} {problem}", quote(text))))
            .collect();
        let fits = endpoints.and_then(|endpoints| {
            if endpoints.len() > CONTROL_PLANES_MAX {
                return Err(format!("holds more than {CONTROL_PLANES_MAX} addresses"));
            }
            Ok(endpoints)
        });
        let control_planes = mistakes.take(fits.map_err(|problem| values.wrong(&CONTROL_PLANES, problem)));
        let copy = mistakes.take(values.optional(&COPY_FILE, parse_path));
        let folder = mistakes.take(values.optional(&USAGE_SPOOL_FOLDER, |text| Ok(PathBuf::from(text))));
        let len_max = mistakes.take(values.required(&USAGE_SPOOL_MIB_MAX, parse_spool_len));
        let tls = Self::read_tls(values, mistakes);
        let len_max = len_max?;
        let spool = folder?.map(|folder| SpoolPlace { folder, len_max });
        Some(Self { control_planes: control_planes?, credential: credential?, copy: copy?, spool, tls: tls? })
    }

    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it is there"
    )]
    fn read_tls(values: &Values, mistakes: &mut Mistakes) -> Option<Option<TlsFiles>> {
        let certificate = mistakes.take(values.optional(&TLS_CERTIFICATE_FILE, parse_path));
        let key = mistakes.take(values.optional(&TLS_KEY_FILE, parse_path));
        let (alone, other) = match (certificate?, key?) {
            (Some(certificate), Some(key)) => return Some(Some(TlsFiles { certificate, key })),
            (None, None) => return Some(None),
            (Some(_), None) => (&TLS_CERTIFICATE_FILE, &TLS_KEY_FILE),
            (None, Some(_)) => (&TLS_KEY_FILE, &TLS_CERTIFICATE_FILE),
        };
        mistakes.add(values.wrong(alone, format!("does nothing without {}; set that too", other.name)));
        None
    }
}

pub(super) fn parse_credential(text: &str) -> Result<SecretText, String> {
    let fits = (CREDENTIAL_LEN_MIN..=CREDENTIAL_LEN_MAX).contains(&text.len());
    if fits && text.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
        return Ok(SecretText::new(text));
    }
    Err(format!(
        "must have {CREDENTIAL_LEN_MIN} to {CREDENTIAL_LEN_MAX} visible ASCII characters without spaces and commas; make one with: openssl rand -hex 32"
    ))
}

/// Bytes, of a number of MiB.
fn parse_spool_len(text: &str) -> Result<u64, String> {
    let (least, most) = (SPOOL_MIB.start(), SPOOL_MIB.end());
    let mib = text.parse::<u64>().ok().filter(|mib| SPOOL_MIB.contains(mib));
    mib.map(|mib| mib * 1024 * 1024)
        .ok_or_else(|| format!("{} will not do; write a number of MiB from {least} to {most}", quote(text)))
}

fn parse_endpoint(text: &str) -> Result<Endpoint, &'static str> {
    const WANTED: &str = "is no address of a control plane; write one such as https://keys.internal:8082";
    let uri: Uri = text.parse().map_err(|_| WANTED)?;
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(WANTED),
    };
    let authority = uri.authority().ok_or(WANTED)?;
    if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(WANTED);
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let by_address = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    if host.is_empty() {
        return Err(WANTED);
    }
    if !secure && !by_address && host != "localhost" {
        return Err("would send the credential and what keys may do in clear; write https://");
    }
    let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
    Ok(Endpoint { host, port, secure })
}
