//! Answers to what did not work. A handler returns a [`Failure`]; the outermost layer writes it down as
//! problem+json, with the request's identifier.

use std::time::Duration;

use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::rate::{OverLimit, Quota};
use keyward_service::refusal::Refusal;
use keyward_wire::problem::{FieldProblem, Problem, TYPE_PREFIX};
use keyward_wire::rate::{self, RATE_LIMIT, RATE_LIMIT_POLICY};
use keyward_wire::strict::StrictError;

/// When a client may ask again after a passing fault.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request was not answered as it wished.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operation did not happen.
    Refused(Refusal),
    /// A key that does not work, and why is not told.
    InvalidKey,
    /// The request cannot be understood.
    Malformed(String),
    /// Fields of the request will not do.
    Invalid(Vec<FieldProblem>),
    /// The body is too long.
    TooLarge(usize),
    /// The headers are too long.
    HeadersTooLarge(usize),
    /// The body took longer than this.
    TimedOut(Duration),
    /// The body comes at less than so many bytes a second.
    TooSlow(u64),
    /// The body is not JSON.
    NotJson,
    /// A cookie came from another site.
    NotSameOrigin,
    /// A body is not signed as it must be. Why is not told: that would help to forge one.
    InvalidSignature,
    /// Nothing is at this address.
    NoRoute,
    /// Nothing is done with this method here.
    NoMethod,
}

impl Failure {
    pub(crate) fn malformed(detail: &str) -> Self {
        Self::Malformed(detail.to_owned())
    }

    pub(crate) fn field(field: &str, code: FieldCode, message: &str) -> Self {
        Self::Invalid(vec![FieldProblem::from(&FieldError::new(field, code, message))])
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StrictError> for Failure {
    fn from(error: StrictError) -> Self {
        match error {
            StrictError::Malformed { line, column } => {
                Self::Malformed(format!("the body is not JSON: line {line}, column {column}"))
            }
            StrictError::Field(problem) => Self::Invalid(vec![problem]),
        }
    }
}

/// A problem without its request, on its way to the outermost layer.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    code: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
}

/// The scope that a key lacked, for the usage log.
#[derive(Debug, Clone)]
pub(crate) struct Missing(pub(crate) String);

impl Draft {
    /// What programs know it by.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What a status says that came without a problem of its own.
    pub(crate) fn of_status(status: StatusCode) -> Option<Failure> {
        match status {
            StatusCode::NOT_FOUND => Some(Failure::NoRoute),
            StatusCode::METHOD_NOT_ALLOWED => Some(Failure::NoMethod),
            StatusCode::PAYLOAD_TOO_LARGE => Some(Failure::TooLarge(crate::extract::BODY_LEN_MAX)),
            StatusCode::BAD_REQUEST => Some(Failure::malformed("the request cannot be understood")),
            _ => None,
        }
    }

    /// Completes it.
    pub(crate) fn finish(self, status: StatusCode, request_id: &str) -> Problem {
        Problem {
            type_: format!("{TYPE_PREFIX}{}", self.code),
            title: self.title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors,
        }
    }
}

/// A refusal of one thing among several, as part of an answer.
pub(crate) fn problem_of(refusal: Refusal, request_id: &str) -> Problem {
    let (status, _, draft) = describe_refusal(refusal);
    draft.finish(status, request_id)
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let missing = match &self {
            Self::Refused(Refusal::InsufficientScope { missing }) => Some(Missing(missing.clone())),
            _ => None,
        };
        let (status, headers, draft) = describe(self);
        let mut response = (status, headers).into_response();
        if let Some(missing) = missing {
            response.extensions_mut().insert(missing);
        }
        response.extensions_mut().insert(draft);
        response
    }
}

