//! Paths that nobody has.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::Console;
use crate::stop::{Reason, Stop};

/// People in a browser get a page. Programs, and whoever asks the API, get the bare status, which the
/// outermost layer writes down as a problem.
pub(crate) async fn show(State(console): State<Arc<Console>>, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path().starts_with("/api/") || !wants_page(&headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Stop::new(&console, Reason::Missing).into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|kind| kind.trim_start().starts_with("text/html"))
}
