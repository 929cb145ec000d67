//! Errors as RFC 9457 writes them, with the challenges of RFC 6750.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// When a client may ask again, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request was not answered as it wished.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    header: Option<(HeaderName, String)>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: &str) -> Self {
        Self { status, code, detail: detail.to_owned(), header: None }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    pub(crate) fn no_key() -> Self {
        let detail = "send an API key as \"Authorization: Bearer …\" or \"X-API-Key: …\"";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with(WWW_AUTHENTICATE, "Bearer realm=\"products\"")
    }

    pub(crate) fn two_keys() -> Self {
        let detail = "two different API keys were sent; send one";
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
    }

    pub(crate) fn invalid_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_key", "the API key is not valid")
            .with(WWW_AUTHENTICATE, "Bearer realm=\"products\", error=\"invalid_token\"")
    }

    /// `missing` is `None` where Keyward's routes table has no such request.
    pub(crate) fn insufficient_scope(missing: Option<&str>) -> Self {
        let missing = missing.unwrap_or_default();
        let detail = format!("the API key lacks {}", if missing.is_empty() { "the right" } else { missing });
        let scope = if missing.is_empty() { String::new() } else { format!(", scope=\"{missing}\"") };
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", &detail)
            .with(WWW_AUTHENTICATE, format!("Bearer realm=\"products\", error=\"insufficient_scope\"{scope}"))
    }

    pub(crate) fn rate_limited() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "the API key asks too often; slow down")
            .with(RETRY_AFTER, RETRY_AFTER_SECONDS)
    }

    pub(crate) fn unavailable() -> Self {
        let detail = "it cannot be told now whether the API key may do this; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .with(RETRY_AFTER, RETRY_AFTER_SECONDS)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "it was not found")
    }

    pub(crate) fn invalid(detail: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail)
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "malformed_request", &rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or_default();
        let body = json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(),
            "code": self.code, "detail": self.detail,
        });
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))]);
        if let Some((name, value)) = self.header
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
        (self.status, headers, Json(body)).into_response()
    }
}
