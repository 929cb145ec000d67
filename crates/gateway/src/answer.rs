//! Answers: what goes back over the wire.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
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

/// What a key has left of its limit.
pub(crate) const QUOTA: [HeaderName; 2] =
    [HeaderName::from_static(RATE_LIMIT_POLICY), HeaderName::from_static(RATE_LIMIT)];

/// The values of [`QUOTA`].
pub(crate) fn quota_values(quota: &Quota) -> [HeaderValue; 2] {
    [rate::policy(quota), rate::standing(quota)].map(|text| {
        // They are letters, digits and quotes.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    })
}

/// The same as headers. `is_over`: it has nothing left, and was refused for that.
pub(crate) fn quota_headers(quota: &Quota, is_over: bool) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let retry_after = is_over.then(|| (RETRY_AFTER, HeaderValue::from(quota.resets_in_seconds)));
    QUOTA.into_iter().zip(quota_values(quota)).chain(retry_after)
}

/// Headers that all answers of a kind have, put together once: to copy them and put each answer's values in takes half as long
/// as to put all of them into a map.
#[derive(Debug)]
pub(crate) struct Form(HeaderMap);

impl Form {
    /// Of headers with these names, each of them another.
    pub(crate) fn new(names: impl IntoIterator<Item = HeaderName>) -> Self {
        Self(names.into_iter().map(|name| (name, HeaderValue::from_static(""))).collect())
    }

    /// The headers, with values in the order of the names.
    pub(crate) fn filled(&self, values: impl IntoIterator<Item = HeaderValue>) -> HeaderMap {
        let mut headers = self.0.clone();
        headers.values_mut().zip(values).for_each(|(slot, value)| *slot = value);
        headers
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in_the_order_of_its_names() {
        let names: Vec<String> = (0..24).map(|n| format!("x-{}", n * 7919 % 101)).collect();
        for len in 1..=names.len() {
            let names = &names[..len];
            let form = Form::new(names.iter().map(|name| name.parse().unwrap()));
            let filled = form.filled(names.iter().map(|name| name.parse().unwrap()));
            assert_eq!(filled.len(), len);
            assert!(filled.iter().all(|(name, value)| name.as_str() == value), "{filled:?}");
        }
    }
}
