//! The reverse proxy for products without a gateway of their own: it decides on each request, and passes it on without the key.
//!
//! Deliberately absent: TLS, routes to several products, retries of its own, caching, rewriting of paths. Whoever needs one of
//! them has a gateway, and asks at the other doors.

mod headers;
mod paced;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use keyward_verifier::Identity;
use tokio::time::timeout;

use crate::answer::{Trouble, quota_headers};
use crate::authorize::{Origin, Own, decide, forbidden, refuse_before_deciding};
use crate::bounds::{
    HEAD_LEN_MAX, PROXY_BODY_LEN_MAX, UPSTREAM_CONNECT_MAX, UPSTREAM_HEAD_MAX, UPSTREAM_IDLE_MAX,
    UPSTREAM_IDLE_PER_HOST_MAX,
};
use crate::gateway::{Gateway, is_head_too_long};
use crate::metrics::{Door, Upstream};
use crate::proxy::paced::{Paced, Stalled};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

type BoxError = Box<dyn Error + Send + Sync>;
/// A body on its way through.
pub(crate) type Passing = UnsyncBoxBody<Bytes, BoxError>;

/// The proxy in front of one product.
#[derive(Debug)]
pub struct Proxy {
    pub(crate) gateway: Arc<Gateway>,
    upstream: Authority,
    client: Client<HttpConnector, Passing>,
}

impl Proxy {
    /// A proxy that decides as `gateway` does, and passes on to `upstream` over plain HTTP/1.1.
    pub fn new(gateway: Arc<Gateway>, upstream: Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(UPSTREAM_CONNECT_MAX));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(UPSTREAM_IDLE_MAX)
            .pool_max_idle_per_host(UPSTREAM_IDLE_PER_HOST_MAX)
            .build(connector);
        Self { gateway, upstream, client }
    }

    /// Answers one request of `peer`.
    pub(crate) async fn handle(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Passing> {
        let request_id = (self.gateway.sources.request_id)().to_string();
        let trace = crate::trace::trace_id(request.headers()).map(str::to_owned);
        let answered = self.pass(peer, request, &request_id).await;
        let mut answer = answered.unwrap_or_else(|trouble| {
            trouble.into_answer(&request_id).map(|body| body.map_err(|never| match never {}).boxed_unsync())
        });
        tracing::debug!(%request_id, trace_id = trace, status = answer.status().as_u16(), "answered through the proxy");
        if let Ok(value) = HeaderValue::try_from(request_id) {
            // The product may have given the request one of its own.
            answer.headers_mut().entry(REQUEST_ID).or_insert(value);
        }
        answer
    }

    async fn pass(
        &self,
        peer: IpAddr,
        request: Request<Incoming>,
        request_id: &str,
    ) -> Result<Response<Passing>, Trouble> {
        let identity = self.check(peer, &request)?;
        let passed_on = self.rewrite(peer, request, &identity, request_id)?;
        let answered = timeout(UPSTREAM_HEAD_MAX, self.client.request(passed_on)).await;
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.failed(&error)),
            Err(_) => return Err(self.late("the product did not answer in time")),
        };
        let (mut parts, body) = answer.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.unreachable("the product switched protocols without having been asked to"));
        }
        headers::strip_hop_by_hop(&mut parts.headers);
        parts.headers.extend(identity.quota.iter().flat_map(|quota| quota_headers(quota, false)));
        parts.version = Version::HTTP_11;
        Ok(Response::from_parts(parts, Paced::new(body).boxed_unsync()))
    }

    fn check<B: Body>(&self, peer: IpAddr, request: &Request<B>) -> Result<Identity, Trouble> {
        let gateway = &*self.gateway;
        let early = |trouble| refuse_before_deciding(gateway, Door::Proxy, trouble);
        if is_head_too_long(request) {
            let detail = format!("request line and headers have at most {HEAD_LEN_MAX} bytes together");
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(early(Trouble::new(status, "headers_too_large", detail)));
        }
        if request.method() == Method::CONNECT {
            return Err(early(forbidden("this is no proxy to elsewhere: CONNECT is refused")));
        }
        let target = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
        let method = request.method().as_str();
        let origin = Origin::direct(&gateway.settings, peer, method, target, request.headers());
        let identity = decide(gateway, Door::Proxy, request.headers(), origin, &Own::default())?;
        if headers::asks_to_upgrade(request.headers()) {
            let detail = "upgrades such as WebSocket are not passed on: an open connection would outlive the revoke of its key";
            return Err(Trouble::new(StatusCode::NOT_IMPLEMENTED, "upgrade_refused", detail));
        }
        // A body whose length is told is refused at once, and not where it gets too long.
        if request.body().size_hint().lower() > PROXY_BODY_LEN_MAX as u64 {
            return Err(too_large());
        }
        Ok(identity)
    }

    /// The request as the product gets it.
    fn rewrite(
        &self,
        peer: IpAddr,
        request: Request<Incoming>,
        identity: &Identity,
        request_id: &str,
    ) -> Result<Request<Passing>, Trouble> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        headers::pass_on(&self.gateway, peer, &mut parts.headers, &parts.uri, identity);
        if let Ok(value) = HeaderValue::try_from(request_id) {
            parts.headers.insert(REQUEST_ID, value);
        }
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.upstream.clone()).path_and_query(target);
        parts.uri = uri.build().map_err(|_| forbidden("the address of the request cannot be read"))?;
        parts.version = Version::HTTP_11;
        let body = Limited::new(Paced::new(body), PROXY_BODY_LEN_MAX);
        Ok(Request::from_parts(parts, body.boxed_unsync()))
    }

    /// Why there is no answer: the client's own fault, or the product's.
    fn failed(&self, error: &hyper_util::client::legacy::Error) -> Trouble {
        if comes_from(error, |_: &LengthLimitError| true) {
            return too_large();
        }
        if comes_from(error, |_: &Stalled| true) {
            let detail = "the body of the request stopped coming";
            return Trouble::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail);
        }
        // Its text tells of connections, and nothing of what was sent.
        tracing::warn!(error = error as &dyn Error, upstream = %self.upstream, "the product cannot be asked");
        let timed_out = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::TimedOut;
        if error.is_connect() && comes_from(error, timed_out) {
            return self.late("the product did not take a connection in time");
        }
        self.unreachable("the product cannot be reached, or broke off before it answered")
    }

    fn unreachable(&self, detail: &'static str) -> Trouble {
        self.gateway.metrics.count_upstream(Upstream::Unreachable);
        Trouble::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", detail)
    }

    fn late(&self, detail: &'static str) -> Trouble {
        self.gateway.metrics.count_upstream(Upstream::Late);
        Trouble::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", detail)
    }
}

fn too_large() -> Trouble {
    let detail = format!("a body has at most {PROXY_BODY_LEN_MAX} bytes here");
    Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
}

/// Whether an error is one of that kind that `fits`, or comes from one.
fn comes_from<E: Error + 'static>(error: &(dyn Error + 'static), fits: impl Fn(&E) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<E>().is_some_and(&fits) {
            return true;
        }
        cause = error.source();
    }
    false
}
