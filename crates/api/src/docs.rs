//! The reference of the API, for people: Swagger UI, wholly embedded. It asks no other host for anything.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::{Config, Url};

use crate::state::Api;

/// Only what this server serves itself; nobody may put the page into a frame. The one inline style is that of
/// the logo in Swagger UI's bar, known by its digest.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
                      'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The documents that are served: JSON texts.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The control plane's.
    pub control_plane: Arc<str>,
    /// The data plane's.
    pub data_plane: Arc<str>,
}

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/docs", get(|| async { Redirect::permanent("/api/docs/") }))
        .route(
            "/api/docs/",
            get(|| async { (security_headers(), Html(include_str!("../assets/docs.html"))) }),
        )
        .route(
            "/api/docs/openapi.json",
            get(|State(api): State<Arc<Api>>| async move { json(&api.documents.control_plane) }),
        )
        .route(
            "/api/docs/data-plane.json",
            get(|State(api): State<Arc<Api>>| async move { json(&api.documents.data_plane) }),
        )
        .route("/api/docs/{*file}", get(|Path(file): Path<String>| async move { asset(&file) }))
}

fn json(document: &Arc<str>) -> Response {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (headers, document.to_string()).into_response()
}

/// A file of Swagger UI's.
fn asset(file: &str) -> Response {
    let urls = [Url::new("Control plane", "openapi.json"), Url::new("Data plane", "data-plane.json")];
    // The default validator badge and OAuth page would ask other hosts.
    let config = Config::new(urls).validator_url("none").display_request_duration(true);
    match utoipa_swagger_ui::serve(file, Arc::new(config)) {
        Ok(Some(found)) => {
            // Those that lie in the binary are sent from there: the largest has 1.5 MB.
            let bytes = match found.bytes {
                Cow::Borrowed(embedded) => Bytes::from_static(embedded),
                Cow::Owned(made) => Bytes::from(made),
            };
            (security_headers(), [(CONTENT_TYPE, found.content_type)], bytes).into_response()
        }
        Ok(None) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn security_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bytes_of(file: &str) -> Bytes {
        axum::body::to_bytes(asset(file).into_body(), usize::MAX).await.expect("a file")
    }

    #[tokio::test]
    async fn an_embedded_file_is_not_copied() {
        let [first, second] =
            [bytes_of("swagger-ui-bundle.js").await, bytes_of("swagger-ui-bundle.js").await];
        assert!(first.len() > 1_000_000);
        assert_eq!(first.as_ptr(), second.as_ptr());
    }

    #[tokio::test]
    async fn the_made_file_names_the_documents() {
        let text = bytes_of("swagger-initializer.js").await;
        assert!(String::from_utf8_lossy(&text).contains("data-plane.json"));
    }
}
