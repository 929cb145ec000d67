//! `Idempotency-Key`: a POST that may be sent again without being carried out again.
//!
//! A layer around the routes. It finds out who asks, reads the body, takes a claim
//! ([`keyward_service::idempotency`]), lets the handler do its work under it, and keeps the answer without its secrets.
//! Which routes take the header is read from their documentation: each POST that somebody is authenticated for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use keyward_core::field::FieldCode;
use keyward_service::ctx::Ctx;
use keyward_service::idempotency::{
    Asked, ClaimId, Claimed, HEADER, KeptAnswer, check_reach, claim, keep, release,
};
use keyward_service::refusal::Refusal;
use keyward_wire::SECRET_ALREADY_SHOWN;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::Operation;

use crate::extract::{Asking, BODY_LEN_MAX, Known, discard, is_json, read};
use crate::problem::Failure;
use crate::state::Api;
use crate::v1::keys::import;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key: Stripe's bound. A UUID has 36 characters.
pub(crate) const KEY_LEN_MAX: usize = 255;
/// Requests that are carried out at once under a key. Each goes on when its client goes away, so that the answer is
/// there when it asks again: without a bound of their own, those without a client would have none. Each holds a body
/// of up to a megabyte; imports, whose bodies are longer, have a smaller bound of their own.
const AT_ONCE_MAX: usize = 256;
/// How long a request waits to be among them, with its body in memory.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The members of an answer that hold a secret. Whoever answers one says so with this extension: an answer that may
/// not be cached and does not say so is not kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secrets(pub(crate) &'static [&'static str]);

/// What the layer knows.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    api: Arc<Api>,
    /// The routes that take the header.
    routes: Arc<HashSet<String>>,
    places: Arc<Semaphore>,
}

impl Once {
    pub(crate) fn new(api: Arc<Api>, document: &Document) -> Self {
        let routes = routes(document).map(str::to_owned).collect();
        Self { api, routes: Arc::new(routes), places: Arc::new(Semaphore::new(AT_ONCE_MAX)) }
    }

    fn applies_to(&self, request: &Request) -> bool {
        let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        request.method() == Method::POST
            && request.headers().contains_key(IDEMPOTENCY_KEY)
            && route.is_some_and(|route| self.routes.contains(route))
    }

    /// A place for a body that may be longer than most: it is only read when there is one.
    async fn admit_long(
        &self,
        parts: &Parts,
        ctx: &Ctx,
        slug: Option<&str>,
    ) -> Result<Option<import::Place>, Refusal> {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        if route != Some(import::ROUTE) {
            return Ok(None);
        }
        import::admit(&self.api, ctx, slug.unwrap_or_default()).await.map(Some)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        match tokio::time::timeout(WAIT_MAX, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Refusal::Busy(
                "many requests are at work under an Idempotency-Key; try again in a moment",
            )),
        }
    }

    async fn answer(self, request: Request, next: Next) -> Result<Response, Failure> {
        let (mut parts, body) = request.into_parts();
        let Asking(ctx) = Asking::from_request_parts(&mut parts, &self.api).await?;
        let key = parse_key(&parts.headers)?.to_owned();
        let slug = slug(&mut parts).await;
        let long = match self.admit_long(&parts, &ctx, slug.as_deref()).await {
            Ok(long) => long,
            Err(refusal) => {
                discard(body);
                return Err(refusal.into());
            }
        };
        let len_max = if long.is_some() { import::BODY_LEN_MAX } else { BODY_LEN_MAX };
        let body = Bytes::from(read(&parts.headers, body, len_max).await?);
        let place = self.place().await?;
        if let Some(long) = long {
            parts.extensions.insert(long.turn().await?);
        }
        let sent = Sent { ctx, key, slug, parts, body };
        let task = tokio::spawn(async move {
            let answered = sent.answer(&self.api, next).await;
            drop(place);
            answered
        });
        let broke_off = |error| Refusal::Internal(format!("a request broke off: {error}"));
        task.await.map_err(|error| Failure::from(broke_off(error)))?
    }
}

/// A request that is here as a whole.
struct Sent {
    ctx: Ctx,
    key: String,
    slug: Option<String>,
    parts: Parts,
    body: Bytes,
}

