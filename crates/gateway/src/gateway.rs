//! The node: what it relies on, and which path leads where.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use hyper::body::Body;
use jiff::Timestamp;
use keyward_core::id::{KeyId, RequestId, WorkspaceId};
use keyward_core::key::Which;
use keyward_core::profile::Profile;
use keyward_core::usage::{Use, VALID};
use keyward_verifier::{BootTime, Identity, Permit, Question, Refusal, UseQueue, Verifier};

use crate::answer::{Answer, Trouble};
use crate::authorize::envoy::{self, authorize_envoy};
use crate::authorize::{authorize, holds_key};
use crate::body::Room;
use crate::bounds::HEAD_LEN_MAX;
use crate::introspect::introspect;
use crate::metrics::{Door, Metrics};
use crate::probes::{livez, metrics, readyz};
use crate::settings::Settings;
use crate::trace::trace_id;
use crate::verify::batch::verify_batch;
use crate::verify::verify;

/// Which request an answer is to.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the caller lends: the two clocks and new request ids. The crate has none of its own.
pub struct Sources {
    /// The time of day.
    pub now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// The clock of the lease.
    pub boot_time: Box<dyn Fn() -> BootTime + Send + Sync>,
    /// A new id.
    pub request_id: Box<dyn Fn() -> RequestId + Send + Sync>,
    /// What else the process counts, for `/metrics`.
    pub measures: Box<dyn Fn() -> Vec<Measure> + Send + Sync>,
}

/// A number for `/metrics`.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name, with its unit last. It holds no label, so none that names a key.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What it tells.
    pub help: &'static str,
    /// How much it is.
    pub value: u64,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// The node.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) verifier: Verifier,
    pub(crate) uses: Arc<UseQueue>,
    pub(crate) settings: Settings,
    pub(crate) sources: Sources,
    pub(crate) metrics: Metrics,
    /// What the bodies of questions over HTTP share.
    pub(crate) bodies: Arc<Room>,
    /// What those of gateways over gRPC share: long questions of strangers do not keep them out.
    pub(crate) checks: Arc<Room>,
}

impl Gateway {
    /// A node that decides by `verifier` and leaves uses of keys in `uses`.
    pub fn new(verifier: Verifier, uses: Arc<UseQueue>, settings: Settings, sources: Sources) -> Self {
        Self {
            verifier,
            uses,
            settings,
            sources,
            metrics: Metrics::default(),
            bodies: Arc::default(),
            checks: Arc::default(),
        }
    }

