//! `POST /oauth2/introspect` (RFC 7662): a program that speaks OAuth asks about a key as it would about a token.

use std::borrow::Cow;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use hyper::body::Body;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::secret::SecretDigest;
use keyward_core::workspace::Slug;
use keyward_verifier::{Identity, Place, Question, Refusal, USABLE_FOR_MS};
use keyward_wire::introspect::{IntrospectRequest, Introspection};
use keyward_wire::problem::Problem;

use crate::answer::{Answer, Trouble, as_json};
use crate::body;
use crate::form::{self, Parameter};
use crate::gateway::Gateway;
use crate::metrics::Door;

const FORM: &str = "application/x-www-form-urlencoded";

/// What a key is, as RFC 7662 says it of a token. Whatever does not work is exactly `{"active":false}`.
///
/// Where `data_plane.introspection_secret` is set, the asker authenticates with it, as a bearer token or as the password of
/// Basic authentication with any client identifier. Where it is not, whoever reaches the address may ask, as of `/v1/verify`.
#[utoipa::path(
    post, path = "/oauth2/introspect", tag = "decide", operation_id = "introspect",
    summary = "Ask what a key is, as OAuth asks of a token",
    security((), ("introspection" = []), ("introspection_basic" = [])),
    request_body(content = IntrospectRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What it is, or that it does not work", content_type = "application/json",
            body = Introspection),
        (status = 400, description = "The body is no form (`malformed_request`)",
            content_type = "application/problem+json", body = Problem),
        (status = 401, description = "The asker is not who may ask (`unauthenticated`)",
            content_type = "application/problem+json", body = Problem,
            headers(("WWW-Authenticate" = String, description = "Bearer, and Basic"))),
        (status = 405, description = "Another method", content_type = "application/problem+json", body = Problem,
            headers(("Allow" = String, description = "POST"))),
        (status = 408, description = "The body took too long", content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The body is longer than 1 MiB",
            content_type = "application/problem+json", body = Problem),
        (status = 415, description = "The body is no form by its type",
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
pub(crate) async fn introspect<B>(gateway: &Gateway, request: Request<B>) -> Result<Answer, Trouble>
where
    B: Body<Data = Bytes>,
{
    let (parts, body) = request.into_parts();
    // The body first, whatever else is wrong: an unread one would cost the connection.
    let body = body::read(&gateway.bodies, body).await?;
    authenticate(gateway, &parts.headers)?;
    body::refuse_query(&parts.uri)?;
    body::expect_type(&parts.headers, FORM)?;
    let asked = Asked::parse(&body)?;
    as_json(&look_at(gateway, &asked)?)
}

/// Who may ask (RFC 7662, section 2.1): whoever has the secret. Without one it is the network that decides who may try keys
/// here, as it does for every other question to this listener.
fn authenticate(gateway: &Gateway, headers: &HeaderMap) -> Result<(), Trouble> {
    let Some(expected) = &gateway.settings.introspection_secret else { return Ok(()) };
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let is_known = match (given.next().and_then(credential), given.next()) {
        (Some(secret), None) => SecretDigest::of(&secret) == *expected,
        _ => false,
    };
    if is_known {
        return Ok(());
    }
    let detail = "send data_plane.introspection_secret, as Authorization: Bearer or as the password of Basic";
    Err(Trouble::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
        .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"keyward\""))
        .with(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"keyward\"")))
}

/// What `Bearer <secret>` or `Basic <base64 of client:secret>` presents.
fn credential(value: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.as_bytes().to_vec());
    }
    let pair = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(rest).ok())??;
    let colon = pair.iter().position(|b| *b == b':')?;
    // RFC 6749 (section 2.3.1) has both parts written as in a form.
    let secret = std::str::from_utf8(pair.get(colon + 1..)?).ok()?;
    form::decode(secret).map(|secret| secret.into_owned().into_bytes())
}

/// A question, read.
struct Asked<'a> {
    token: Cow<'a, str>,
    workspace: Option<Cow<'a, str>>,
    ip: Option<IpAddr>,
}

impl<'a> Asked<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Trouble> {
        let parameters = std::str::from_utf8(body).ok().and_then(form::read);
        let Some(parameters) = parameters else {
            let detail = "the body is no form: write name=value pairs with & between, percent-encoded";
            return Err(Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", detail));
        };
        let (mut complaints, mut token, mut workspace, mut ip) = (Complaints::new(), None, None, None);
        let mut hint = None;
        for Parameter { name, value } in parameters {
            let place = match &*name {
                "token" => &mut token,
                // A hint may be ignored (section 2.1): there is one kind of token here.
                "token_type_hint" => &mut hint,
                "workspace" => &mut workspace,
                "ip" => &mut ip,
                // Programs that speak OAuth send more, such as their own identifier, and expect what is unknown to be ignored
                // (RFC 6749, section 3.2).
                _ => continue,
            };
            if place.replace(value).is_some() {
                complaints.add(FieldError::new(&*name, FieldCode::Duplicate, "is there twice; keep one"));
            }
        }
        let token = complaints
            .take(token.ok_or_else(|| FieldError::new("token", FieldCode::Required, "give the key")));
        if workspace.as_deref().is_some_and(|slug| Slug::parse(slug).is_none()) {
            let message = "give the slug of a workspace: 3 to 40 characters of a-z, 0-9 and -";
            complaints.add(FieldError::new("workspace", FieldCode::Invalid, message));
        }
        let ip = ip.and_then(|text| {
            complaints.take(text.parse::<IpAddr>().map_err(|_| {
                let message = "give an IPv4 or IPv6 address such as 203.0.113.7";
                FieldError::new("ip", FieldCode::Invalid, message)
            }))
        });
        complaints.finish().map_err(|errors| Trouble::invalid(errors.iter().map(Into::into).collect()))?;
        let ip = ip.map(|ip| ip.to_canonical());
        Ok(Self { token: token.unwrap_or_default(), workspace, ip })
    }
}

fn look_at(gateway: &Gateway, asked: &Asked<'_>) -> Result<Introspection, Trouble> {
    let place = asked.workspace.as_deref().map_or(Place::Unsaid, Place::Named);
    let question = Question { presented: &asked.token, place, ip: asked.ip, asks: &[] };
    match gateway.decide(Door::Introspect, &question, |used| used) {
        Ok(permit) => Ok(active(gateway, &permit.identity)),
        Err(Refusal::Denied(_)) => Ok(Introspection::default()),
        Err(Refusal::WorkspaceNeeded) => {
            let message =
                "this personal key works in several workspaces; give the slug of the one asked about";
            Err(Trouble::invalid_field(&FieldError::new("workspace", FieldCode::Required, message)))
        }
        Err(Refusal::Stale) => Err(Trouble::stale()),
    }
}

fn active(gateway: &Gateway, identity: &Identity) -> Introspection {
    let scopes: Vec<&str> = gateway.profile().catalogue.names(&identity.scopes).collect();
    let subject = identity.subject();
    Introspection {
        active: true,
        scope: Some(scopes.join(" ")),
        client_id: Some(identity.key.id_text().to_string()),
        username: Some(subject.name.to_owned()),
        token_type: Some("Bearer".to_owned()),
        exp: identity.expires_at().map(jiff::Timestamp::as_second),
        sub: Some(subject.id.to_string()),
        workspace: identity.workspace.as_ref().map(|workspace| workspace.slug.as_str().to_owned()),
        usable_for_ms: Some(USABLE_FOR_MS),
        grace_seconds: Some(identity.grace.get()).filter(|seconds| *seconds > 0),
    }
}