fn describe(failure: Failure) -> (StatusCode, HeaderMap, Draft) {
    let (status, code, title, detail, errors) = match failure {
        Failure::Refused(refusal) => return describe_refusal(refusal),
        Failure::InvalidKey => return describe_refusal(Refusal::InvalidKey),
        Failure::Malformed(detail) => {
            (StatusCode::BAD_REQUEST, "malformed_request", "The request cannot be understood", detail, vec![])
        }
        Failure::Invalid(errors) => {
            let detail = summary(&errors);
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "Some fields will not do", detail, errors)
        }
        Failure::TooLarge(max) => {
            let detail = format!("the body is longer than {max} bytes; send a shorter one");
            (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too long", detail, vec![])
        }
        Failure::HeadersTooLarge(max) => {
            let detail = format!("the headers are longer than {max} bytes; send shorter ones");
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            (status, "headers_too_large", "The headers are too long", detail, vec![])
        }
        Failure::TimedOut(max) => {
            let detail = format!("the whole body is to be here within {} seconds", max.as_secs());
            (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The body took too long", detail, vec![])
        }
        Failure::TooSlow(least) => {
            let detail =
                format!("the body is to come at {least} bytes a second at least; send a shorter one");
            (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The body took too long", detail, vec![])
        }
        Failure::NotJson => {
            let detail =
                "send the body as JSON, with the header \"Content-Type: application/json\"".to_owned();
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            (status, "unsupported_media_type", "The body is not JSON", detail, vec![])
        }
        Failure::NotSameOrigin => {
            let detail = "a request with a session cookie that changes something must come from this site: send \"Sec-Fetch-Site: same-origin\" or this site's \"Origin\", or use an API key".to_owned();
            (StatusCode::FORBIDDEN, "forbidden", "The request may not be made", detail, vec![])
        }
        Failure::InvalidSignature => {
            let detail = "the body was not signed with this endpoint's secret within the last five minutes; the server's log says more".to_owned();
            (StatusCode::BAD_REQUEST, "invalid_signature", "The signature is not valid", detail, vec![])
        }
        Failure::NoRoute => {
            let detail = "nothing is at this address; /api/docs/ lists what there is".to_owned();
            (StatusCode::NOT_FOUND, "not_found", "It was not found", detail, vec![])
        }
        Failure::NoMethod => {
            let detail =
                "this address does not take this method; the Allow header lists those it takes".to_owned();
            (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The method is not allowed",
                detail,
                vec![],
            )
        }
    };
    (status, HeaderMap::new(), Draft { code, title, detail, errors })
}

fn describe_refusal(refusal: Refusal) -> (StatusCode, HeaderMap, Draft) {
    let detail = refusal.to_string();
    let mut errors = Vec::new();
    let mut headers = HeaderMap::new();
    let (status, code, title) = match refusal {
        Refusal::Unauthenticated | Refusal::WrongCredentials => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"keyward\""));
            (StatusCode::UNAUTHORIZED, "unauthenticated", "You are not signed in")
        }
        Refusal::InvalidKey => {
            let value = HeaderValue::from_static("Bearer realm=\"keyward\", error=\"invalid_token\"");
            headers.insert(WWW_AUTHENTICATE, value);
            (StatusCode::UNAUTHORIZED, "invalid_key", "The API key is not valid")
        }
        Refusal::InsufficientScope { missing } => {
            insert(&mut headers, WWW_AUTHENTICATE, insufficient_scope(&missing));
            (StatusCode::FORBIDDEN, "insufficient_scope", "The API key lacks a scope")
        }
        Refusal::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "The request may not be made"),
        Refusal::PlanRequired(_) => (StatusCode::FORBIDDEN, "plan_required", "The plan does not have it"),
        Refusal::NotFound(_) => (StatusCode::NOT_FOUND, "not_found", "It was not found"),
        Refusal::Conflict(_) => (StatusCode::CONFLICT, "conflict", "It contradicts what is there"),
        Refusal::PreconditionFailed => {
            (StatusCode::PRECONDITION_FAILED, "precondition_failed", "It was changed meanwhile")
        }
        Refusal::Invalid(fields) => {
            errors = fields.iter().map(FieldProblem::from).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "Some fields will not do")
        }
        Refusal::RateLimited(OverLimit(quota)) => {
            headers.extend(quota_headers(&quota));
            insert(&mut headers, RETRY_AFTER, quota.resets_in_seconds.to_string());
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "The key asks too often")
        }
        Refusal::TooMany { retry_after_seconds, .. } => {
            insert(&mut headers, RETRY_AFTER, retry_after_seconds.to_string());
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many")
        }
        Refusal::Busy(_) => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Too much at once")
        }
        Refusal::Unavailable(error) => {
            tracing::error!(%error, "the store is unavailable");
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The store is unavailable")
        }
        Refusal::Internal(error) => {
            tracing::error!(%error, "internal error");
            (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Keyward made a mistake")
        }
    };
    (status, headers, Draft { code, title, detail, errors })
}

/// What a key has left of its limit.
pub(crate) fn quota_headers(quota: &Quota) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
    let policy = (HeaderName::from_static(RATE_LIMIT_POLICY), rate::policy(quota));
    let standing = (HeaderName::from_static(RATE_LIMIT), rate::standing(quota));
    let headers = [policy, standing].into_iter();
    headers.filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?)))
}

/// RFC 6750, section 3.1.
fn insufficient_scope(missing: &str) -> String {
    format!("Bearer realm=\"keyward\", error=\"insufficient_scope\", scope=\"{missing}\"")
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

fn summary(errors: &[FieldProblem]) -> String {
    match errors {
        [one] => format!("{}: {}", one.field, one.message),
        several => format!("{} fields will not do", several.len()),
    }
}
