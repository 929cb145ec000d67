//! The original request, as the proxy in front tells of it.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::settings::{Forwarded, Settings};

const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// What is known of the original request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    /// Whether the peer is a trusted proxy. If not, nothing it says is below.
    pub(crate) is_believed: bool,
    pub(crate) method: Option<&'a str>,
    /// Path and query, undecoded.
    pub(crate) target: Option<&'a str>,
    /// Where the request came from. `None`: the proxy named something that is no address.
    pub(crate) client: Option<IpAddr>,
}

impl<'a> Origin<'a> {
    /// Reads the configured family. One of it that is there twice is an error: whoever stands behind might
    /// read the other one.
    pub(crate) fn read(
        settings: &Settings,
        peer: IpAddr,
        headers: &'a HeaderMap,
    ) -> Result<Self, &'static str> {
        if !settings.trusts(peer) {
            let client = Some(peer.to_canonical());
            return Ok(Self { is_believed: false, method: None, target: None, client });
        }
        let once = |name: &HeaderName, shown: &'static str| only(headers, name).map_err(|Repeated| shown);
        let (method, target, client) = match settings.forwarded {
            Forwarded::XForwarded => {
                once(&FORWARDED_PROTO, "X-Forwarded-Proto")?;
                once(&FORWARDED_HOST, "X-Forwarded-Host")?;
                let client = once(&FORWARDED_FOR, "X-Forwarded-For")?;
                let method = once(&FORWARDED_METHOD, "X-Forwarded-Method")?;
                (method, once(&FORWARDED_URI, "X-Forwarded-Uri")?, client)
            }
            Forwarded::XOriginal => {
                let forwarded_for = once(&FORWARDED_FOR, "X-Forwarded-For")?;
                let client = forwarded_for.or(once(&REAL_IP, "X-Real-IP")?);
                let method = once(&ORIGINAL_METHOD, "X-Original-Method")?;
                (method, once(&ORIGINAL_URI, "X-Original-URI")?, client)
            }
        };
        let client = client_behind(settings, peer, client);
        Ok(Self { is_believed: true, method: method.map(text), target: target.map(text), client })
    }

    /// A request that came here itself. Only where it came from is told in a header, if a trusted peer passed it on.
    pub(crate) fn direct(
        settings: &Settings,
        peer: IpAddr,
        method: &'a str,
        target: &'a str,
        headers: &HeaderMap,
    ) -> Result<Self, &'static str> {
        let client = if settings.trusts(peer) {
            let chain = only(headers, &FORWARDED_FOR).map_err(|Repeated| "X-Forwarded-For")?;
            client_behind(settings, peer, chain)
        } else {
            Some(peer.to_canonical())
        };
        Ok(Self { is_believed: true, method: Some(method), target: Some(target), client })
    }

    /// A request that is a copy of the original one: only where that came from is told in a header.
    pub(crate) fn of_itself(
        settings: &Settings,
        peer: IpAddr,
        method: &'a str,
        target: &'a str,
        headers: &HeaderMap,
    ) -> Result<Self, &'static str> {
        if !settings.trusts(peer) {
            let client = Some(peer.to_canonical());
            return Ok(Self { is_believed: false, method: None, target: None, client });
        }
        let chain = only(headers, &FORWARDED_FOR).map_err(|Repeated| "X-Forwarded-For")?;
        let client = client_behind(settings, peer, chain);
        Ok(Self { is_believed: true, method: Some(method), target: Some(target), client })
    }

    /// A request that a trusted peer tells of in words, with the address `source` that is connected to it. That address
    /// is what counts, unless it is a proxy of ours too.
    pub(crate) fn told(
        settings: &Settings,
        peer: IpAddr,
        method: &'a str,
        target: &'a str,
        source: Option<&str>,
        headers: &HeaderMap,
    ) -> Self {
        if !settings.trusts(peer) {
            return Self {
                is_believed: false,
                method: None,
                target: None,
                client: Some(peer.to_canonical()),
            };
        }
        let chain = headers.get(&FORWARDED_FOR).map(text);
        let client = match source.map(str::parse::<IpAddr>) {
            Some(Ok(source)) if !settings.trusts(source) => Some(source.to_canonical()),
            Some(Ok(source)) => chain.map_or(Some(source.to_canonical()), |chain| client_of(settings, chain)),
            Some(Err(_)) => None,
            // Connected by a socket of the machine's own.
            None => chain.and_then(|chain| client_of(settings, chain)),
        };
        Self { is_believed: true, method: Some(method), target: Some(target), client }
    }
}

