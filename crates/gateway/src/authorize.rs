//! `/v1/authorize`: a gateway asks before it forwards a request. It only understands a few statuses, so
//! everything that is not a clear yes is 401, 403, 429 or 503.

mod credential;
mod decide;
pub(crate) mod envoy;
mod identity;
mod origin;
mod own;
mod refusal;

use std::net::IpAddr;
use std::sync::LazyLock;

use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use keyward_verifier::Identity;
use keyward_wire::problem::Problem;

use crate::answer::{Answer, Form, NO_STORE, QUOTA, Trouble, quota_values};
pub(crate) use crate::authorize::credential::holds_key;
pub(crate) use crate::authorize::decide::{decide, refuse_before_deciding};
pub(crate) use crate::authorize::identity::{GRACE_SECONDS, allowed_headers, identity_headers};
use crate::authorize::identity::{IDENTITY, USABLE_FOR, USABLE_FOR_VALUE, grace_header, identity_values};
pub(crate) use crate::authorize::origin::Origin;
pub(crate) use crate::authorize::own::Own;
pub(crate) use crate::authorize::refusal::forbidden;
use crate::bounds::HEAD_LEN_MAX;
use crate::gateway::{Gateway, REQUEST_ID, is_head_too_long};
use crate::metrics::Door;

const STATUS: HeaderName = HeaderName::from_static("x-keyward-status");

/// Whether a request may pass: 200 with who sent it in `X-Keyward-*` (all four, always), or 401, 403, 429, 503.
///
/// A yes may be used for `X-Keyward-Usable-For-Ms`, counted from when its question was sent.
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
            ("X-Keyward-Grace-Seconds" = String, description = "Where its workspace gives nodes grace: how much longer than five seconds after its revocation a node that is cut off may accept the key"),
            ("X-Keyward-Usable-For-Ms" = i64, description = "For how long the answer may be used, counted from when its question was sent"),
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
    let early = |detail: &'static str| refuse_before_deciding(gateway, Door::Authorize, forbidden(detail));
    refuse_long_head(gateway, request)?;
    let Some(own) = Own::parse(request.uri().query().unwrap_or_default()) else {
        return Err(early(
            "the gateway's own address may only have ?workspace=, ?scope= and ?mode=nginx, each well-formed",
        ));
    };
    let origin = Origin::read(&gateway.settings, peer, request.headers());
    if passes_the_clients_query_on(request, origin.as_ref().ok()) {
        return Err(early(
            "the gateway sends the client's own query here, which could then say what it needs: end the address \
            that it asks with ? (Caddy: uri /v1/authorize?)",
        ));
    }
    decide(gateway, Door::Authorize, request.headers(), origin, &own)
        .map(|identity| allow(gateway, &identity))
        .map_err(|trouble| if own.for_nginx { as_nginx_can(trouble) } else { trouble })
}

fn refuse_long_head<B>(gateway: &Gateway, request: &Request<B>) -> Result<(), Trouble> {
    if !is_head_too_long(request) {
        return Ok(());
    }
    let detail = format!("request line and headers have at most {HEAD_LEN_MAX} bytes together");
    Err(refuse_before_deciding(gateway, Door::Authorize, forbidden(detail)))
}

/// Whether our own query is the one of the original request. Some gateways append it, and a client could then
/// write `?scope=` itself.
fn passes_the_clients_query_on<B>(request: &Request<B>, origin: Option<&Origin<'_>>) -> bool {
    let Some(own) = request.uri().query().filter(|own| !own.is_empty()) else { return false };
    let target = origin.and_then(|origin| origin.target);
    target.and_then(|target| target.split_once('?')).is_some_and(|(_, theirs)| own == theirs)
}

/// What a yes has, and what it has about a limited key.
static YES: LazyLock<Form> = LazyLock::new(|| Form::new(yes_names()));
static LIMITED_YES: LazyLock<Form> = LazyLock::new(|| Form::new(yes_names().chain(QUOTA)));

/// The identifier of the request is put in by who answers it.
fn yes_names() -> impl Iterator<Item = HeaderName> {
    IDENTITY.into_iter().chain([USABLE_FOR, CACHE_CONTROL, REQUEST_ID])
}

/// Yes, with who it is.
fn allow(gateway: &Gateway, identity: &Identity) -> Answer {
    let request_id = HeaderValue::from_static("");
    let values = identity_values(gateway, identity).into_iter();
    let values = values.chain([USABLE_FOR_VALUE.clone(), NO_STORE, request_id]);
    let mut headers = match &identity.quota {
        Some(quota) => LIMITED_YES.filled(values.chain(quota_values(quota))),
        None => YES.filled(values),
    };
    headers.extend(grace_header(identity));
    let mut answer = Response::new(Full::default());
    *answer.headers_mut() = headers;
    answer
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
    use crate::authorize::refusal::invalid_key;

    #[tokio::test]
    async fn nginx_hears_of_a_429_as_a_403() {
        let too_many = Trouble::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too often");
        let answer = as_nginx_can(too_many).into_answer("req_x");
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()[&STATUS], "429");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("\"code\":\"rate_limited\""));
        assert_eq!(as_nginx_can(invalid_key("revoked")).status, 401);
    }
}
