//! gRPC `envoy.service.auth.v3.Authorization/Check`: Envoy asks before it forwards a request. The same decision as at
//! `/v1/authorize`; and the key itself is removed before the request goes on.

mod messages;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::body::Body;
use keyward_verifier::Identity;
use keyward_wire::problem::PROBLEM_JSON;
use tonic::codegen::{Service, StdError};
use tonic::server::Grpc;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::answer::{Trouble, quota_headers};
use crate::authorize::{
    GRACE_SECONDS, Origin, Own, allowed_headers, decide, forbidden, refuse_before_deciding,
};
use crate::body::Counted;
use crate::bounds::{BODY_READ_MAX, CHECK_LEN_MAX, HEAD_LEN_MAX};
use crate::ext_authz::messages::{
    Allowed, Attributes, CheckRequest, CheckResponse, Denied, HeaderOption, HttpRequest, HttpStatus, Outcome,
    RpcStatus,
};
use crate::gateway::Gateway;
use crate::metrics::Door;

/// The address of the one call.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What is read of the client's headers.
const READ: [HeaderName; 4] = [AUTHORIZATION, API_KEY, USER_AGENT, FORWARDED_FOR];

/// Answers one request over HTTP/2, which is spoken for gRPC alone.
pub(crate) async fn handle<B>(
    gateway: Arc<Gateway>,
    peer: IpAddr,
    request: http::Request<B>,
) -> Result<http::Response<tonic::body::Body>, Infallible>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<StdError> + Send,
{
    if request.uri().path() != CHECK {
        let told = format!("over HTTP/2 the data plane has {CHECK} alone; use HTTP/1.1 for all else");
        return Ok(Status::unimplemented(told).into_http());
    }
    let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
    let mut grpc = Grpc::new(codec).max_decoding_message_size(CHECK_LEN_MAX);
    let checks = Arc::clone(&gateway.checks);
    let request = request.map(|body| Counted::new(body, checks));
    let answering = grpc.unary(Check { gateway, peer }, request);
    Ok(tokio::time::timeout(BODY_READ_MAX, answering).await.unwrap_or_else(|_| {
        let told = format!("the whole question is to be here within {} seconds", BODY_READ_MAX.as_secs());
        Status::deadline_exceeded(told).into_http()
    }))
}

struct Check {
    gateway: Arc<Gateway>,
    peer: IpAddr,
}

impl Service<tonic::Request<CheckRequest>> for Check {
    type Response = tonic::Response<CheckResponse>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, asked: tonic::Request<CheckRequest>) -> Self::Future {
        let attributes = asked.into_inner().attributes.unwrap_or_default();
        let checked = check(&self.gateway, self.peer, &attributes);
        ready(Ok(tonic::Response::new(match checked {
            Ok(identity) => allow(&self.gateway, &identity),
            Err(trouble) => deny(&self.gateway, trouble),
        })))
    }
}

fn check(gateway: &Gateway, peer: IpAddr, attributes: &Attributes) -> Result<Identity, Trouble> {
    let early = |detail: String| refuse_before_deciding(gateway, Door::ExtAuthz, forbidden(detail));
    let Some(asked) = attributes.request.as_ref().and_then(|request| request.http.as_ref()) else {
        return Err(early("the question tells of no HTTP request".to_owned()));
    };
    let Some(own) = Own::of_pairs(&attributes.context_extensions) else {
        return Err(early(
            "context_extensions may only have workspace and scope, each well-formed".to_owned(),
        ));
    };
    let headers = read_headers(asked).filter(|headers| head_len(asked, headers) <= HEAD_LEN_MAX);
    let Some(headers) = headers else {
        return Err(early(format!(
            "a header is no text, or the request line and what is read of its headers have more than {HEAD_LEN_MAX} bytes"
        )));
    };
    let source = attributes.source.as_ref().and_then(|source| source.address.as_ref());
    let source = source.and_then(|address| address.socket_address.as_ref()).map(|socket| &*socket.address);
    let origin = Origin::told(&gateway.settings, peer, &asked.method, &asked.path, source, &headers);
    decide(gateway, Door::ExtAuthz, &headers, Ok(origin), &own)
}

/// The headers that are read. `None`: one is no header value.
fn read_headers(asked: &HttpRequest) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(READ.len());
    for name in READ {
        if let Some(value) = asked.headers.get(name.as_str()) {
            headers.insert(name, HeaderValue::from_str(value).ok()?);
        }
    }
    Some(headers)
}

fn head_len(asked: &HttpRequest, headers: &HeaderMap) -> usize {
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    asked.method.len() + asked.path.len() + fields.sum::<usize>()
}

/// Yes, with who it is; and without the key, which the product is not to see.
fn allow(gateway: &Gateway, identity: &Identity) -> CheckResponse {
    let quota = identity.quota.iter().flat_map(|quota| quota_headers(quota, false));
    let mut removed = vec![AUTHORIZATION.to_string(), API_KEY.to_string()];
    if !identity.grace.is_some() {
        // Nor is it to see a grace that the client made up.
        removed.push(GRACE_SECONDS.to_string());
    }
    let allowed = Allowed {
        headers: options(allowed_headers(gateway, identity)),
        headers_to_remove: removed,
        response_headers_to_add: options(quota),
    };
    CheckResponse {
        status: Some(RpcStatus { code: Code::Ok as i32 }),
        outcome: Some(Outcome::Allowed(allowed)),
    }
}

fn deny(gateway: &Gateway, mut trouble: Trouble) -> CheckResponse {
    let status = trouble.status;
    let mut headers = options(std::mem::take(&mut trouble.headers));
    headers.push(HeaderOption::set(CONTENT_TYPE.as_str(), PROBLEM_JSON));
    let request_id = (gateway.sources.request_id)().to_string();
    let problem = trouble.into_problem(&request_id);
    let denied = Denied {
        status: Some(HttpStatus { code: status.as_u16().into() }),
        headers,
        body: serde_json::to_string(&problem).unwrap_or_default(),
    };
    let code = match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::PermissionDenied,
    };
    CheckResponse { status: Some(RpcStatus { code: code as i32 }), outcome: Some(Outcome::Denied(denied)) }
}

fn options(headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Vec<HeaderOption> {
    let option = |(name, value): (HeaderName, HeaderValue)| {
        HeaderOption::set(name.as_str(), value.to_str().unwrap_or_default())
    };
    headers.into_iter().map(option).collect()
}