/// Where a request came from that a trusted peer passed on.
fn client_behind(settings: &Settings, peer: IpAddr, chain: Option<&HeaderValue>) -> Option<IpAddr> {
    match chain {
        Some(chain) => client_of(settings, text(chain)),
        None => Some(peer.to_canonical()),
    }
}

struct Repeated;

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

/// What is not visible ASCII is no method, path or address: the empty text is none either.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// The rightmost address that is no proxy of ours: what stands to the left of it, the client may have made
/// up. If all are ours, the leftmost. Something that is no address hides who came through it.
fn client_of(settings: &Settings, chain: &str) -> Option<IpAddr> {
    let mut client = None;
    for hop in chain.rsplit(',') {
        let address = address_of(hop.trim())?;
        client = Some(address);
        if !settings.trusts(address) {
            break;
        }
    }
    client
}

/// An address, with or without a port: some balancers write one.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(chain: &str) -> Option<IpAddr> {
        let settings = Settings {
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
            ..Settings::default()
        };
        let headers = headers(&[("x-forwarded-for", chain)]);
        Origin::read(&settings, ip("127.0.0.1"), &headers).unwrap().client
    }

    #[test]
    fn the_client_is_the_rightmost_that_is_not_ours() {
        for (chain, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("1.1.1.1, 203.0.113.7, 10.0.0.2", Some("203.0.113.7")),
            ("10.0.0.3,10.0.0.2", Some("10.0.0.3")),
            ("203.0.113.7:443", Some("203.0.113.7")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("1.1.1.1, unknown", None),
            ("1.1.1.1, unknown, 10.0.0.2", None),
            ("unknown, 203.0.113.7", Some("203.0.113.7")),
            ("", None),
        ] {
            assert_eq!(client(chain), expected.map(ip), "{chain}");
        }
    }

    #[test]
    fn only_trusted_peers_are_believed_and_only_the_configured_family() {
        let settings = Settings::default();
        let all = headers(&[
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/a?b"),
            ("x-original-method", "PUT"),
            ("x-original-uri", "/c"),
            ("x-real-ip", "203.0.113.9"),
        ]);
        let stranger = Origin::read(&settings, ip("203.0.113.1"), &all).unwrap();
        assert_eq!((stranger.is_believed, stranger.method, stranger.target), (false, None, None));
        assert_eq!(stranger.client, Some(ip("203.0.113.1")));
        let proxy = Origin::read(&settings, ip("::ffff:127.0.0.1"), &all).unwrap();
        assert_eq!((proxy.method, proxy.target), (Some("GET"), Some("/a?b")));
        assert_eq!(proxy.client, Some(ip("127.0.0.1")));
        let original = Settings { forwarded: Forwarded::XOriginal, ..settings };
        let proxy = Origin::read(&original, ip("::1"), &all).unwrap();
        assert_eq!((proxy.method, proxy.target), (Some("PUT"), Some("/c")));
        assert_eq!(proxy.client, Some(ip("203.0.113.9")));
    }

    #[test]
    fn a_repeated_one_is_an_error_if_its_family_is_read() {
        let settings = Settings::default();
        for name in [
            "x-forwarded-method",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-forwarded-uri",
            "x-forwarded-for",
        ] {
            let twice = headers(&[(name, "x"), (name, "x")]);
            assert!(Origin::read(&settings, ip("::1"), &twice).is_err(), "{name}");
        }
        let ignored = headers(&[("x-original-uri", "/a"), ("x-original-uri", "/b")]);
        assert!(Origin::read(&settings, ip("::1"), &ignored).is_ok());
    }
}
