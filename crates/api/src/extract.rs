//! What handlers take out of a request: who asks, and the body.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body as AnyBody;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use keyward_core::rate::Quota;
use keyward_core::secret::SecretFormat;
use keyward_service::authenticate::{Presented, Recognised, authenticate};
use keyward_service::ctx::{Caller, Ctx, Door};
use keyward_service::refusal::Refusal;
use keyward_web::{Head, Sender, is_safe, is_secure_context, sent_by, session_token};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::problem::Failure;
use crate::state::Api;
use crate::{credentials, page};

/// Longest body (contract: 1 MiB). The largest shape is a key with all its rules and metadata.
pub(crate) const BODY_LEN_MAX: usize = 1024 * 1024;
/// How long a client may take for its body.
const BODY_READ_MAX: Duration = Duration::from_secs(15);
/// The same for a body that may be longer than most: 16 MiB in this time are a slow line, not a slow client.
const LONG_BODY_READ_MAX: Duration = Duration::from_mins(1);
/// How far a long body may fall behind its least speed: a pause of the line.
const LONG_BODY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The least speed of a long body, in bytes a second: half of what a slow line sends. Few long bodies are read at once,
/// and one that does not come keeps others from theirs.
const LONG_BODY_SPEED_MIN: u64 = 64 * 1024;
/// How much of a body that nobody wants is read and thrown away, so that its sender gets to hear why: twice the
/// longest that anybody may send.
const BODY_DISCARD_MAX: usize = 32 * BODY_LEN_MAX;

/// The key that a request was made with, for the layer that notes uses and says what is left of a limit once the
/// answer is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct UsedKey(pub(crate) Arc<OnceLock<Used>>);

/// A key that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) of: Recognised,
    /// From where.
    pub(crate) ip: Option<IpAddr>,
    /// What is left of its limit.
    pub(crate) quota: Option<Quota>,
    /// Why it was not let in, in the usage log's words. `None`: it was.
    pub(crate) turned_away: Option<&'static str>,
}

/// Who asks: somebody.
pub(crate) struct Asking(pub(crate) Ctx);

impl FromRequestParts<Arc<Api>> for Asking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let ctx = ask(parts, api).await?;
        if matches!(ctx.caller, Caller::Nobody) {
            // Before the body is read: a stranger learns nothing of shapes, and costs no memory.
            return Err(Refusal::Unauthenticated.into());
        }
        crate::parameters::check(parts)?;
        parts.extensions.insert(LetIn(ctx.request.ip));
        Ok(Self(ctx))
    }
}

/// Somebody was asked for before the body was read, and let in from this address.
#[derive(Debug, Clone, Copy)]
struct LetIn(Option<IpAddr>);

/// Asks again once the body is here: what was taken away while it was on its way is not done any more.
pub(crate) async fn check_still_in(parts: &Parts, api: &Api) -> Result<(), Failure> {
    let Some(LetIn(ip)) = parts.extensions.get() else { return Ok(()) };
    let presented =
        Presented { key: credentials::key(&parts.headers)?, session: session_token(&parts.headers) };
    Ok(keyward_service::authenticate::check_still_in(&api.service, presented, *ip).await?)
}

/// Who asks, where a layer has found it out already. Only our own layers put it into a request.
#[derive(Debug, Clone)]
pub(crate) struct Known(pub(crate) Ctx);

/// Who asks: somebody or nobody.
pub(crate) struct Whoever(pub(crate) Ctx);

impl FromRequestParts<Arc<Api>> for Whoever {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        ask(parts, api).await.map(Self)
    }
}

