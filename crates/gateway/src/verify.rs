//! `POST /v1/verify`: a product asks whether a key may do something.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
use keyward_core::change::Epoch;
use keyward_core::decision::{Ask, Denied};
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grant::Wanted;
use keyward_core::profile::Profile;
use keyward_core::usage::{Recordable, VALID};
use keyward_core::workspace::Slug;
use keyward_verifier::{Identity, Permit, Question, Refusal, USABLE_FOR_MS};
use keyward_wire::problem::Problem;
use keyward_wire::strict::{self, StrictError};
use keyward_wire::verify::{
    AnsweredKey, AnsweredSubject, AnsweredWorkspace, Text, VerifyAnswer, VerifyRequest,
};

use crate::answer::{Answer, NO_STORE, Trouble, quota_headers};
use crate::bounds::{
    BODY_DISCARD_MAX, BODY_LEN_MAX, BODY_READ_MAX, METHOD_LEN_MAX, NAME_LEN_MAX, PATH_LEN_MAX,
    RESOURCE_LEN_MAX, SCOPES_ASKED_MAX,
};
use crate::gateway::Gateway;
use crate::metrics::Door;
use crate::routed::{Routed, find, names_asked, place, without_query};

/// Whether a key may do something. Always 200 for a question that could be answered: `valid` says it.
#[utoipa::path(
    post, path = "/v1/verify", tag = "decide", operation_id = "verify", summary = "Ask whether a key may",
    request_body(content = VerifyRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The answer, yes or no", content_type = "application/json", body = VerifyAnswer,
            headers(
                ("X-Request-Id" = String, description = "The request, as in logs"),
                ("RateLimit-Policy" = String, description = "A limited key's requests a minute, such as `\"key\";q=60;w=60`"),
                ("RateLimit" = String, description = "What is left of them, such as `\"key\";r=59;t=42`"),
                ("Retry-After" = i64, description = "With `rate_limited`: seconds until the key may ask again"),
            )),
        (status = 400, description = "The body is no JSON (`malformed_request`)",
            content_type = "application/problem+json", body = Problem),
        (status = 405, description = "Another method", content_type = "application/problem+json", body = Problem,
            headers(("Allow" = String, description = "POST"))),
        (status = 408, description = "The body took too long", content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The body is longer than 1 MiB",
            content_type = "application/problem+json", body = Problem),
        (status = 415, description = "The body is not application/json",
            content_type = "application/problem+json", body = Problem),
        (status = 422, description = "A bad question (`validation_failed`); `errors` says which field",
            content_type = "application/problem+json", body = Problem),
        (status = 431, description = "Headers too long", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "The node may not decide now (`stale_authority`)",
            content_type = "application/problem+json", body = Problem,
            headers(("Retry-After" = i64, description = "Seconds"))),
    ),
)]
pub(crate) async fn verify<B>(gateway: &Gateway, request: Request<B>) -> Result<Answer, Trouble>
where
    B: Body<Data = Bytes>,
{
    let (parts, body) = request.into_parts();
    // The body first, whatever else is wrong: an unread one would cost the connection.
    let body = read(body).await?;
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        let message = "a question has no parameters in its address; all of it goes into the body";
        return Err(Trouble::invalid_field(&FieldError::new("query", FieldCode::Unknown, message)));
    }
    expect_json(&parts.headers)?;
    let asked = parse(&body)?;
    let ip = check(&asked).map_err(|errors| Trouble::invalid(errors.iter().map(Into::into).collect()))?;
    answer(gateway, &asked, ip)
}

