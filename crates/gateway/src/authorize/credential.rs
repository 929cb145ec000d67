//! The key of a request, and keys where none may be.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use keyward_core::secret::SecretFormat;
use percent_encoding::percent_decode_str;

use crate::bounds::PARAMETERS_MAX;

const API_KEY: &str = "x-api-key";
/// Stands for a header value that no key can be; it is refused like any other malformed key.
const UNREADABLE: &str = "";

/// What a request presents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    /// Nothing.
    Missing,
    /// One key, however often.
    One(&'a str),
    /// Two that differ: whoever stands behind might read the other one.
    Conflicting,
}

impl<'a> Credential<'a> {
    /// Reads `Authorization: Bearer` and `X-API-Key`. An `Authorization` of another scheme is the product's
    /// affair, unless there are two of them that differ.
    pub(super) fn read(headers: &'a HeaderMap) -> Self {
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        if let Some(first) = authorizations.next()
            && authorizations.any(|other| other != first)
        {
            return Self::Conflicting;
        }
        let bearers = headers.get(AUTHORIZATION).into_iter().filter_map(bearer);
        let api_keys = headers.get_all(API_KEY).iter().map(|value| value.to_str().unwrap_or(UNREADABLE));
        let mut presented = bearers.chain(api_keys);
        let Some(first) = presented.next() else { return Self::Missing };
        if presented.all(|other| other == first) { Self::One(first) } else { Self::Conflicting }
    }
}

/// The token of `Bearer <token>`; the scheme in any case (RFC 9110, section 11.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let bytes = value.as_bytes();
    let (scheme, rest) = bytes.split_at_checked("bearer".len())?;
    let ends = rest.first().is_none_or(|b| *b == b' ');
    (scheme.eq_ignore_ascii_case(b"bearer") && ends)
        .then(|| value.to_str().ok().and_then(|text| text.get(scheme.len()..)).map_or(UNREADABLE, str::trim))
}

/// Whether a query has a key of ours as the value of any parameter. Addresses end up in logs, histories and
/// `Referer` headers. A query with too many parameters to look at counts as one that has.
pub(crate) fn holds_key(format: &SecretFormat, query: &str) -> bool {
    let is_key = |parameter: &str| format.is_in(&percent_decode_str(parameter).decode_utf8_lossy());
    query.split(['&', ';']).take(PARAMETERS_MAX).any(is_key)
        || query.split(['&', ';']).nth(PARAMETERS_MAX).is_some()
}

#[cfg(test)]
mod tests {
    use keyward_core::secret::Encoding;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_key_is_found_in_either_header() {
        for pairs in [
            &[("authorization", "Bearer abc")][..],
            &[("authorization", "bEaReR   abc ")],
            &[("x-api-key", "abc")],
            &[("x-api-key", "abc"), ("authorization", "Bearer abc")],
            &[("x-api-key", "abc"), ("x-api-key", "abc")],
            &[("x-api-key", "abc"), ("authorization", "Basic eDp5")],
        ] {
            assert!(Credential::read(&headers(pairs)) == Credential::One("abc"), "{pairs:?}");
        }
    }

    #[test]
    fn two_that_differ_conflict() {
        for pairs in [
            &[("x-api-key", "abc"), ("authorization", "Bearer abd")][..],
            &[("x-api-key", "abc"), ("x-api-key", "abd")],
            &[("authorization", "Bearer abc"), ("authorization", "Bearer abd")],
            &[("authorization", "Basic abc"), ("authorization", "Bearer abc")],
            &[("x-api-key", ""), ("authorization", "Bearer abc")],
        ] {
            assert!(Credential::read(&headers(pairs)) == Credential::Conflicting, "{pairs:?}");
        }
    }

    #[test]
    fn without_a_key_there_is_none() {
        for pairs in [&[][..], &[("authorization", "Basic eDp5")], &[("authorization", "Bearerabc")]] {
            assert!(Credential::read(&headers(pairs)) == Credential::Missing, "{pairs:?}");
        }
        assert!(Credential::read(&headers(&[("authorization", "Bearer")])) == Credential::One(""));
    }

    #[test]
    fn a_key_in_a_query_is_noticed_however_it_is_written() {
        let format = SecretFormat::new("kw_", Encoding::Base62).unwrap();
        let secret = format.mint(&[5; 32]);
        let key = secret.expose();
        let encoded = key.replace('_', "%5f");
        for query in [
            format!("api_key={key}"),
            format!("a=b&token={encoded}"),
            format!("x;key={key}&"),
            key.to_owned(),
        ] {
            assert!(holds_key(&format, &query));
        }
        for query in ["", "page=2&token=opaque", "kw=1&key=kw_short"] {
            assert!(!holds_key(&format, query), "{query}");
        }
        assert!(holds_key(&format, &"&".repeat(PARAMETERS_MAX)), "too many to look at");
    }
}
