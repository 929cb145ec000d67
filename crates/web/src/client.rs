//! Who is at the other end: the end client's address, and whether the connection is safe for a cookie.
//! Forwarded headers are believed from trusted proxies only.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HOST;
use ipnet::IpNet;

/// The other end of the connection, put into every request by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The end client, as far as it can be known.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its address. `None`: a trusted proxy names one that cannot be read, and nothing may rest on it.
    pub ip: Option<IpAddr>,
    /// Whether it came over HTTPS, as a trusted proxy says.
    pub https: bool,
}

impl Client {
    /// Works out who it is. Of `X-Forwarded-For` the last address counts that is no trusted proxy: what
    /// stands before it was written by somebody else.
    pub fn new(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let direct = peer.0.ip().to_canonical();
        if !is_trusted(direct, trusted) {
            return Self { ip: Some(direct), https: false };
        }
        let https =
            last_value(headers, "x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        let ip = match forwarded_for(headers, trusted) {
            Forwarded::By(ip) => Some(ip),
            Forwarded::ByNobody => Some(direct),
            Forwarded::Unreadable => None,
        };
        Self { ip, https }
    }
}

/// What `X-Forwarded-For` says of the end client.
enum Forwarded {
    /// It came from there.
    By(IpAddr),
    /// Only trusted proxies are named, or none: the peer is the client.
    ByNobody,
    /// The last that counts is no address.
    Unreadable,
}

fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&ip))
}

fn last_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next().map(str::trim)
}

fn forwarded_for(headers: &HeaderMap, trusted: &[IpNet]) -> Forwarded {
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(text) = value.to_str() else { return Forwarded::Unreadable };
        for entry in text.rsplit(',') {
            match address(entry.trim()) {
                None => return Forwarded::Unreadable,
                Some(ip) if is_trusted(ip, trusted) => {}
                Some(ip) => return Forwarded::By(ip),
            }
        }
    }
    Forwarded::ByNobody
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let alone = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    alone().or_else(with_port).or_else(in_brackets).map(|ip| ip.to_canonical())
}

/// Whether a browser keeps our cookie here: over HTTPS, or on this machine itself. Elsewhere signing in would
/// seem to work and not.
pub fn is_secure_context(client: &Client, headers: &HeaderMap) -> bool {
    client.https || is_loopback_host(headers)
}

/// Whether the request was sent to this machine itself, which browsers treat as safe without TLS.
fn is_loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback_ip = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    is_loopback_ip
        || name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        headers.append("x-forwarded-proto", "https".parse().unwrap());
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        Client::new(Peer(SocketAddr::new(peer.parse().unwrap(), 1)), &headers, &trusted)
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        let client = client("203.0.113.9", &["198.51.100.7"]);
        assert_eq!((client.ip, client.https), ("203.0.113.9".parse().ok(), false));
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        for (forwarded, ip) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7, 10.0.0.1"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(client("127.0.0.1", forwarded).ip, ip.parse().ok(), "{forwarded:?}");
        }
        for unreadable in ["1.1.1.1, nonsense", "unknown", ""] {
            assert_eq!(client("127.0.0.1", &[unreadable]).ip, None, "{unreadable}");
        }
    }

    #[test]
    fn only_this_machine_is_safe_without_tls() {
        for (host, safe) in [
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("[::1]:8080", true),
            ("keys.localhost:1", true),
            ("example.com", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            assert_eq!(is_loopback_host(&headers), safe, "{host}");
        }
    }
}