fn answer(gateway: &Gateway, asked: &VerifyRequest<'_>, ip: Option<IpAddr>) -> Result<Answer, Trouble> {
    let profile = gateway.profile();
    let (method, path) = (asked.method.as_ref().map(Text::as_str), asked.path.as_ref().map(Text::as_str));
    // The routes table says what a request needs where the question itself does not; the same order as at
    // /v1/authorize, where a scope in the address overrides the table. Otherwise they are for the log.
    let says_itself = asked.action.is_some()
        || [&asked.scopes, &asked.any_scope].into_iter().flatten().any(|names| !names.is_empty());
    // One without the other matches no route: fail closed.
    let is_routed = !says_itself && (method.is_some() || path.is_some()) && !profile.routes.all().is_empty();
    let matched = if is_routed { find(&profile.routes, method, path) } else { None };
    let routed = Routed::new(matched.as_ref(), &profile.catalogue);

    let all_of = wanted(profile, asked.scopes.iter().flatten().chain(&asked.action));
    let any_of = wanted(profile, asked.any_scope.iter().flatten());
    let resource = asked.resource.as_ref().map(Text::as_str);
    let both = [Ask { all_of: &all_of, any_of: &any_of, resource }, routed.ask()];
    let asks = both.get(..if is_routed { 2 } else { 1 }).unwrap_or(&both);

    let in_path = matched.as_ref().and_then(|matched| matched.workspace);
    let question = Question {
        presented: asked.key.expose(),
        place: place(asked.workspace.as_ref().map(Text::as_str), in_path),
        ip,
        asks,
    };
    let recordable = Recordable::new(&profile.keys.format, question.presented);
    let decided = gateway.decide(Door::Verify, &question, |mut used| {
        used.scope = recordable.text(&names_asked(asks));
        used.method = method.and_then(|method| recordable.text(method));
        used.path = path.and_then(|path| recordable.text(without_query(path)));
        used
    });
    match &decided {
        Ok(Permit { identity, epoch }) => say(profile, VALID, None, Some(identity), *epoch),
        Err(Refusal::Denied(denial)) => {
            let missing = match &denial.reason {
                Denied::InsufficientScope { missing } => {
                    Some(&**missing).filter(|missing| !missing.is_empty())
                }
                _ => None,
            };
            say(profile, denial.reason.code(), missing, denial.identity.as_ref(), denial.epoch)
        }
        Err(Refusal::WorkspaceNeeded) => {
            let message =
                "this personal key works in several workspaces; give the slug of the one asked about";
            Err(Trouble::invalid_field(&FieldError::new("workspace", FieldCode::Required, message)))
        }
        Err(Refusal::Stale) => Err(Trouble::stale()),
    }
}

fn wanted<'a>(profile: &Profile, names: impl Iterator<Item = &'a Text<'a>>) -> Vec<Wanted<'a>> {
    names.map(|name| Wanted::new(&profile.catalogue, name.as_str())).collect()
}

fn say(
    profile: &Profile,
    code: &str,
    missing: Option<&str>,
    identity: Option<&Identity>,
    epoch: Epoch,
) -> Result<Answer, Trouble> {
    let answer = VerifyAnswer {
        valid: code == VALID,
        code: code.into(),
        key: identity.map(|identity| AnsweredKey {
            id: (&*identity.key.id_text).into(),
            name: identity.key.name.as_str().into(),
            kind: identity.key.kind.as_str().into(),
            secret: identity.secret.as_str().into(),
        }),
        workspace: identity.and_then(|identity| identity.workspace.as_ref()).map(|workspace| {
            AnsweredWorkspace { id: (&*workspace.id_text).into(), slug: workspace.slug.as_str().into() }
        }),
        subject: identity.map(Identity::subject).map(|subject| AnsweredSubject {
            type_: subject.type_name.into(),
            id: subject.id.into(),
            name: subject.name.into(),
        }),
        scopes: identity
            .map(|identity| profile.catalogue.names(&identity.scopes).map(Into::into).collect())
            .unwrap_or_default(),
        expires_at: identity.and_then(Identity::expires_at),
        missing: missing.map(Into::into),
        epoch: epoch.0,
        usable_for_ms: USABLE_FOR_MS,
    };
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, &answer).map_err(|_| {
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the answer could not be written")
    })?;
    let mut answer = Response::new(Full::new(Bytes::from(json)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    let quota = identity.and_then(|identity| identity.quota);
    let is_over = code == Denied::RateLimited.code();
    answer.headers_mut().extend(quota.iter().flat_map(|quota| quota_headers(quota, is_over)));
    Ok(answer)
}

/// Reads a body that is not too long. One that is gets read on for a while, so that its sender hears why.
async fn read<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, Trouble> {
    let reading = async {
        let mut body = std::pin::pin!(body);
        let mut whole = Vec::new();
        let mut first: Option<Bytes> = None;
        let mut seen = 0_usize;
        while let Some(frame) = body.frame().await {
            let broken = |_| {
                let detail = "the connection broke off within the body";
                Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
            };
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            seen = seen.saturating_add(data.len());
            if seen > BODY_DISCARD_MAX {
                break;
            }
            match &first {
                _ if seen > BODY_LEN_MAX => {}
                // Nearly every question comes in one piece, which is then not copied.
                None => first = Some(data),
                Some(before) => {
                    if whole.is_empty() {
                        whole.extend_from_slice(before);
                    }
                    whole.extend_from_slice(&data);
                }
            }
        }
        if seen > BODY_LEN_MAX {
            let detail = format!("a question has at most {BODY_LEN_MAX} bytes");
            return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail));
        }
        Ok(if whole.is_empty() { first.unwrap_or_default() } else { Bytes::from(whole) })
    };
    tokio::time::timeout(BODY_READ_MAX, reading).await.unwrap_or_else(|_| {
        let detail = format!("the whole body is to be here within {} seconds", BODY_READ_MAX.as_secs());
        Err(Trouble::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail))
    })
}

