//! Why a node gets no answer.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use keyward_core::id::RequestId;
use keyward_service::clock::{Clock as _, SystemClock, unix_ms};
use keyward_service::entropy;
use keyward_wire::problem::{PROBLEM_JSON, Problem, TYPE_PREFIX};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a node gets no answer.
#[derive(Debug)]
pub(super) enum Refused {
    /// It shows no credential, or none that counts.
    Credential,
    /// Its question cannot be understood.
    Question(String),
    /// It knows more than the store.
    Ahead(String),
    /// The store cannot be read now.
    Unavailable(String),
    /// There is nothing at this address.
    Nothing,
}

pub(super) async fn nothing_here() -> Refused {
    Refused::Nothing
}

/// Names each request, in its answer and in its problem. Answers are not logged: there are two a second of each node.
pub(super) async fn named(request: Request, next: Next) -> Response {
    // Without randomness it is the time alone: it names a request and guards nothing.
    let id = RequestId::new(unix_ms(SystemClock.now()), entropy::bytes().unwrap_or_default()).to_string();
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id.clone_from(&id);
        if !is_head {
            *response.body_mut() = serde_json::to_vec(&problem).unwrap_or_default().into();
        }
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, title, detail) = match self {
            Self::Credential => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The credential does not count",
                "show one of the credentials in feed.credentials of the control plane, as a bearer token"
                    .to_owned(),
            ),
            Self::Question(detail) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "The question has mistakes", detail)
            }
            Self::Ahead(detail) => (StatusCode::CONFLICT, "conflict", "The node knows more", detail),
            Self::Unavailable(detail) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The store cannot be read", detail)
            }
            Self::Nothing => {
                let detail = "the feed has /feed/v1/changes, /feed/v1/snapshot and /feed/v1/uses".to_owned();
                (StatusCode::NOT_FOUND, "not_found", "There is nothing here", detail)
            }
        };
        let problem = Problem {
            type_: format!("{TYPE_PREFIX}{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            code: code.to_owned(),
            request_id: String::new(),
            errors: Vec::new(),
        };
        let mut response = (status, [(CONTENT_TYPE, PROBLEM_JSON)]).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"keyward feed\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(problem);
        response
    }
}
