//! The session's cookie. `__Host-` makes browsers insist on HTTPS, on this host alone and on every path.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use keyward_core::secret::PlainSecret;
use keyward_service::sign_in::SESSION_SECONDS;

/// The cookie's name.
pub const COOKIE_NAME: &str = "__Host-keyward_session";

/// The token of the session that a request brings.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

/// `Set-Cookie` for a new session.
pub fn session_cookie(token: &PlainSecret) -> Option<HeaderValue> {
    let text = format!(
        "{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={SESSION_SECONDS}",
        token.expose()
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `Set-Cookie` that ends a session in the browser.
pub fn clear_session_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-keyward_session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}
