//! `[server]`: the control plane.

use std::net::SocketAddr;

use http::Uri;
use ipnet::IpNet;

use super::mistake::{Mistakes, quote};
use super::setting::{Setting, Shape};
use super::values::Values;

pub(super) const LISTEN: Setting = Setting {
    name: "server.listen",
    shape: Shape::Text,
    flag: Some("--listen"),
    default: Some("127.0.0.1:8080"),
    takes: "an address and a port; port 0 takes any free one",
    meaning: "Where the control plane listens: console, API and its documentation.",
};

pub(super) const PUBLIC_URL: Setting = Setting {
    name: "server.public_url",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "`https://` or `http://` and a host, without a path",
    meaning: "The address under which people reach the control plane, for the links that Keyward makes. Left out: the address that it listens on.",
};

pub(super) const TRUSTED_PROXIES: Setting = Setting {
    name: "server.trusted_proxies",
    shape: Shape::List,
    flag: None,
    default: Some(LOOPBACK),
    takes: "addresses and networks, such as `10.0.0.0/8`; an empty list trusts nobody",
    meaning: "Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` the control plane believes.",
};

/// Peers on the same machine.
pub(super) const LOOPBACK: &str = "127.0.0.0/8, ::1/128";

/// Settings of the control plane.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Its address for people, without a slash at the end.
    pub(crate) public_url: Option<String>,
    /// Peers whose forwarded headers are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Server {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let listen = mistakes.take(values.required(&LISTEN, parse_address));
        let public_url = mistakes.take(values.optional(&PUBLIC_URL, parse_public_url));
        let trusted_proxies = mistakes.take(values.networks(&TRUSTED_PROXIES));
        Some(Self { listen: listen?, public_url: public_url?, trusted_proxies: trusted_proxies? })
    }
}

/// An address to listen on.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{} is no address with a port; write one such as 127.0.0.1:8080 or [::1]:8080", quote(text))
    })
}

fn parse_public_url(text: &str) -> Result<String, String> {
    let address = text.trim_end_matches('/');
    let fits = address.parse::<Uri>().is_ok_and(|uri| {
        let scheme_fits = matches!(uri.scheme_str(), Some("http" | "https"));
        let host_alone = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        scheme_fits && host_alone && uri.path() == "/" && uri.query().is_none() && !address.contains('#')
    });
    if fits {
        return Ok(address.to_owned());
    }
    Err(format!(
        "{} is no public address; write one such as https://keys.example.com, without a path",
        quote(text)
    ))
}
