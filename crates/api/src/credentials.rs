//! The key that a request brings: `Authorization: Bearer …` or `X-API-Key` (CER-8), in every profile.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::problem::Failure;

/// The name of the other header.
const X_API_KEY: &str = "x-api-key";

/// The key that a request brings. The same key twice is fine; two different ones are a mistake.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut found: Option<&str> = None;
    for value in headers.get_all(AUTHORIZATION) {
        if is_basic(value.as_bytes()) {
            // A proxy's own password in front of the console: no API key, good or bad.
            continue;
        }
        found = agree(found, bearer(value.as_bytes()).ok_or(Failure::InvalidKey)?)?;
    }
    for value in headers.get_all(X_API_KEY) {
        let text = value.to_str().map_err(|_| Failure::InvalidKey)?.trim();
        found = agree(found, text)?;
    }
    Ok(found)
}

fn agree<'h>(found: Option<&'h str>, text: &'h str) -> Result<Option<&'h str>, Failure> {
    match found {
        Some(other) if other != text => Err(Failure::malformed(
            "two different API keys were sent; send one, in Authorization or in X-API-Key",
        )),
        Some(_) | None => Ok(Some(text)),
    }
}

fn is_basic(value: &[u8]) -> bool {
    value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
