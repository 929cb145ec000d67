//! `/v1/authorize`: a gateway asks before it forwards a request. It only understands a few statuses, so
//! everything that is not a clear yes is 401, 403, 429 or 503.

mod credential;
mod origin;
mod own;

use std::net::IpAddr;

use http::header::{CACHE_CONTROL, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use keyward_core::decision::{Ask, Denied};
use keyward_core::grant::Wanted;
use keyward_core::usage::Recordable;
use keyward_verifier::{Denial, Identity, Question, Refusal};
use keyward_wire::problem::Problem;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::answer::{Answer, NO_STORE, Trouble, quota_headers};
use crate::authorize::credential::Credential;
pub(crate) use crate::authorize::credential::holds_key;
use crate::authorize::origin::Origin;
use crate::authorize::own::Own;
use crate::bounds::HEAD_LEN_MAX;
use crate::gateway::{Gateway, is_head_too_long};
use crate::metrics::Door;
use crate::routed::{Routed, find, names_asked, place, without_query};

const KEY_ID: HeaderName = HeaderName::from_static("x-keyward-key-id");
const WORKSPACE: HeaderName = HeaderName::from_static("x-keyward-workspace");
const SUBJECT: HeaderName = HeaderName::from_static("x-keyward-subject");
const SCOPES: HeaderName = HeaderName::from_static("x-keyward-scopes");
const STATUS: HeaderName = HeaderName::from_static("x-keyward-status");

/// What a header value or a quoted string of it does not hold as it is. Spaces stay: they part scopes.
const UNSAFE: &AsciiSet = &CONTROLS.add(b'%').add(b'"').add(b'\\');

/// Whether a request may pass: 200 with who sent it in `X-Keyward-*` (all four, always), or 401, 403, 429, 503.
///
/// Any method; the body is not read. The original request is taken from the configured family of forwarded
/// headers, and believed from trusted proxies only.
#[utoipa::path(
    get, path = "/v1/authorize", tag = "decide", operation_id = "authorize",
    summary = "Ask whether a request may pass",
    params(
        ("workspace" = Option<String>, Query, description = "The workspace that all requests of this gateway are about"),
        ("scope" = Option<String>, Query,
            description = "What all requests of this gateway need: names with spaces between, or the parameter \
                repeated. Without it the routes table says what a request needs"),
        ("mode" = Option<String>, Query, description = "`nginx`: a 429 is answered as 403 with X-Keyward-Status: 429"),
        ("X-API-Key" = Option<String>, Header, description = "The key, if it is not in Authorization: Bearer"),
        ("X-Forwarded-Method" = Option<String>, Header, description = "The method of the original request"),
        ("X-Forwarded-Uri" = Option<String>, Header, description = "Path and query of the original request"),
        ("X-Forwarded-For" = Option<String>, Header, description = "Where the original request came from"),
    ),
    responses(
        (status = 200, description = "It may pass", headers(
            ("X-Keyward-Key-Id" = String, description = "The key"),
            ("X-Keyward-Workspace" = String, description = "The slug of the workspace"),
            ("X-Keyward-Subject" = String, description = "Who the key acts as"),
            ("X-Keyward-Scopes" = String, description = "What the key holds on everything, with spaces between"),
            ("RateLimit-Policy" = String, description = "A limited key's requests a minute, such as `\"key\";q=60;w=60`"),
            ("RateLimit" = String, description = "What is left of them, such as `\"key\";r=59;t=42`"),
        )),
        (status = 401, description = "No key (`unauthenticated`) or one that does not work (`invalid_key`)",
            content_type = "application/problem+json", body = Problem,
            headers(("WWW-Authenticate" = String, description = "RFC 6750"))),
        (status = 403, description = "Not allowed (`insufficient_scope`, `plan_required`, `forbidden`); with `mode=nginx` also \
            `rate_limited`, with the headers of a 429",
            content_type = "application/problem+json", body = Problem,
            headers(("X-Keyward-Status" = i64, description = "With `mode=nginx`: 429, where this stands for one"))),
        (status = 429, description = "Too many requests (`rate_limited`)",
            content_type = "application/problem+json", body = Problem,
            headers(
                ("Retry-After" = i64, description = "Seconds"),
                ("RateLimit-Policy" = String, description = "The key's requests a minute"),
                ("RateLimit" = String, description = "What is left of them, and seconds until there is more"),
            )),
        (status = 503, description = "The node may not decide now (`stale_authority`)",
            content_type = "application/problem+json", body = Problem,
            headers(("Retry-After" = i64, description = "Seconds"))),
    ),
)]
pub(crate) fn authorize<B>(gateway: &Gateway, peer: IpAddr, request: &Request<B>) -> Result<Answer, Trouble> {
    if is_head_too_long(request) {
        let detail = format!("request line and headers have at most {HEAD_LEN_MAX} bytes together");
        return Err(refuse_before_deciding(gateway, forbidden(detail)));
    }
    let Some(own) = Own::parse(request.uri().query().unwrap_or_default()) else {
        let detail =
            "the gateway's own address may only have ?workspace=, ?scope= and ?mode=nginx, each well-formed";
        return Err(refuse_before_deciding(gateway, forbidden(detail)));
    };
    if passes_the_clients_query_on(gateway, peer, request) {
        let detail = "the gateway sends the client's own query here, which could then say what it needs: end the address \
            that it asks with ? (Caddy: uri /v1/authorize?)";
        return Err(refuse_before_deciding(gateway, forbidden(detail)));
    }
    decide(gateway, peer, request.headers(), &own)
        .map(|identity| allow(gateway, &identity))
        .map_err(|trouble| if own.for_nginx { as_nginx_can(trouble) } else { trouble })
}