fn expect_json(headers: &HeaderMap) -> Result<(), Trouble> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = |value: &HeaderValue| {
        let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    match (types.next(), types.next()) {
        (Some(only), None) if is_json(only) => Ok(()),
        _ => {
            let detail = "send the question as JSON, with Content-Type: application/json";
            Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
        }
    }
}

/// Reads the question. The shape alone refuses unknown and repeated fields (it has no maps and no depth), so
/// the strict reader, which explains, is only needed where something is wrong.
fn parse(body: &[u8]) -> Result<VerifyRequest<'_>, Trouble> {
    if let Ok(asked) = serde_json::from_slice(body) {
        return Ok(asked);
    }
    strict::from_slice(body).map_err(|error| match error {
        StrictError::Malformed { .. } => {
            Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", error.to_string())
        }
        StrictError::Field(problem) => Trouble::invalid(vec![problem]),
    })
}

/// Checks what the shape cannot say, and reads the address. Unknown scopes and slugs are no mistakes: they
/// are answered.
fn check(asked: &VerifyRequest<'_>) -> Result<Option<IpAddr>, Vec<FieldError>> {
    let mut complaints = Complaints::new();
    if let Some(slug) = &asked.workspace
        && Slug::parse(slug.as_str()).is_none()
    {
        let message = "give the slug of a workspace: 3 to 40 characters of a-z, 0-9 and -";
        complaints.add(FieldError::new("workspace", FieldCode::Invalid, message));
    }
    check_names(&mut complaints, "scopes", asked.scopes.as_deref().unwrap_or_default());
    check_names(&mut complaints, "any_scope", asked.any_scope.as_deref().unwrap_or_default());
    if asked.any_scope.as_ref().is_some_and(Vec::is_empty) {
        let message = "one of none can never be held; give at least one, or leave the field out";
        complaints.add(FieldError::new("any_scope", FieldCode::TooSmall, message));
    }
    let asks_something = asked.action.is_some()
        || [&asked.scopes, &asked.any_scope].into_iter().flatten().any(|names| !names.is_empty());
    if asked.resource.is_some() && !asks_something {
        let message = "say what is to be done to it: give action, scopes or any_scope too";
        complaints.add(FieldError::new("resource", FieldCode::Contradiction, message));
    }
    check_text(&mut complaints, "action", asked.action.as_ref(), 1, NAME_LEN_MAX);
    check_text(&mut complaints, "resource", asked.resource.as_ref(), 1, RESOURCE_LEN_MAX);
    check_text(&mut complaints, "method", asked.method.as_ref(), 0, METHOD_LEN_MAX);
    check_text(&mut complaints, "path", asked.path.as_ref(), 0, PATH_LEN_MAX);
    let ip = asked.ip.as_ref().and_then(|text| {
        complaints.take(text.as_str().parse::<IpAddr>().map_err(|_| {
            let message = "give an IPv4 or IPv6 address such as 203.0.113.7";
            FieldError::new("ip", FieldCode::Invalid, message)
        }))
    });
    complaints.finish().map(|()| ip.map(|ip| ip.to_canonical()))
}

fn check_names(complaints: &mut Complaints, field: &str, names: &[Text<'_>]) {
    if names.len() > SCOPES_ASKED_MAX {
        let message = format!("give at most {SCOPES_ASKED_MAX}");
        complaints.add(FieldError::new(field, FieldCode::TooLarge, message));
        return;
    }
    for (index, name) in names.iter().enumerate() {
        if !(1..=NAME_LEN_MAX).contains(&name.as_str().len()) {
            check_text(complaints, &format!("{field}[{index}]"), Some(name), 1, NAME_LEN_MAX);
        }
    }
}

fn check_text(complaints: &mut Complaints, field: &str, text: Option<&Text<'_>>, least: usize, most: usize) {
    let len = text.map_or(least, |text| text.as_str().len());
    if len < least {
        complaints.add(FieldError::new(field, FieldCode::TooSmall, "give a text that is not empty"));
    } else if len > most {
        complaints.add(FieldError::new(field, FieldCode::TooLarge, format!("give at most {most} bytes")));
    }
}
