//! Whether the node lives, whether it may decide, and how it is doing.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use keyward_wire::problem::Problem;

use crate::answer::{Answer, NO_STORE, Trouble};
use crate::gateway::Gateway;
use crate::metrics::exposition;

/// The process answers. Nothing else is looked at: what fails this gets restarted.
#[utoipa::path(
    get, path = "/livez", tag = "node", operation_id = "livez", summary = "Whether the process lives",
    responses(
        (status = 200, description = "It does", content_type = "text/plain", body = String),
        (status = 405, description = "Another method", content_type = "application/problem+json", body = Problem),
        (status = 431, description = "Headers too long", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(crate) fn livez() -> Answer {
    plain("text/plain; charset=utf-8", "alive\n".to_owned())
}

/// The node has loaded what it needs and may decide.
#[utoipa::path(
    get, path = "/readyz", tag = "node", operation_id = "readyz", summary = "Whether the node may decide",
    responses(
        (status = 200, description = "It may", content_type = "text/plain", body = String),
        (status = 405, description = "Another method", content_type = "application/problem+json", body = Problem),
        (status = 431, description = "Headers too long", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "Not yet, or not any more (`unavailable`)",
            content_type = "application/problem+json", body = Problem),
    ),
)]
pub(crate) fn readyz(gateway: &Gateway) -> Result<Answer, Trouble> {
    let detail = if !gateway.verifier.replica().is_loaded() {
        "the keys are not loaded yet"
    } else if gateway.verifier.lease().is_withheld() {
        "the store was put back from a backup; nothing is accepted until the operator confirms it (`keyward store confirm`)"
    } else if !gateway.verifier.is_ready((gateway.sources.boot_time)()) {
        "the control plane has not been heard from for too long"
    } else {
        return Ok(plain("text/plain; charset=utf-8", "ready\n".to_owned()));
    };
    Err(Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail))
}

/// Counters in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "node", operation_id = "metrics", summary = "Counters for Prometheus",
    responses(
        (status = 200, description = "The counters", content_type = "text/plain", body = String),
        (status = 405, description = "Another method", content_type = "application/problem+json", body = Problem),
        (status = 431, description = "Headers too long", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(crate) fn metrics(gateway: &Gateway) -> Answer {
    plain("text/plain; version=0.0.4; charset=utf-8", exposition(gateway))
}

fn plain(content_type: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}
