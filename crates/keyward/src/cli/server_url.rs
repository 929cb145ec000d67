//! The address of a listener.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// `http` or `https`, a host and perhaps a port; nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUrl {
    secure: bool,
    /// Host and port, in lower case, without the port that the scheme has anyway.
    authority: String,
    loopback: bool,
}

impl ServerUrl {
    /// Whether what is sent there is encrypted.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it is this machine, so that nobody is on the way.
    pub(super) fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted =
            || "write an address such as https://keys.example.com or http://127.0.0.1:8080".to_owned();
        let uri: Uri = text.trim().parse().map_err(|_| wanted())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wanted()),
        };
        let authority =
            uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(wanted)?;
        if authority.as_str().contains('@') {
            return Err("leave the name and password out of the address; use `keyward login`".to_owned());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err("leave out what follows the host and port".to_owned());
        }
        let host = authority.host().to_ascii_lowercase();
        let has_port = authority.as_str().len() > host.len();
        if has_port && authority.port_u16().is_none() {
            return Err(wanted());
        }
        let default_port = if secure { 443 } else { 80 };
        let port = authority.port_u16().filter(|port| *port != default_port);
        let authority = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Ok(Self { secure, authority, loopback: is_loopback(&host) })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let by_address = bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    // RFC 6761, section 6.3: localhost and what is below it never leaves the machine.
    by_address || host == "localhost" || host.ends_with(".localhost")
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_same_server_are_written_the_same() {
        for (text, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://Keys.Example.com:443/", "https://keys.example.com"),
            ("HTTP://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for text in [
            "",
            "127.0.0.1:8080",
            "ftp://a",
            "https://",
            "https:///x",
            "https://u:p@a",
            "https://a/console",
            "https://a/?x=1",
            "https://a b",
            "https://a:99999",
            "https://a:",
        ] {
            assert!(text.parse::<ServerUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_is_recognised() {
        for (text, loopback) in [
            ("http://127.0.0.1", true),
            ("http://127.8.9.1:1", true),
            ("http://[::1]:8080", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost:8080", true),
            ("http://127.0.0.1.example.com", false),
            ("http://notlocalhost", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
