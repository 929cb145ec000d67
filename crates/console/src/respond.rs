//! Pages as answers: what every page of the console has around it and in its headers.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    SET_COOKIE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::note::Note;

/// Only what this server serves itself, nothing inline; nobody may put a page into a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page, written down.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, page_headers(), html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page that also sets or takes away a cookie.
pub(crate) fn page_with_cookie(
    status: StatusCode,
    template: &impl Template,
    cookie: HeaderValue,
) -> Response {
    let mut response = page(status, template);
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

/// A page that says what was done on the one before, once.
pub(crate) fn page_after(note: Option<Note>, template: &impl Template) -> Response {
    match note {
        None => page(StatusCode::OK, template),
        Some(_) => page_with_cookie(StatusCode::OK, template, Note::gone()),
    }
}

/// On to an address of ours (RFC 9110, section 15.4.4).
pub(crate) fn go_to(address: &str) -> Response {
    let mut response = (StatusCode::SEE_OTHER, page_headers()).into_response();
    // Addresses of ours are plain.
    let location = HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}

/// The same, to a page that says what was done.
pub(crate) fn go_saying(note: Note, address: &str) -> Response {
    let mut response = go_to(address);
    response.headers_mut().insert(SET_COOKIE, note.cookie());
    response
}

/// On to the front page, with a new cookie if there is one (RFC 9110, section 15.4.4).
pub(crate) fn go_home(cookie: Option<HeaderValue>) -> Response {
    let mut response = go_to("/");
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn page_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // Not "no-referrer": under it browsers write "Origin: null" into our own forms' requests, and those
        // that do not send Sec-Fetch-Site could not prove that they come from here.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ])
}
