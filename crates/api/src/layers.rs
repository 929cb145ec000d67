//! What is around every request: an identifier, bounds, problem answers, a line in the log.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use keyward_core::id::RequestId;
use keyward_core::secret::SecretFormat;
use keyward_core::usage::{Recordable, Use, VALID};
use keyward_service::authenticate::Recognised;
use keyward_service::{clock, entropy};
use keyward_wire::problem::PROBLEM_JSON;

use crate::credentials;
use crate::extract::{Used, UsedKey, check_query_has_no_key};
use crate::problem::{Draft, Failure, Missing, quota_headers};
use crate::state::Api;

/// Longest headers. A key, a cookie and what proxies add fit into a fourth of it.
const HEADERS_LEN_MAX: usize = 16 * 1024;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the layers around routes.
pub fn around(router: Router, api: Arc<Api>) -> Router {
    router.layer(from_fn_with_state(api, outermost))
}

async fn outermost(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let now = api.service.clock.now();
    let Ok(random) = entropy::bytes() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let id = RequestId::new(clock::unix_ms(now), random);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let of_api = request.uri().path().starts_with("/api/v1/");
    let used = UsedKey::default();
    let about = About::of(&request, &api.service.profile.keys.format);
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(used.clone());
    let response = match check(&api, &request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    let mut quota = None;
    if let (Some(used), Some(about)) = (used.0.get(), about) {
        quota = used.quota;
        // When it was answered: what is not in the queue by then is lost if the process is killed.
        api.service.uses.put(about.used(used, api.service.clock.now(), &response));
    }
    let mut response = finish(response, &id.to_string(), of_api);
    response.headers_mut().extend(quota.iter().flat_map(quota_headers));
    // The route, never the address: a slug or an identifier is enough to find it by the request's own.
    tracing::info!(
        request_id = %id,
        %method,
        route = route.as_deref().unwrap_or("-"),
        status = response.status().as_u16(),
        micros = began.elapsed().as_micros(),
        "request"
    );
    response
}

/// What the usage log keeps of a request that brings a key.
struct About {
    user_agent: Option<Box<str>>,
    method: Option<Box<str>>,
    path: Option<Box<str>>,
}

impl About {
    /// `None`: it brings no key, or none that could be one.
    fn of(request: &Request, format: &SecretFormat) -> Option<Self> {
        let presented = credentials::key(request.headers()).ok().flatten()?;
        let recordable = Recordable::new(format, presented);
        let user_agent = request.headers().get(USER_AGENT);
        let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
        Some(Self {
            user_agent: user_agent.and_then(|text| recordable.program(&text)),
            method: recordable.text(request.method().as_str()),
            path: recordable.text(request.uri().path()),
        })
    }

    fn used(self, used: &Used, at: Timestamp, response: &Response) -> Use {
        let Self { user_agent, method, path } = self;
        let failed = response.extensions().get::<Draft>().map(Draft::code);
        let is_fine = response.status().as_u16() < 400;
        let code = used.turned_away.or(failed).unwrap_or(if is_fine { VALID } else { "refused" });
        let scope = response.extensions().get::<Missing>().map(|Missing(scope)| scope.as_str().into());
        let Recognised { key, secret, workspace } = used.of;
        Use { key, secret, at, code, ip: used.ip, user_agent, scope, method, path, workspace }
    }
}

fn check(api: &Api, request: &Request) -> Result<(), Failure> {
    let address_len = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address_len + headers_len(request.headers()) > HEADERS_LEN_MAX {
        return Err(Failure::HeadersTooLarge(HEADERS_LEN_MAX));
    }
    check_query_has_no_key(request.uri(), &api.service.profile.keys.format)
}

fn headers_len(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Writes problems down, names the request, and keeps answers out of caches.
fn finish(mut response: Response, id: &str, of_api: bool) -> Response {
    let bare =
        response.extensions().get::<Draft>().is_none() && !response.headers().contains_key(CONTENT_TYPE);
    if bare && let Some(failure) = Draft::of_status(response.status()) {
        let mut problem = failure.into_response();
        // What the router knew stays: `Allow`.
        std::mem::swap(problem.headers_mut(), response.headers_mut());
        response = problem;
    }
    if let Some(draft) = response.extensions_mut().remove::<Draft>() {
        response = write_down(response, draft, id);
    }
    let headers = response.headers_mut();
    spell_allow(headers);
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    if of_api {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// `GET, HEAD` as everybody writes it; the router leaves the spaces out.
fn spell_allow(headers: &mut HeaderMap) {
    let Some(methods) = headers.get(ALLOW).and_then(|value| value.to_str().ok()) else { return };
    let spelled = methods.split(',').map(str::trim).collect::<Vec<_>>().join(", ");
    if let Ok(value) = HeaderValue::try_from(spelled) {
        headers.insert(ALLOW, value);
    }
}

fn write_down(response: Response, draft: Draft, id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    let body = serde_json::to_vec(&draft.finish(parts.status, id)).unwrap_or_default();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}
