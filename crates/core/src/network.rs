//! Which addresses of the internet are everybody's, and where a webhook may be.
//!
//! Whoever can name an address that this server sends to could reach with it what only this server reaches: services of
//! its own network, of the machine, of the cloud it runs in. So only public addresses are sent to, but for networks that
//! the operator allows. An address is parsed once, here, and what was parsed is what is connected to: two readers of one
//! text that disagree about its host are how such checks are evaded.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Longest address: what common clients and proxies take.
pub const URL_LEN_MAX: usize = 2_048;
/// Longest name of a host (RFC 1035).
const HOST_LEN_MAX: usize = 253;

/// Networks of IPv4 that are not everybody's, after the registry of special-purpose addresses (RFC 6890), and
/// multicast.
const SPECIAL_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // With 169.254.169.254, where clouds tell a machine its credentials.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // Where Azure's machines find their host: a public address that means the neighbourhood.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Of IPv6 only global unicast is everybody's (`2000::/3`), without these.
const SPECIAL_V6: [(Ipv6Addr, u8); 5] = [
    // Protocol assignments, with Teredo and ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4: an address of IPv4 within.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
];
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Whether an address is everybody's: neither of a private network nor of the machine itself, nor one that stands for
/// such a one.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !within_v4(address, &SPECIAL_V4),
        IpAddr::V6(address) => within_v6(address, &[GLOBAL_V6]) && !within_v6(address, &SPECIAL_V6),
    }
}

fn within_v4(address: Ipv4Addr, networks: &[(Ipv4Addr, u8)]) -> bool {
    let mut networks = networks.iter();
    networks.any(|(base, len)| Ipv4Net::new(*base, *len).is_ok_and(|network| network.contains(&address)))
}

fn within_v6(address: Ipv6Addr, networks: &[(Ipv6Addr, u8)]) -> bool {
    let mut networks = networks.iter();
    networks.any(|(base, len)| Ipv6Net::new(*base, *len).is_ok_and(|network| network.contains(&address)))
}

/// Where webhooks may be.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Whether an address may begin with `http://`.
    pub allow_http: bool,
    /// Networks that may be sent to although they are not everybody's.
    pub allowed: Vec<IpNet>,
}

impl Reach {
    /// Whether that may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allowed.iter().any(|network| network.contains(&address))
    }
}

/// Where a webhook is: what is connected to, and what is asked for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookUrl {
    /// With TLS.
    pub https: bool,
    /// Which host.
    pub host: Host,
    /// Which port.
    pub port: u16,
    /// Path and query, from the first `/` on.
    pub path: Box<str>,
}

/// A host, by its name or its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name, in lower case.
    Name(Box<str>),
    /// An address.
    Ip(IpAddr),
}

