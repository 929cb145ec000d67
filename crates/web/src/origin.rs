//! Whether a request that a browser sent comes from our own pages. A cookie travels with every request that
//! a browser makes to us, also with those that another site made it send.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};

/// What the headers say about who made the browser send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Our own pages.
    Us,
    /// Another site.
    Others,
    /// They do not say: no browser, or a very old one.
    Unsaid,
}

/// Whether a method changes nothing (RFC 9110, section 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Reads `Sec-Fetch-Site`, which no page can forge, and else compares `Origin` with what the request was
/// sent to. `none`, a person's own doing (an address that was typed), says of neither site that it is ours.
pub fn sent_by(headers: &HeaderMap, public_url: &str) -> Sender {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"same-origin") => return Sender::Us,
        Some(b"none") | None => {}
        Some(_) => return Sender::Others,
    }
    let Some(origin) = headers.get(ORIGIN) else { return Sender::Unsaid };
    let Ok(origin) = origin.to_str() else { return Sender::Others };
    let ours = origin == public_url || sent_to(headers).is_some_and(|host| host_of(origin) == Some(host));
    if ours { Sender::Us } else { Sender::Others }
}

fn sent_to(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

fn host_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&'static str, &str)]) -> Sender {
        let mut headers = HeaderMap::from_iter([(HOST, "127.0.0.1:8080".parse().unwrap())]);
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        sent_by(&headers, "https://keys.example.com")
    }

    #[test]
    fn browsers_say_where_a_request_comes_from() {
        assert_eq!(from(&[("sec-fetch-site", "same-origin")]), Sender::Us);
        assert_eq!(from(&[("sec-fetch-site", "none")]), Sender::Unsaid);
        assert_eq!(from(&[("sec-fetch-site", "none"), ("origin", "http://127.0.0.1:8080")]), Sender::Us);
        assert_eq!(from(&[("sec-fetch-site", "none"), ("origin", "http://evil.example")]), Sender::Others);
        assert_eq!(from(&[("sec-fetch-site", "same-site")]), Sender::Others);
        assert_eq!(
            from(&[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8080")]),
            Sender::Others
        );
    }

    #[test]
    fn an_origin_must_be_the_address_that_was_asked() {
        assert_eq!(from(&[("origin", "http://127.0.0.1:8080")]), Sender::Us);
        assert_eq!(from(&[("origin", "https://keys.example.com")]), Sender::Us);
        for other in
            ["null", "http://127.0.0.1:8081", "https://evil.example", "http://127.0.0.1:8080.evil.example"]
        {
            assert_eq!(from(&[("origin", other)]), Sender::Others, "{other}");
        }
        assert_eq!(from(&[]), Sender::Unsaid);
    }
}
