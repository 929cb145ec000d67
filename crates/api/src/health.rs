//! Whether the process lives, and whether it can answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::state::Api;

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(readyz))
}

async fn readyz(State(api): State<Arc<Api>>) -> (StatusCode, &'static str) {
    if (api.ready)() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}
