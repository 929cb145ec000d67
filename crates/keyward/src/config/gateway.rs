//! `[gateway]`: what `keyward gateway` follows.

use http::Uri;
use keyward_verifier::feed::Endpoint;

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

/// Settings of a gateway node.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// The control planes. May be none: `keyward serve` follows none.
    pub(crate) control_planes: Vec<Endpoint>,
    /// What it shows.
    pub(crate) credential: Option<SecretText>,
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
        Some(Self { control_planes: control_planes?, credential: credential? })
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