impl HookUrl {
    /// Reads an address. The complaint says what would do.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > URL_LEN_MAX {
            return Err("is longer than 2,048 characters");
        }
        if !text.bytes().all(|byte| {
            byte.is_ascii_graphic()
                && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}')
        }) {
            return Err(
                "holds characters that an address may not have; percent-encode them, and write a host as xn--…",
            );
        }
        let scheme = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let (https, rest) = match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), *rest)) {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err("is no address of the web; begin with https://"),
        };
        if rest.contains('#') {
            return Err("has a fragment (#…), which is never sent; leave it out");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("holds a user name or a password; deliveries are signed instead, leave it out");
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None if https => 443,
            None => 80,
            Some(text) => parse_port(text)?,
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { https, host: parse_host(host)?, port, path: format!("{slash}{path}").into() })
    }

    /// Whether that may be a webhook, as far as can be said before its name is looked up.
    pub fn check(&self, reach: &Reach) -> Result<(), &'static str> {
        if !self.https && !reach.allow_http {
            return Err("must begin with https://; the operator may allow others (webhooks.allow_http)");
        }
        let allowed = match &self.host {
            Host::Ip(address) => reach.allows(*address),
            Host::Name(name) if is_of_this_machine(name) => {
                reach.allows(Ipv4Addr::LOCALHOST.into()) || reach.allows(Ipv6Addr::LOCALHOST.into())
            }
            Host::Name(_) => true,
        };
        let refused = "is in a private network; the operator may allow that (webhooks.allowed_networks)";
        allowed.then_some(()).ok_or(refused)
    }

    /// Host and port as the header `Host` has them.
    pub fn authority(&self) -> String {
        let usual = if self.https { 443 } else { 80 };
        if self.port == usual { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Names that mean the machine itself, whatever a resolver says (RFC 6761).
fn is_of_this_machine(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    let after_host = match authority.strip_prefix('[') {
        None => authority.find(':').unwrap_or(authority.len()),
        Some(rest) => rest.find(']').ok_or("opens a bracket that it does not close")? + 2,
    };
    let (host, rest) = authority.split_at_checked(after_host).unwrap_or((authority, ""));
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok((host, None)),
        None => Err("has something between its host and its path; write https://host:port/path"),
        Some(port) => Ok((host, Some(port))),
    }
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { text.parse().ok() } else { None };
    port.filter(|port| *port != 0).ok_or("has no port from 1 to 65535 after the colon")
}

fn parse_host(text: &str) -> Result<Host, &'static str> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Result<Ipv6Addr, _> = inner.parse();
        return address
            .map(|address| Host::Ip(address.into()))
            .map_err(|_| "has no IPv6 address in its brackets");
    }
    let name = text.to_ascii_lowercase();
    let mut labels = name.strip_suffix('.').unwrap_or(&name).split('.');
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > HOST_LEN_MAX || !labels.clone().all(fits) {
        return Err("has no host that could be one, such as hooks.example.com");
    }
    // What ends in a number is an address, in whichever of the old ways it is written: 0x7f.1, 2130706433, 127.1. Only
    // the one way that everybody reads alike is taken.
    let last = labels.next_back().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if is_number {
        let address: Result<Ipv4Addr, _> = name.parse();
        return address
            .map(|address| Host::Ip(address.into()))
            .map_err(|_| "has an address of another form than 192.0.2.1");
    }
    Ok(Host::Name(name.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_everybodys_is_told_from_what_is() {
        for address in
            ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2001::1",
            "fec0::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_is_read_into_what_is_connected_to() {
        let url = HookUrl::parse("HTTPS://Hooks.Example.com:8443/a/b?c=d").unwrap();
        assert_eq!((url.https, url.port, &*url.path), (true, 8443, "/a/b?c=d"));
        assert_eq!(url.host, Host::Name("hooks.example.com".into()));
        assert_eq!(url.to_string(), "https://hooks.example.com:8443/a/b?c=d");
        for (text, as_read) in [
            ("https://example.com", "https://example.com/"),
            ("https://example.com?x=1", "https://example.com/?x=1"),
            ("http://example.com:80/", "http://example.com/"),
            ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x"),
            ("https://93.184.215.14/", "https://93.184.215.14/"),
        ] {
            assert_eq!(HookUrl::parse(text).unwrap().to_string(), as_read);
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://example.com",
            "//example.com",
            "https://",
            "https:///x",
            "https://a b/",
            "https://user@example.com/",
            "https://example.com@10.0.0.1/",
            "https://example.com\\@10.0.0.1/",
            "https://example.com#@10.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.1.:80/",
            "https://[::1",
            "https://[::1]x/",
            "https://[::1%25lo]/",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://example.com:/",
            "https://exa\u{2024}mple/",
            "https://ex%61mple.com/",
            "https://a..b/",
            "https://.a/",
        ] {
            assert!(HookUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_refused_unless_they_are_allowed() {
        let strict = Reach::default();
        let local = Reach { allow_http: true, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
        for text in [
            "https://127.0.0.1/",
            "https://localhost/",
            "https://x.localhost./",
            "https://[::ffff:127.0.0.1]/",
        ] {
            let url = HookUrl::parse(text).unwrap();
            assert!(url.check(&strict).is_err(), "{text}");
            assert!(url.check(&local).is_ok(), "{text}");
        }
        let other = HookUrl::parse("https://10.0.0.1/").unwrap();
        assert!(other.check(&local).is_err(), "one network is allowed, not all");
        assert!(HookUrl::parse("http://example.com/").unwrap().check(&strict).is_err());
        assert!(HookUrl::parse("https://example.com/").unwrap().check(&strict).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,60}") {
            let _ = HookUrl::parse(&text);
        }

        #[test]
        fn what_was_read_is_read_again_as_the_same(text in "https?://[a-z0-9.\\[\\]:-]{1,20}(/[a-z?=]{0,5})?") {
            if let Ok(url) = HookUrl::parse(&text) {
                prop_assert_eq!(HookUrl::parse(&url.to_string()), Ok(url));
            }
        }
    }
}
