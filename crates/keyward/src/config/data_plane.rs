//! `[data_plane]`: where gateways and product back ends ask.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::mistake::{Mistakes, quote};
use super::secret::SecretText;
use super::server::{LOOPBACK, parse_address};
use super::setting::{Setting, Shape};
use super::values::{Values, one_of};

/// Shortest and longest secret of an asker: 128 random bits in hex, out of reach for guessing; and what fits a header.
const SECRET_LEN: std::ops::RangeInclusive<usize> = 32..=512;
/// Longest name of a node: it stands in receipts, usage logs and metrics.
const NODE_LEN_MAX: usize = 64;

pub(super) const LISTEN: Setting = Setting {
    name: "data_plane.listen",
    shape: Shape::Text,
    flag: Some("--data-plane-listen"),
    default: Some("127.0.0.1:8081"),
    takes: "an address and a port; port 0 takes any free one",
    meaning: "Where the data plane listens: verification, for gateways and product back ends on a private network, and `/metrics`.",
};

pub(super) const FORWARDED: Setting = Setting {
    name: "data_plane.forwarded",
    shape: Shape::Text,
    flag: None,
    default: Some("x-forwarded"),
    takes: "`x-forwarded` or `x-original`",
    meaning: "Which family of headers tells `/v1/authorize` about the original request: `X-Forwarded-{Method,Proto,Host,Uri,For}` or `X-Original-{Method,URI}`. The other family is ignored.",
};

pub(super) const TRUSTED_PROXIES: Setting = Setting {
    name: "data_plane.trusted_proxies",
    shape: Shape::List,
    flag: None,
    default: Some(LOOPBACK),
    takes: "addresses and networks, such as `10.0.0.0/8`; an empty list trusts nobody",
    meaning: "Peers whose forwarded headers the data plane believes.",
};

pub(super) const NODE: Setting = Setting {
    name: "data_plane.node",
    shape: Shape::Text,
    flag: None,
    default: Some("local"),
    takes: "1 to 64 of `A-Z`, `a-z`, `0-9`, `_`, `.` and `-`",
    meaning: "The name of this node in receipts and usage logs. Give each node its own. A gateway node that is given none is called as its machine is.",
};

pub(super) const INTROSPECTION_SECRET: Setting = Setting {
    name: "data_plane.introspection_secret",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "32 to 512 visible ASCII characters; make one with `openssl rand -hex 32`",
    meaning: "What whoever asks `/oauth2/introspect` (RFC 7662) authenticates with, as a bearer token or as the password of Basic authentication. Left out: whoever reaches the data plane may ask there, as they may ask `/v1/verify`.",
};

/// Which family of forwarded headers is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForwardedHeaders {
    /// `X-Forwarded-…`.
    XForwarded,
    /// `X-Original-…`.
    XOriginal,
}

/// Settings of the data plane.
#[derive(Debug)]
pub(crate) struct DataPlane {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Which headers tell about the original request.
    pub(crate) forwarded: ForwardedHeaders,
    /// Peers whose forwarded headers are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The name of this node.
    pub(crate) node: String,
    /// What whoever introspects authenticates with.
    pub(crate) introspection_secret: Option<SecretText>,
}

impl DataPlane {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let families =
            [("x-forwarded", ForwardedHeaders::XForwarded), ("x-original", ForwardedHeaders::XOriginal)];
        let listen = mistakes.take(values.required(&LISTEN, parse_address));
        let forwarded = mistakes.take(values.required(&FORWARDED, |text| one_of(text, &families)));
        let trusted_proxies = mistakes.take(values.networks(&TRUSTED_PROXIES));
        let node = mistakes.take(values.required(&NODE, parse_node));
        let introspection_secret = mistakes.take(values.optional(&INTROSPECTION_SECRET, parse_secret));
        Some(Self {
            listen: listen?,
            forwarded: forwarded?,
            trusted_proxies: trusted_proxies?,
            node: node?,
            introspection_secret: introspection_secret?,
        })
    }
}

fn parse_secret(text: &str) -> Result<SecretText, String> {
    if SECRET_LEN.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(SecretText::new(text));
    }
    let (least, most) = (SECRET_LEN.start(), SECRET_LEN.end());
    Err(format!(
        "must have {least} to {most} visible ASCII characters without spaces; make one with: openssl rand -hex 32"
    ))
}

pub(crate) fn parse_node(text: &str) -> Result<String, String> {
    let letters_fit = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if letters_fit && text.len() <= NODE_LEN_MAX {
        return Ok(text.to_owned());
    }
    Err(format!("{} is no node name; use 1 to {NODE_LEN_MAX} of A-Z, a-z, 0-9, _, . and -", quote(text)))
}
