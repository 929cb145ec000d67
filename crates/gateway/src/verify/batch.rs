//! `POST /v1/verify/batch`: several questions in one request, for products that have many to ask at once.

use bytes::Bytes;
use http::Request;
use hyper::body::Body;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_wire::problem::Problem;
use keyward_wire::verify::{BatchAnswer, BatchRequest, BatchResult, RateLimit};

use crate::answer::{Answer, Trouble, as_json};
use crate::gateway::Gateway;
use crate::verify::question::{check, parse};
use crate::verify::{Decided, decide, read};

/// Whether keys may do things: up to 100 questions, answered in their order.
///
/// Each question is one of `/v1/verify` and is decided, counted and logged like it. A question that has a mistake in it
/// refuses the whole batch before anything is decided.
#[utoipa::path(
    post, path = "/v1/verify/batch", tag = "decide", operation_id = "verify_batch",
    summary = "Ask up to 100 questions at once",
    request_body(content = BatchRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "A result for each question", content_type = "application/json", body = BatchAnswer,
            headers(("X-Request-Id" = String, description = "The request, as in logs"))),
        (status = 400, description = "The body is no JSON (`malformed_request`)",
            content_type = "application/problem+json", body = Problem),
        (status = 405, description = "Another method", content_type = "application/problem+json", body = Problem,
            headers(("Allow" = String, description = "POST"))),
        (status = 408, description = "The body took too long", content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The body is longer than 1 MiB",
            content_type = "application/problem+json", body = Problem),
        (status = 415, description = "The body is not application/json",
            content_type = "application/problem+json", body = Problem),
        (status = 422, description = "A bad question, or too many (`validation_failed`); `errors` says which, such as \
            `questions[3].ip`",
            content_type = "application/problem+json", body = Problem),
        (status = 431, description = "Headers too long", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "The node may not decide now (`stale_authority`), or reads too many long bodies at once \
            (`unavailable`)",
            content_type = "application/problem+json", body = Problem,
            headers(("Retry-After" = i64, description = "Seconds"))),
    ),
)]
pub(crate) async fn verify_batch<B>(
    gateway: &Gateway,
    request: Request<B>,
    request_id: &str,
) -> Result<Answer, Trouble>
where
    B: Body<Data = Bytes>,
{
    let body = read(gateway, request).await?;
    let batch: BatchRequest<'_> = parse(&body)?;
    let ips = check_all(&batch)?;
    let mut outcomes = Vec::with_capacity(ips.len());
    for (asked, ip) in batch.questions.iter().zip(ips) {
        match decide(gateway, asked, ip) {
            // Nothing that was decided before it may be used either: the node is past its lease.
            Err(trouble) if trouble.is_stale() => return Err(trouble),
            outcome => outcomes.push(outcome.map_err(|trouble| trouble.into_problem(request_id))),
        }
    }
    let results = outcomes.iter().map(|outcome| result(gateway, outcome)).collect();
    as_json(&BatchAnswer { results })
}

/// The addresses that the questions name, in their order; or all that is wrong with any of them.
fn check_all(batch: &BatchRequest<'_>) -> Result<Vec<Option<std::net::IpAddr>>, Trouble> {
    let mut complaints = Complaints::new();
    if batch.questions.is_empty() {
        let message = "give at least one question";
        complaints.add(FieldError::new("questions", FieldCode::TooSmall, message));
    }
    let mut ips = Vec::with_capacity(batch.questions.len());
    for (index, asked) in batch.questions.iter().enumerate() {
        match check(asked) {
            Ok(ip) => ips.push(ip),
            Err(errors) => {
                let place = format!("questions[{index}]");
                complaints.add_all(errors.into_iter().map(|error| error.within(&place)));
            }
        }
    }
    complaints.finish()?;
    Ok(ips)
}

fn result<'a>(gateway: &'a Gateway, outcome: &'a Result<Decided, Problem>) -> BatchResult<'a> {
    match outcome {
        Ok(decided) => BatchResult {
            status: "answered".into(),
            answer: Some(decided.answer(gateway.profile())),
            rate_limit: decided.quota().map(|quota| RateLimit::from(&quota)),
            problem: None,
        },
        Err(problem) => BatchResult {
            status: "error".into(),
            answer: None,
            rate_limit: None,
            problem: Some(problem.clone()),
        },
    }
}
