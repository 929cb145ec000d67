//! Answers: what goes back over the wire.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use keyward_core::field::FieldError;
use keyward_core::rate::Quota;
use keyward_wire::problem::{FieldProblem, PROBLEM_JSON, Problem, TYPE_PREFIX};
use keyward_wire::rate::{self, RATE_LIMIT, RATE_LIMIT_POLICY};
use serde::Serialize;

/// An answer, whole and in memory.
pub(crate) type Answer = Response<Full<Bytes>>;

pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The media type of answers and questions.
pub(crate) const JSON: &str = "application/json";

/// The code of an answer that could not be given.
const STALE: &str = "stale_authority";

/// What a key has left of its limit, as headers. `is_over`: it has nothing left, and was refused for that.
pub(crate) fn quota_headers(quota: &Quota, is_over: bool) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let policy = (HeaderName::from_static(RATE_LIMIT_POLICY), rate::policy(quota));
    let standing = (HeaderName::from_static(RATE_LIMIT), rate::standing(quota));
    let retry_after = is_over.then(|| (RETRY_AFTER, quota.resets_in_seconds.to_string()));
    let headers = [policy, standing].into_iter().chain(retry_after);
    headers.filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?)))
}

/// An answer, written down.
pub(crate) fn as_json(body: &impl Serialize) -> Result<Answer, Trouble> {
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, body).map_err(|_| {
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the answer could not be written")
    })?;
    let mut answer = Response::new(Full::new(Bytes::from(json)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    Ok(answer)
}

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) errors: Vec<FieldProblem>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Trouble {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 422, with what is wrong with which field.
    pub(crate) fn invalid(errors: Vec<FieldProblem>) -> Self {
        let detail = "the question has mistakes; errors says which";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail) }
    }

    /// 422, about one field.
    pub(crate) fn invalid_field(error: &FieldError) -> Self {
        Self::invalid(vec![error.into()])
    }

    /// 503: the node has not heard from the control plane for too long to be sure of anything.
    pub(crate) fn stale() -> Self {
        let detail = "this node may not decide until it has heard from the control plane again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, STALE, detail)
            .with(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 503: the bodies that are being read take all the room there is for them.
    pub(crate) fn overloaded() -> Self {
        let detail = "too many long questions are being read at once; ask again, or ask about less at once";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .with(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Whether it is [`Self::stale`].
    pub(crate) fn is_stale(&self) -> bool {
        self.code == STALE
    }

    /// As it is written down, without its headers.
    pub(crate) fn into_problem(self, request_id: &str) -> Problem {
        Problem {
            type_: format!("{TYPE_PREFIX}{}", self.code),
            title: title(self.code).to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.into_owned(),
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors,
        }
    }

    pub(crate) fn into_answer(mut self, request_id: &str) -> Answer {
        let (status, own_headers) = (self.status, std::mem::take(&mut self.headers));
        let body = serde_json::to_vec(&self.into_problem(request_id)).unwrap_or_default();
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, NO_STORE);
        for (name, value) in own_headers {
            headers.append(name, value);
        }
        answer
    }
}

/// 422: these are wrong.
impl From<Vec<FieldError>> for Trouble {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors.iter().map(Into::into).collect())
    }
}

/// The kind of problem in words, the same for every problem of the kind.
fn title(code: &str) -> &'static str {
    match code {
        "malformed_request" => "The request cannot be read",
        "validation_failed" => "The request has mistakes",
        "payload_too_large" => "The body is too long",
        "headers_too_large" => "The headers are too long",
        "method_not_allowed" => "The method does not fit",
        "unsupported_media_type" => "The body is of the wrong type",
        "request_timeout" => "The body took too long",
        "not_found" => "There is nothing here",
        "unauthenticated" => "No key was given",
        "invalid_key" => "The key does not work",
        "insufficient_scope" => "The key lacks a scope",
        "forbidden" => "The request is not allowed",
        "plan_required" => "The plan has no API keys",
        "rate_limited" => "Too many requests",
        STALE => "The node may not decide now",
        "upgrade_refused" => "Upgrades are not passed on",
        "upstream_unreachable" => "The product cannot be reached",
        "upstream_timeout" => "The product does not answer",
        "unavailable" => "The node cannot answer now",
        _ => "Something went wrong inside",
    }
}