async fn ask(parts: &Parts, api: &Api) -> Result<Ctx, Failure> {
    if let Some(Known(ctx)) = parts.extensions.get() {
        return Ok(ctx.clone());
    }
    let key = credentials::key(&parts.headers)?;
    let session = session_token(&parts.headers);
    if key.is_none() && session.is_some() && !is_safe(&parts.method) {
        check_same_origin(parts, api, false)?;
    }
    let request = head(parts, api)?.through(Door::Api);
    let ip = request.ip;
    let asked = authenticate(&api.service, Presented { key, session }, request).await;
    let used = match &asked {
        Ok(ctx) => ctx.used_key().map(|(of, quota)| Used { of, ip, quota, turned_away: None }),
        Err(away) => away.key.map(|(of, why)| Used { of, ip, quota: None, turned_away: Some(why) }),
    };
    if let (Some(used), Some(place)) = (used, parts.extensions.get::<UsedKey>()) {
        // One request has one key; a second setting would be the same.
        let _ = place.0.set(used);
    }
    asked.map_err(|away| away.refusal.into())
}

/// Nobody is asked for: what the request brings says by itself who sent it.
pub(crate) struct Unasked(pub(crate) Ctx);

impl FromRequestParts<Arc<Api>> for Unasked {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let request = head(parts, api)?.through(Door::Api);
        Ok(Self(Ctx { now: api.service.clock.now(), request, caller: Caller::Nobody, claim: None }))
    }
}

/// Somebody who is only now becoming known: signing in, accepting, setting up. Other sites may not do that
/// in a person's browser, and a cookie is only given where it is safe.
pub(crate) struct Arriving(pub(crate) Ctx);

impl FromRequestParts<Arc<Api>> for Arriving {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        check_same_origin(parts, api, true)?;
        let head = head(parts, api)?;
        check_secure(parts, &head)?;
        let now = api.service.clock.now();
        Ok(Self(Ctx { now, request: head.through(Door::Api), caller: Caller::Nobody, claim: None }))
    }
}

fn check_same_origin(parts: &Parts, api: &Api, unsaid_is_fine: bool) -> Result<(), Failure> {
    match sent_by(&parts.headers, &api.service.public_url) {
        Sender::Us => Ok(()),
        Sender::Unsaid if unsaid_is_fine => Ok(()),
        Sender::Unsaid | Sender::Others => Err(Failure::NotSameOrigin),
    }
}

fn check_secure(parts: &Parts, head: &Head) -> Result<(), Failure> {
    if is_secure_context(&head.client, &parts.headers) {
        return Ok(());
    }
    let message = "signing in needs HTTPS: the session's cookie is only kept in a secure context. Put Keyward behind a TLS proxy that sends X-Forwarded-Proto: https (server.trusted_proxies), or open it on localhost";
    Err(Refusal::Forbidden(message.to_owned()).into())
}

fn head(parts: &Parts, api: &Api) -> Result<Head, Failure> {
    Head::of(parts, &api.trusted_proxies).map_err(|missing| Refusal::Internal(missing.to_string()).into())
}

/// A JSON body of at most `LEN_MAX` bytes, read strictly: nothing twice, nothing unknown.
pub(crate) struct Body<T, const LEN_MAX: usize = BODY_LEN_MAX>(pub(crate) T);

impl<T, const LEN_MAX: usize> FromRequest<Arc<Api>> for Body<T, LEN_MAX>
where
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = Failure;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let bytes = json_bytes(&parts.headers, body, LEN_MAX).await?;
        check_still_in(&parts, api).await?;
        parse(bytes).await.map(Self)
    }
}

/// The bytes of a body that says it is JSON, unread.
pub(crate) async fn json_bytes(
    headers: &HeaderMap,
    body: AnyBody,
    len_max: usize,
) -> Result<Vec<u8>, Failure> {
    if !is_json(headers) {
        discard(body);
        return Err(Failure::NotJson);
    }
    read(headers, body, len_max).await
}

/// A long body takes a while to be understood: not on a thread that others wait for.
pub(crate) async fn parse<T: DeserializeOwned + Send + 'static>(bytes: Vec<u8>) -> Result<T, Failure> {
    if bytes.len() <= BODY_LEN_MAX {
        return Ok(keyward_wire::strict::from_slice(&bytes)?);
    }
    let parsed = tokio::task::spawn_blocking(move || keyward_wire::strict::from_slice(&bytes)).await;
    let lost = |_| Refusal::Internal("the reader of a body was lost".to_owned());
    Ok(parsed.map_err(lost)??)
}

