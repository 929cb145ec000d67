//! `POST /v1/verify`: a product asks whether a key may do something.

pub(crate) mod batch;
mod question;

use std::net::IpAddr;

use bytes::Bytes;
use http::Request;
use hyper::body::Body;
use keyward_core::decision::{Ask, Denied};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::grant::Wanted;
use keyward_core::profile::Profile;
use keyward_core::rate::Quota;
use keyward_core::usage::{Recordable, VALID};
use keyward_verifier::{Denial, Identity, Permit, Question, Refusal, USABLE_FOR_MS};
use keyward_wire::problem::Problem;
use keyward_wire::text::Text;
use keyward_wire::verify::{AnsweredKey, AnsweredSubject, AnsweredWorkspace, VerifyAnswer, VerifyRequest};

use crate::answer::{Answer, JSON, Trouble, as_json, quota_headers};
use crate::body;
use crate::gateway::Gateway;
use crate::metrics::Door;
use crate::routed::{Routed, find, names_asked, place, without_query};
use crate::verify::question::{check, parse};

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
        (status = 503, description = "The node may not decide now (`stale_authority`), or reads too many long bodies at once \
            (`unavailable`)",
            content_type = "application/problem+json", body = Problem,
            headers(("Retry-After" = i64, description = "Seconds"))),
    ),
)]
pub(crate) async fn verify<B>(gateway: &Gateway, request: Request<B>) -> Result<Answer, Trouble>
where
    B: Body<Data = Bytes>,
{
    let body = read(gateway, request).await?;
    let asked: VerifyRequest<'_> = parse(&body)?;
    let ip = check(&asked)?;
    let decided = decide(gateway, &asked, ip)?;
    let mut answer = as_json(&decided.answer(gateway.profile()))?;
    let is_over = decided.code() == Denied::RateLimited.code();
    answer.headers_mut().extend(decided.quota().iter().flat_map(|quota| quota_headers(quota, is_over)));
    Ok(answer)
}

/// Reads the body of a question, and refuses what is wrong beside it.
async fn read<B: Body<Data = Bytes>>(gateway: &Gateway, request: Request<B>) -> Result<Bytes, Trouble> {
    let (parts, body) = request.into_parts();
    // The body first, whatever else is wrong: an unread one would cost the connection.
    let body = body::read(&gateway.bodies, body).await?;
    body::refuse_query(&parts.uri)?;
    body::expect_type(&parts.headers, JSON)?;
    Ok(body)
}

/// What came of a question that could be answered.
enum Decided {
    Yes(Permit),
    No(Box<Denial>),
}

impl Decided {
    fn code(&self) -> &'static str {
        match self {
            Self::Yes(_) => VALID,
            Self::No(denial) => denial.reason.code(),
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Yes(permit) => Some(&permit.identity),
            Self::No(denial) => denial.identity.as_ref(),
        }
    }

    fn quota(&self) -> Option<Quota> {
        self.identity().and_then(|identity| identity.quota)
    }

    fn missing(&self) -> Option<&str> {
        match self {
            Self::No(denial) => match &denial.reason {
                Denied::InsufficientScope { missing } if !missing.is_empty() => Some(missing),
                _ => None,
            },
            Self::Yes(_) => None,
        }
    }

    /// As it is written down.
    fn answer<'a>(&'a self, profile: &'a Profile) -> VerifyAnswer<'a> {
        let identity = self.identity();
        let epoch = match self {
            Self::Yes(permit) => permit.epoch,
            Self::No(denial) => denial.epoch,
        };
        VerifyAnswer {
            valid: matches!(self, Self::Yes(_)),
            code: self.code().into(),
            key: identity.map(|identity| AnsweredKey {
                id: identity.key.id_text().to_string().into(),
                name: identity.key.name().into(),
                kind: identity.key.kind().as_str().into(),
                secret: identity.secret.as_str().into(),
            }),
            workspace: identity.and_then(|identity| identity.workspace.as_ref()).map(|workspace| {
                AnsweredWorkspace { id: (&*workspace.id_text).into(), slug: workspace.slug.as_str().into() }
            }),
            subject: identity.map(Identity::subject).map(|subject| AnsweredSubject {
                type_: subject.type_name.into(),
                id: subject.id.to_string().into(),
                name: subject.name.into(),
            }),
            scopes: identity
                .map(|identity| profile.catalogue.names(&identity.scopes).map(Into::into).collect())
                .unwrap_or_default(),
            expires_at: identity.and_then(Identity::expires_at),
            missing: self.missing().map(Into::into),
            epoch: epoch.0,
            usable_for_ms: USABLE_FOR_MS,
            grace_seconds: identity.map(|identity| identity.grace.get()).filter(|seconds| *seconds > 0),
        }
    }
}

fn decide(gateway: &Gateway, asked: &VerifyRequest<'_>, ip: Option<IpAddr>) -> Result<Decided, Trouble> {
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
    match decided {
        Ok(permit) => Ok(Decided::Yes(permit)),
        Err(Refusal::Denied(denial)) => Ok(Decided::No(denial)),
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
