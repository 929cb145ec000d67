//! `[proxy]`: the reverse proxy, for products without a gateway.

use std::net::SocketAddr;

use http::Uri;
use http::uri::Authority;

use super::mistake::{Mistake, Mistakes, quote};
use super::server::parse_address;
use super::setting::{Setting, Shape};
use super::values::Values;

pub(super) const UPSTREAM: Setting = Setting {
    name: "proxy.upstream",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "`http://`, a host and a port, without a path",
    meaning: "The product that allowed requests are passed on to. Left out: there is no proxy.",
};

pub(super) const LISTEN: Setting = Setting {
    name: "proxy.listen",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "an address and a port; port 0 takes any free one",
    meaning: "Where the proxy listens for the product's clients. Needed with `proxy.upstream`.",
};

/// Settings of the proxy.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Host and port of the product.
    pub(crate) upstream: Authority,
}

impl Proxy {
    /// `None`: a mistake. `Some(None)`: no proxy is wanted.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it is there"
    )]
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Option<Self>> {
        let upstream = mistakes.take(values.optional(&UPSTREAM, parse_upstream));
        let listen = mistakes.take(values.optional(&LISTEN, parse_address));
        match (upstream?, listen?) {
            (None, None) => Some(None),
            (Some(upstream), Some(listen)) => Some(Some(Self { listen, upstream })),
            (Some(_), None) => mistakes.take(Err(lacking(values, &LISTEN, &UPSTREAM))),
            (None, Some(_)) => mistakes.take(Err(lacking(values, &UPSTREAM, &LISTEN))),
        }
    }
}

fn lacking(values: &Values, missing: &'static Setting, given: &'static Setting) -> Mistake {
    values.wrong(given, format!("needs {} beside it", missing.name))
}

fn parse_upstream(text: &str) -> Result<Authority, String> {
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none() && !has_user
    });
    uri.and_then(|uri| uri.authority().cloned())
        .filter(|authority| authority.port_u16().is_some())
        .ok_or_else(|| {
            format!(
                "{} is no product; write http://, a host and a port, such as http://127.0.0.1:9090",
                quote(text)
            )
        })
}
