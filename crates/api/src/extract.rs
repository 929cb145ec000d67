//! What handlers take out of a request: who asks, and the body.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use keyward_core::id::{KeyId, RequestId};
use keyward_service::authenticate::{Presented, authenticate};
use keyward_service::ctx::{Caller, Ctx, Door};
use serde::de::DeserializeOwned;

use crate::client::{Client, Peer, is_loopback_host};
use crate::cookie::session_token;
use crate::origin::{From, comes_from, is_safe};
use crate::problem::Failure;
use crate::state::Api;
use crate::{credentials, page};

/// Longest body (contract: 1 MiB). The largest shape is a key with all its rules and metadata.
pub(crate) const BODY_LEN_MAX: usize = 1024 * 1024;
/// Longest `User-Agent` that is kept.
const USER_AGENT_CHARS_MAX: usize = 200;

/// The key that a request was made with, for the layer that notes uses once the answer is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct UsedKey(pub(crate) Arc<OnceLock<KeyId>>);

/// Who asks. Nobody, too: the service refuses where somebody must be known.
pub(crate) struct Asking(pub(crate) Ctx);

impl FromRequestParts<Arc<Api>> for Asking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let key = credentials::key(&parts.headers)?;
        let session = session_token(&parts.headers);
        if key.is_none() && session.is_some() && !is_safe(&parts.method) {
            check_same_origin(parts, api, false)?;
        }
        let request = request(parts, api)?;
        let ctx = authenticate(&api.service, Presented { key, session }, request).await?;
        if let (Some(key), Some(used)) = (ctx.key(), parts.extensions.get::<UsedKey>()) {
            // One request has one key; a second setting would be the same.
            let _ = used.0.set(key.id);
        }
        Ok(Self(ctx))
    }
}

/// Somebody who is only now becoming known: signing in, accepting, setting up. Other sites may not do that
/// in a person's browser, and a cookie is only given where it is safe.
pub(crate) struct Arriving(pub(crate) Ctx);

impl FromRequestParts<Arc<Api>> for Arriving {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        check_same_origin(parts, api, true)?;
        check_secure(parts, api)?;
        let now = api.service.clock.now();
        Ok(Self(Ctx { now, request: request(parts, api)?, caller: Caller::Nobody }))
    }
}

fn check_same_origin(parts: &Parts, api: &Api, unsaid_is_fine: bool) -> Result<(), Failure> {
    match comes_from(&parts.headers, &api.service.public_url) {
        From::Us => Ok(()),
        From::Unsaid if unsaid_is_fine => Ok(()),
        From::Unsaid | From::Others => Err(Failure::NotSameOrigin),
    }
}

/// Browsers keep our cookie only in a secure context; without one, signing in would seem to work and not.
fn check_secure(parts: &Parts, api: &Api) -> Result<(), Failure> {
    let https = client(parts, api)?.https || api.service.public_url.starts_with("https://");
    if https || is_loopback_host(&parts.headers) {
        return Ok(());
    }
    let message = "signing in needs HTTPS: the session's cookie is only kept in a secure context. Put Keyward behind a TLS proxy that sends X-Forwarded-Proto: https (server.trusted_proxies), or open it on localhost";
    Err(keyward_service::refusal::Refusal::Forbidden(message.to_owned()).into())
}

fn client(parts: &Parts, api: &Api) -> Result<Client, Failure> {
    let peer = parts.extensions.get::<Peer>().ok_or_else(|| internal("the peer's address is not known"))?;
    Ok(Client::new(*peer, &parts.headers, &api.trusted_proxies))
}

fn request(parts: &Parts, api: &Api) -> Result<keyward_service::ctx::Request, Failure> {
    let id = parts.extensions.get::<RequestId>().ok_or_else(|| internal("the request has no identifier"))?;
    let ip = Some(client(parts, api)?.ip);
    Ok(keyward_service::ctx::Request { id: *id, door: Door::Api, ip, user_agent: user_agent(&parts.headers) })
}

fn user_agent(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT_CHARS_MAX).collect::<String>().into())
}

fn internal(what: &str) -> Failure {
    keyward_service::refusal::Refusal::Internal(what.to_owned()).into()
}

/// A JSON body, read strictly: nothing twice, nothing unknown.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<Api>) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Failure::NotJson);
        }
        let read = Limited::new(request.into_body(), BODY_LEN_MAX).collect().await;
        let bytes = match read {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Failure::TooLarge(BODY_LEN_MAX)),
            Err(_) => return Err(Failure::malformed("the body ended early")),
        };
        Ok(Self(keyward_wire::strict::from_slice(&bytes)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// A query whose parameters are all known.
pub(crate) struct Query(pub(crate) page::Parameters);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        page::Parameters::parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Refuses a key in the query string: addresses end up in logs and histories.
pub(crate) fn check_query_has_no_key(uri: &Uri, prefix: &str) -> Result<(), Failure> {
    const NAMES: &[&str] = &[
        "access_token",
        "api-key",
        "api_key",
        "apikey",
        "authorization",
        "key",
        "secret",
        "token",
        "x-api-key",
    ];
    let Some(query) = uri.query() else { return Ok(()) };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if NAMES.contains(&name.to_ascii_lowercase().as_str()) || value.contains(prefix) {
            let detail = "an API key never goes into the address: it would end up in logs. Send it as \"Authorization: Bearer …\", and rotate the one that was sent";
            return Err(Failure::malformed(detail));
        }
    }
    Ok(())
}
