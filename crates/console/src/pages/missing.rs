//! Paths that nobody has.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::Console;
use crate::stop::{Reason, Stop};
use crate::visitor::Member;

/// People in a browser get a page, with their navigation around it if they are signed in. Programs, and whoever asks the API, get the bare status, which the
/// outermost layer writes down as a problem.
pub(crate) async fn show(State(console): State<Arc<Console>>, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") || !wants_page(request.headers()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (mut parts, _) = request.into_parts();
    match Member::from_request_parts(&mut parts, &console).await {
        Ok(member) => member.stop(Reason::Missing).into_response(),
        Err(_) => Stop::new(&console, Reason::Missing).into_response(),
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|kind| kind.trim_start().starts_with("text/html"))
}
