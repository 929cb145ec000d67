//! What a request's headers become on their way to the product, and an answer's on their way back.

use std::net::IpAddr;

use http::header::{
    AUTHORIZATION, CONNECTION, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use keyward_verifier::Identity;

use crate::authorize::identity_headers;
use crate::gateway::Gateway;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers that are about one connection (RFC 9110, section 7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What a name of ours starts with.
const OURS: &str = "x-keyward-";

/// Whether the request wants to leave HTTP.
pub(super) fn asks_to_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
}

/// Removes what is about one connection.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Makes of a client's headers what the product gets: nothing of the connection, no key, who it is in place of whatever the
/// client wrote, and where it came from.
pub(super) fn pass_on(
    gateway: &Gateway,
    peer: IpAddr,
    headers: &mut HeaderMap,
    uri: &Uri,
    identity: &Identity,
) {
    let is_trusted = gateway.settings.trusts(peer);
    strip_hop_by_hop(headers);
    // The client has been told to go on by the server that it is connected to.
    for name in [EXPECT, AUTHORIZATION, API_KEY] {
        headers.remove(name);
    }
    remove_all(headers, |name| begins(name, OURS));
    headers.extend(identity_headers(gateway, identity));
    // An address in absolute form has the host that counts (RFC 9112, section 3.2.2).
    let host = uri.authority().and_then(|authority| HeaderValue::from_str(authority.host()).ok());
    if let Some(host) =
        uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()).or(host)
    {
        headers.insert(HOST, host);
    }
    if !is_trusted {
        remove_all(headers, says_where_from);
    }
    let before = headers.get(FORWARDED_FOR).and_then(|chain| chain.to_str().ok());
    let chain = before.map_or_else(|| peer.to_string(), |before| format!("{before}, {peer}"));
    if let Ok(chain) = HeaderValue::try_from(chain) {
        headers.insert(FORWARDED_FOR, chain);
    }
    if let Some(host) = headers.get(HOST).cloned() {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
}

/// Removes every header whose name is one of those.
fn remove_all(headers: &mut HeaderMap, is_one: impl Fn(&HeaderName) -> bool) {
    let named: Vec<HeaderName> = headers.keys().filter(|name| is_one(name)).cloned().collect();
    for name in named {
        headers.remove(name);
    }
}

/// Whether it is a header by which proxies say where a request came from and what it was, in any of their ways to write it.
fn says_where_from(name: &HeaderName) -> bool {
    ["forwarded", "x-forwarded-", "x-original-", "x-real-ip"].into_iter().any(|word| begins(name, word))
}

/// Whether a name begins so, also where a product that goes by CGI's names would read it so.
fn begins(name: &HeaderName, with: &str) -> bool {
    let alike = |(ours, theirs): (u8, u8)| ours == theirs || (ours == b'-' && theirs == b'_');
    name.as_str().len() >= with.len() && with.bytes().zip(name.as_str().bytes()).all(alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_connection_goes_and_the_rest_stays() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("connection", "keep-alive"),
            ("keep-alive", "5"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        assert!(asks_to_upgrade(&headers));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn names_like_ours_are_known_however_they_are_written() {
        for name in ["x-keyward-key-id", "x_keyward_scopes", "x-keyward_", "x-keyward-new"] {
            assert!(begins(&HeaderName::from_static(name), OURS), "{name}");
        }
        for name in ["x-keyward", "x-keywords-a", "keyward-x", "accept"] {
            assert!(!begins(&HeaderName::from_static(name), OURS), "{name}");
        }
    }

    #[test]
    fn what_says_where_a_request_came_from_is_known_in_every_proxys_words() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-prefix",
            "x_forwarded_port",
            "x-original-uri",
            "x-original-method",
            "x-real-ip",
            "x_real_ip",
        ] {
            assert!(says_where_from(&HeaderName::from_static(name)), "{name}");
        }
        for name in ["x-request-id", "x-originated-by", "for", "from"] {
            assert!(!says_where_from(&HeaderName::from_static(name)), "{name}");
        }
    }
}