    /// Answers one request of `peer`.
    pub async fn handle<B>(&self, peer: IpAddr, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes>,
    {
        let request_id = (self.sources.request_id)().text();
        let request_id = request_id.as_str();
        let trace = trace_id(request.headers()).map(str::to_owned);
        let answered = self.route(peer, request, request_id).await;
        let mut answer = answered.unwrap_or_else(|trouble| trouble.into_answer(request_id));
        tracing::debug!(%request_id, trace_id = trace, status = answer.status().as_u16(), "answered");
        if let Ok(value) = HeaderValue::from_str(request_id) {
            answer.headers_mut().insert(REQUEST_ID, value);
        }
        answer
    }

    async fn route<B>(&self, peer: IpAddr, request: Request<B>, request_id: &str) -> Result<Answer, Trouble>
    where
        B: Body<Data = Bytes>,
    {
        match request.uri().path() {
            // These check their own heads: they only know the statuses that gateways understand.
            "/v1/authorize" => authorize(self, peer, &request),
            path if path.strip_prefix(envoy::PREFIX).is_some_and(|rest| rest.starts_with('/')) => {
                authorize_envoy(self, peer, &request)
            }
            _ if is_head_too_long(&request) => {
                let detail = format!("request line and headers have at most {HEAD_LEN_MAX} bytes together");
                Err(Trouble::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", detail))
            }
            _ if request.uri().query().is_some_and(|query| holds_key(&self.profile().keys.format, query)) => {
                let detail = "a key in the address is refused: addresses are logged. Send it in the body, and rotate the one that was sent";
                Err(Trouble::new(StatusCode::BAD_REQUEST, "malformed_request", detail))
            }
            "/v1/verify" => {
                expect_method(request.method(), &[Method::POST], "POST")?;
                verify(self, request).await
            }
            "/v1/verify/batch" => {
                expect_method(request.method(), &[Method::POST], "POST")?;
                verify_batch(self, request, request_id).await
            }
            "/oauth2/introspect" => {
                expect_method(request.method(), &[Method::POST], "POST")?;
                introspect(self, request).await
            }
            "/livez" => {
                expect_method(request.method(), &[Method::GET, Method::HEAD], "GET, HEAD")?;
                Ok(livez())
            }
            "/readyz" => {
                expect_method(request.method(), &[Method::GET, Method::HEAD], "GET, HEAD")?;
                readyz(self)
            }
            "/metrics" => {
                expect_method(request.method(), &[Method::GET, Method::HEAD], "GET, HEAD")?;
                Ok(metrics(self))
            }
            _ => {
                let detail = "the data plane has /v1/verify, /v1/verify/batch, /v1/authorize, /oauth2/introspect, /livez, /readyz and /metrics";
                Err(Trouble::new(StatusCode::NOT_FOUND, "not_found", detail))
            }
        }
    }

    pub(crate) fn profile(&self) -> &Profile {
        self.verifier.replica().profile()
    }

    /// Decides, and counts the decision. A use of a known key is left in the queue; `about` fills in what the
    /// door knows of it, where there is a place for it.
    pub(crate) fn decide(
        &self,
        door: Door,
        question: &Question<'_>,
        about: impl FnOnce(Use) -> Use,
    ) -> Result<Permit, Refusal> {
        let now = (self.sources.now)();
        let started = (self.sources.boot_time)();
        // The last clock that the decision reads is the first after it.
        let mut ended = started;
        let boot_time = || {
            ended = (self.sources.boot_time)();
            ended
        };
        let decided = self.verifier.verify(question, now, boot_time);
        self.metrics.observe(door, ended.since(started));
        let code = match &decided {
            Ok(_) => VALID,
            Err(Refusal::Denied(denial)) => denial.reason.code(),
            Err(Refusal::WorkspaceNeeded) => "workspace_needed",
            Err(Refusal::Stale) => "stale_authority",
        };
        self.metrics.count(door, code);
        let leave = |key: KeyId, secret: Which, workspace: Option<WorkspaceId>| {
            self.uses.put(|| {
                let (user_agent, scope, method, path) = (None, None, None, None);
                let ip = question.ip;
                about(Use { key, secret, at: now, code, ip, user_agent, scope, method, path, workspace })
            });
        };
        let identity = match &decided {
            Ok(permit) => Some(&permit.identity),
            Err(Refusal::Denied(denial)) => denial.identity.as_ref(),
            Err(Refusal::WorkspaceNeeded | Refusal::Stale) => None,
        };
        if let Some(Identity { key, secret, workspace, .. }) = identity {
            leave(key.id(), *secret, workspace.as_ref().map(|workspace| workspace.id));
        } else if matches!(decided, Err(Refusal::WorkspaceNeeded | Refusal::Stale)) {
            // It was not decided about the key, but somebody did ask with it.
            if let Some((key, secret)) = self.verifier.replica().recognise(question.presented, now) {
                leave(key.id(), secret, None);
            }
        }
        decided
    }
}

/// Whether the head is longer than [`HEAD_LEN_MAX`], counting what names and values are.
pub(crate) fn is_head_too_long<B>(request: &Request<B>) -> bool {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    address + fields.sum::<usize>() > HEAD_LEN_MAX
}

fn expect_method(method: &Method, fitting: &[Method], allow: &'static str) -> Result<(), Trouble> {
    if fitting.contains(method) {
        return Ok(());
    }
    let trouble = Trouble::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("here only {allow} will do"),
    );
    Err(trouble.with(ALLOW, HeaderValue::from_static(allow)))
}