/// Whether our own query is the one of the original request. Some gateways append it, and a client could then
/// write `?scope=` itself.
fn passes_the_clients_query_on<B>(gateway: &Gateway, peer: IpAddr, request: &Request<B>) -> bool {
    let Some(own) = request.uri().query().filter(|own| !own.is_empty()) else { return false };
    let origin = Origin::read(&gateway.settings, peer, request.headers());
    let target = origin.ok().and_then(|origin| origin.target);
    target.and_then(|target| target.split_once('?')).is_some_and(|(_, theirs)| own == theirs)
}

fn decide(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap, own: &Own) -> Result<Identity, Trouble> {
    let early = |trouble| refuse_before_deciding(gateway, trouble);
    let presented = match Credential::read(headers) {
        Credential::One(presented) => presented,
        Credential::Missing => return Err(early(unauthenticated())),
        Credential::Conflicting => return Err(early(invalid_key("two different keys were given; give one"))),
    };
    let origin = Origin::read(&gateway.settings, peer, headers)
        .map_err(|name| early(forbidden(format!("the header {name} is there twice"))))?;
    let profile = gateway.profile();
    let format = &profile.keys.format;
    if origin
        .target
        .and_then(|target| target.split_once('?'))
        .is_some_and(|(_, query)| holds_key(format, query))
    {
        return Err(early(invalid_key(
            "a key in the address is refused: addresses are logged; send it in a header",
        )));
    }
    if own.scopes.is_empty() && !origin.is_believed {
        let detail =
            "this address is no trusted proxy, so what it says of the original request is not believed";
        return Err(early(forbidden(detail)));
    }

    let matched =
        if own.scopes.is_empty() { find(&profile.routes, origin.method, origin.target) } else { None };
    let has_route = !own.scopes.is_empty() || matched.is_some();
    let routed = Routed::new(matched.as_ref(), &profile.catalogue);
    let configured: Vec<Wanted<'_>> =
        own.scopes.iter().map(|name| Wanted::new(&profile.catalogue, name)).collect();
    let asks =
        if own.scopes.is_empty() { [routed.ask()] } else { [Ask { all_of: &configured, ..Ask::default() }] };
    let question = Question {
        presented,
        place: place(own.workspace.as_deref(), matched.as_ref().and_then(|matched| matched.workspace)),
        ip: origin.client,
        asks: &asks,
    };
    let recordable = Recordable::new(format, presented);
    let decided = gateway.decide(Door::Authorize, &question, |mut used| {
        let user_agent = headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        used.user_agent = user_agent.and_then(|text| recordable.program(&text));
        used.scope = recordable.text(&names_asked(&asks));
        used.method = origin.method.and_then(|method| recordable.text(method));
        used.path = origin.target.and_then(|target| recordable.text(without_query(target)));
        used
    });
    match decided {
        Ok(permit) => Ok(permit.identity),
        Err(Refusal::Denied(denial)) => Err(told_of_quota(denied(&denial, has_route), &denial)),
        Err(Refusal::WorkspaceNeeded) => {
            let detail = "this personal key works in several workspaces, and nothing says which is asked about: \
                set ?workspace= in the gateway's address, or use a key that is restricted to one";
            Err(forbidden(detail))
        }
        Err(Refusal::Stale) => Err(Trouble::stale()),
    }
}

/// Yes, with who it is. All four headers are set, so that none that the client made up survives.
fn allow(gateway: &Gateway, identity: &Identity) -> Answer {
    let mut scopes = String::new();
    for name in gateway.profile().catalogue.names(&identity.scopes) {
        if !scopes.is_empty() {
            scopes.push(' ');
        }
        scopes.push_str(name);
    }
    let workspace = identity.workspace.as_ref().map_or("", |workspace| workspace.slug.as_str());
    let mut answer = Response::new(Full::default());
    let headers = answer.headers_mut();
    headers.insert(KEY_ID, visible(&identity.key.id_text));
    headers.insert(WORKSPACE, visible(workspace));
    headers.insert(SUBJECT, visible(identity.subject().id));
    headers.insert(SCOPES, visible(&scopes));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.extend(identity.quota.iter().flat_map(|quota| quota_headers(quota, false)));
    answer
}