impl Sent {
    /// Has it carried out, or gives the first answer again.
    async fn answer(mut self, api: &Api, next: Next) -> Result<Response, Failure> {
        let asked = Asked {
            key: &self.key,
            method: self.parts.method.as_str(),
            path: self.parts.uri.path(),
            query: self.parts.uri.query().unwrap_or_default(),
            body: &self.body,
        };
        match claim(&api.service, &self.ctx, &asked).await? {
            Claimed::Again(answer) => {
                if let Some(slug) = &self.slug {
                    check_reach(&api.service, &self.ctx, slug).await?;
                }
                Ok(again(answer))
            }
            Claimed::First(claim) => {
                self.parts.extensions.insert(Known(Ctx { claim: Some(claim), ..self.ctx }));
                let request = Request::from_parts(self.parts, Body::from(self.body));
                Ok(end(api, claim, next.run(request).await).await)
            }
        }
    }
}

/// The addresses whose POST somebody is authenticated for. Whoever signs in, accepts or sets up is nobody yet, and has
/// no keys of their own.
pub(crate) fn routes(document: &Document) -> impl Iterator<Item = &str> {
    let takes = |operation: &Operation| operation.security.is_some();
    document
        .paths
        .paths
        .iter()
        .filter(move |(_, item)| item.post.as_ref().is_some_and(takes))
        .map(|(path, _)| path.as_str())
}

/// The layer.
pub(crate) async fn once(State(once): State<Once>, request: Request, next: Next) -> Response {
    if once.applies_to(&request) {
        once.answer(request, next).await.unwrap_or_else(Failure::into_response)
    } else {
        next.run(request).await
    }
}

/// The workspace in the address.
async fn slug(parts: &mut Parts) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(name, _)| *name == "slug").map(|(_, slug)| slug.to_owned())
}

fn parse_key(headers: &HeaderMap) -> Result<&str, Failure> {
    let refuse = |code, message| Err(Failure::field(HEADER, code, message));
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return refuse(FieldCode::Duplicate, "the header is there twice");
    }
    let key = first.and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key.len() > KEY_LEN_MAX {
        return refuse(FieldCode::TooLarge, "a key has at most 255 characters");
    }
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(FieldCode::Invalid, "give 1 to 255 visible ASCII characters, such as a random UUID");
    }
    Ok(key)
}

/// Ends a claim by what was answered. The answer goes to whoever waits for it in any case.
async fn end(api: &Api, claim: ClaimId, response: Response) -> Response {
    let (response, kept) =
        if response.status().is_success() { keepable(response).await } else { (response, None) };
    let ended = match kept {
        Some(answer) => keep(&api.service, claim, &answer).await,
        None => release(&api.service, claim).await,
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "what was answered under an Idempotency-Key could not be written down");
    }
    response
}

/// The answer, and what is kept of it: nothing where it cannot be told what in it is secret.
async fn keepable(response: Response) -> (Response, Option<KeptAnswer>) {
    let (parts, body) = response.into_parts();
    // Answers to a POST lie in memory already, as a whole.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR.into_response(), None);
    };
    let secrets = parts.extensions.get::<Secrets>();
    let undeclared = secrets.is_none() && parts.headers.contains_key(CACHE_CONTROL);
    let body = match (bytes.is_empty(), is_json(&parts.headers)) {
        (true, _) => Some(None),
        (false, true) => without_secrets(&bytes, secrets.map_or(&[], |Secrets(names)| names)).map(Some),
        (false, false) => None,
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(Box::from);
    let answer = body.filter(|_| !undeclared).map(|body| KeptAnswer {
        status: parts.status.as_u16(),
        etag: text(ETAG),
        location: text(LOCATION),
        body,
    });
    (Response::from_parts(parts, Body::from(bytes)), answer)
}

/// The JSON as it is answered again. `None`: it is not what its handler said of it.
fn without_secrets(json: &[u8], secrets: &[&str]) -> Option<String> {
    if secrets.is_empty() {
        return String::from_utf8(json.to_vec()).ok();
    }
    let Ok(Value::Object(mut members)) = serde_json::from_slice(json) else { return None };
    for name in secrets {
        *members.get_mut(*name)? = Value::Null;
    }
    members.insert(SECRET_ALREADY_SHOWN.to_owned(), Value::Bool(true));
    Some(Value::Object(members).to_string())
}

/// The first answer, once more.
fn again(answer: KeptAnswer) -> Response {
    let KeptAnswer { status, etag, location, body } = answer;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut headers = HeaderMap::from_iter([(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"))]);
    for (name, text) in [(ETAG, etag), (LOCATION, location)] {
        let value = text.and_then(|text| HeaderValue::try_from(text.as_ref()).ok());
        headers.extend(value.map(|value| (name, value)));
    }
    let Some(body) = body else { return (status, headers).into_response() };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests;
