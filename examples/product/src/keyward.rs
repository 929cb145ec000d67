//! Asking Keyward: one question, one answer, and no answer that is too old.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::header::CONTENT_TYPE;
use axum::http::uri::InvalidUri;
use axum::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::{Deserialize, Serialize};

/// How long one question may take. Keyward answers within a millisecond, so this only ends what hangs.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// An idle connection is let go of before Keyward closes it (10 s), so that no question meets a closed one.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// Idle connections that are kept: as many as questions are under way at once on a busy server.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// Longest answer that is read: a key's name and all scopes of a catalogue fit several times over.
const ANSWER_LEN_MAX: usize = 64 * 1024;

/// May this key do that? The body of `POST /v1/verify`.
#[derive(Serialize)]
pub(crate) struct Question<'a> {
    pub(crate) key: &'a str,
    /// All of these are needed.
    pub(crate) scopes: &'a [&'a str],
    /// Where the request came from, for keys that are limited to networks, and for the usage log.
    pub(crate) ip: IpAddr,
    pub(crate) method: &'a str,
    /// As the client sent it, undecoded.
    pub(crate) path: &'a str,
}

/// What Keyward answers, as far as this product needs it.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) valid: bool,
    pub(crate) code: String,
    pub(crate) workspace: Option<Workspace>,
    pub(crate) subject: Option<Subject>,
    pub(crate) missing: Option<String>,
    usable_for_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) slug: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Subject {
    pub(crate) name: String,
}

/// Nobody can tell whether the key may, so it may not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsure {
    #[error("Keyward did not answer within {} ms", ANSWER_WITHIN.as_millis())]
    TimedOut,
    #[error("Keyward cannot be reached: {0}")]
    Unreachable(String),
    #[error("Keyward would not decide: it answered {0}")]
    Undecided(StatusCode),
    #[error("Keyward's answer cannot be read: {0}")]
    Unreadable(String),
    #[error("Keyward's answer came too late: it was usable for {usable_for_ms} ms")]
    TooOld { usable_for_ms: u64 },
}

/// Keyward's data plane. Connections are kept open and shared.
#[derive(Debug)]
pub(crate) struct Keyward {
    client: Client<HttpConnector, Full<Bytes>>,
    verify: Uri,
}

impl Keyward {
    /// The data plane at `base`, such as `http://127.0.0.1:8081`.
    pub(crate) fn at(base: &str) -> Result<Self, InvalidUri> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector);
        Ok(Self { client, verify: format!("{}/v1/verify", base.trim_end_matches('/')).parse()? })
    }

    /// Asks. An answer may be used for as long as it says, counted from when the question was sent: a key that
    /// was revoked meanwhile is then refused in time, however slow the network was.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer, Unsure> {
        let sent = Instant::now();
        let asked = tokio::time::timeout(ANSWER_WITHIN, self.send(question));
        let answer = asked.await.map_err(|_| Unsure::TimedOut)??;
        if sent.elapsed() >= Duration::from_millis(answer.usable_for_ms) {
            return Err(Unsure::TooOld { usable_for_ms: answer.usable_for_ms });
        }
        Ok(answer)
    }

    async fn send(&self, question: &Question<'_>) -> Result<Answer, Unsure> {
        let unreadable = |error: &dyn std::fmt::Display| Unsure::Unreadable(error.to_string());
        let body = serde_json::to_vec(question).map_err(|error| unreadable(&error))?;
        let request = Request::post(&self.verify)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .map_err(|error| unreadable(&error))?;
        let response = self.client.request(request).await;
        let response = response.map_err(|error| Unsure::Unreachable(error.to_string()))?;
        // 200 is an answer, yes or no. Everything else is none: 503 where Keyward may not decide, 422 where the
        // question was wrong.
        if response.status() != StatusCode::OK {
            return Err(Unsure::Undecided(response.status()));
        }
        let body = Limited::new(response.into_body(), ANSWER_LEN_MAX).collect().await;
        let body = body.map_err(|error| unreadable(&error))?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| unreadable(&error))
    }
}