/// Visible ASCII and spaces as they are, the rest percent-encoded.
fn visible(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b) && !matches!(b, b'%' | b'"' | b'\\'));
    let value = if plain {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::from_str(&utf8_percent_encode(text, UNSAFE).to_string())
    };
    value.unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Counts a refusal that needed no decision on a key.
fn refuse_before_deciding(gateway: &Gateway, trouble: Trouble) -> Trouble {
    let outcome = if trouble.status == StatusCode::UNAUTHORIZED { "unauthenticated" } else { "forbidden" };
    gateway.metrics.count(Door::Authorize, outcome);
    trouble
}

/// Keys that are dead and keys that never were look the same to a stranger.
fn denied(denial: &Denial, has_route: bool) -> Trouble {
    match &denial.reason {
        Denied::Malformed | Denied::NotFound | Denied::Expired | Denied::Revoked => {
            invalid_key("the key is unknown, expired or revoked")
        }
        Denied::WorkspaceMismatch => forbidden("the key does not work in this workspace"),
        Denied::InsufficientScope { .. } if !has_route => {
            forbidden("the routes table has no such request, or its path can be read in more than one way")
        }
        Denied::InsufficientScope { missing } => insufficient_scope(missing),
        Denied::IpNotAllowed => forbidden("the key is not allowed from this address"),
        Denied::PlanRequired => {
            let detail = "the workspace's plan has no API keys; an upgrade lets this key work again";
            Trouble::new(StatusCode::FORBIDDEN, "plan_required", detail)
        }
        Denied::RateLimited => {
            let detail = "the key asks too often; Retry-After says when it may again";
            Trouble::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
        }
    }
}

/// A denial of a use that was counted says what is left, too.
fn told_of_quota(mut trouble: Trouble, denial: &Denial) -> Trouble {
    if let Some(quota) = denial.identity.as_ref().and_then(|identity| identity.quota) {
        trouble.headers.extend(quota_headers(&quota, denial.reason == Denied::RateLimited));
    }
    trouble
}

fn forbidden(detail: impl Into<std::borrow::Cow<'static, str>>) -> Trouble {
    Trouble::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

fn unauthenticated() -> Trouble {
    let detail = "send a key in Authorization: Bearer or in X-API-Key";
    Trouble::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
        .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"keyward\""))
}

fn invalid_key(detail: &'static str) -> Trouble {
    let challenge = HeaderValue::from_static("Bearer realm=\"keyward\", error=\"invalid_token\"");
    Trouble::new(StatusCode::UNAUTHORIZED, "invalid_key", detail).with(WWW_AUTHENTICATE, challenge)
}

fn insufficient_scope(missing: &str) -> Trouble {
    let shown = utf8_percent_encode(missing, UNSAFE);
    let challenge = format!("Bearer realm=\"keyward\", error=\"insufficient_scope\", scope=\"{shown}\"");
    let trouble =
        Trouble::new(StatusCode::FORBIDDEN, "insufficient_scope", format!("the key lacks {missing}"));
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => trouble.with(WWW_AUTHENTICATE, challenge),
        Err(_) => trouble,
    }
}

/// nginx's `auth_request` turns every status but 2xx, 401 and 403 into a 500.
fn as_nginx_can(mut trouble: Trouble) -> Trouble {
    if trouble.status == StatusCode::TOO_MANY_REQUESTS {
        trouble.status = StatusCode::FORBIDDEN;
        return trouble.with(STATUS, HeaderValue::from_static("429"));
    }
    trouble
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn told(reason: Denied) -> Trouble {
        let denial = Denial { reason, identity: None, epoch: keyward_core::change::Epoch(1) };
        denied(&denial, true)
    }

    #[test]
    fn every_denial_has_a_status_that_gateways_understand() {
        for (reason, status, code) in [
            (Denied::Malformed, 401, "invalid_key"),
            (Denied::NotFound, 401, "invalid_key"),
            (Denied::Expired, 401, "invalid_key"),
            (Denied::Revoked, 401, "invalid_key"),
            (Denied::WorkspaceMismatch, 403, "forbidden"),
            (Denied::InsufficientScope { missing: "a".into() }, 403, "insufficient_scope"),
            (Denied::IpNotAllowed, 403, "forbidden"),
            (Denied::PlanRequired, 403, "plan_required"),
            (Denied::RateLimited, 429, "rate_limited"),
        ] {
            let trouble = told(reason.clone());
            assert_eq!((trouble.status.as_u16(), trouble.code), (status, code), "{reason:?}");
        }
    }

    #[tokio::test]
    async fn nginx_hears_of_a_429_as_a_403() {
        let answer = as_nginx_can(told(Denied::RateLimited)).into_answer("req_x");
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()[&STATUS], "429");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("\"code\":\"rate_limited\""));
        assert_eq!(as_nginx_can(told(Denied::Revoked)).status, 401);
    }

    #[test]
    fn header_values_are_visible_ascii() {
        assert_eq!(visible("a:read b:write"), "a:read b:write");
        assert_eq!(visible("ä\r\nX: 1%\""), "%C3%A4%0D%0AX: 1%25%22");
        assert_eq!(visible(""), "");
    }
}