/// A JSON body, or none: a request that needs no more than its address.
pub(crate) struct MaybeBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Api>> for MaybeBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Failure> {
        if request.body().is_end_stream() {
            return Ok(Self(None));
        }
        Body::<T>::from_request(request, api).await.map(|Body(input)| Self(Some(input)))
    }
}

fn announced_len(headers: &HeaderMap) -> usize {
    let text = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The whole of a body, within its bounds.
pub(crate) async fn read(headers: &HeaderMap, mut body: AnyBody, len_max: usize) -> Result<Vec<u8>, Failure> {
    if announced_len(headers) > len_max {
        discard(body);
        return Err(Failure::TooLarge(len_max));
    }
    let is_long = len_max > BODY_LEN_MAX;
    let read_max = if is_long { LONG_BODY_READ_MAX } else { BODY_READ_MAX };
    let begun = Instant::now();
    let mut bytes = Vec::new();
    let reading = async {
        loop {
            let time = if is_long { time_for(bytes.len()) } else { read_max };
            let frame = tokio::time::timeout_at(begun + time.min(read_max), body.frame()).await;
            let too_late = |_| {
                if time < read_max {
                    Failure::TooSlow(LONG_BODY_SPEED_MIN)
                } else {
                    Failure::TimedOut(read_max)
                }
            };
            let Some(frame) = frame.map_err(too_late)? else { return Ok(()) };
            let frame = frame.map_err(|_| Failure::malformed("the body ended early"))?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > len_max {
                return Err(Failure::TooLarge(len_max));
            }
            bytes.extend_from_slice(data);
        }
    };
    match reading.await {
        Ok(()) => Ok(bytes),
        // Whoever is too slow is not read on.
        Err(failure @ (Failure::TimedOut(_) | Failure::TooSlow(_))) => Err(failure),
        Err(failure) => {
            discard(body);
            Err(failure)
        }
    }
}

/// By when more than so many bytes of a long body are to be here.
fn time_for(read: usize) -> Duration {
    let bytes = u64::try_from(read).unwrap_or(u64::MAX);
    LONG_BODY_PAUSE_MAX + Duration::from_secs(bytes / LONG_BODY_SPEED_MIN)
}

/// Goes on reading what nobody wants, while the answer is sent already: a client that is still writing would
/// otherwise see its connection reset and never read why.
pub(crate) fn discard(mut body: AnyBody) {
    tokio::spawn(tokio::time::timeout(BODY_READ_MAX, async move {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, bytes::Buf::remaining);
            if seen > BODY_DISCARD_MAX {
                break;
            }
        }
    }));
}

/// JSON in UTF-8, as it is: not compressed, in no other character set (RFC 8259, section 8.1).
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf_8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    is_json && is_utf_8 && plain
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
pub(crate) fn check_query_has_no_key(uri: &Uri, format: &SecretFormat) -> Result<(), Failure> {
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
    let holds_key = |pair: &str| {
        let pair = percent_decode_str(pair).decode_utf8_lossy();
        let name = pair.split_once('=').map_or(&*pair, |(name, _)| name).to_ascii_lowercase();
        NAMES.contains(&name.as_str()) || format.is_in(&pair)
    };
    if query.split(['&', ';']).any(holds_key) {
        let detail = "an API key never goes into the address: it would end up in logs. Send it as \"Authorization: Bearer …\", and rotate the one that was sent";
        return Err(Failure::malformed(detail));
    }
    Ok(())
}

/// The parts of an address. One that is no UTF-8 leads nowhere.
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(found)) => Ok(Self(found)),
            Err(_) => Err(Failure::NoRoute),
        }
    }
}
