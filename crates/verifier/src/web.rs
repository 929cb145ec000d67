//! A guard in front of HTTP services: the key of a request, a [`KeyLayer`] for tower, and with the feature `axum` extractors.
//!
//! Deliberately absent: which scope a request needs (the program says so), bodies of refusals, and where the client is: give
//! [`KeyLayer::at`] what you believe.

#[cfg(feature = "axum")]
mod extract;
mod layer;

#[cfg(feature = "axum")]
pub use extract::{Refused, RequireKey, RequireScope, Scope};
pub use layer::{Guarded, KeyLayer};

use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyward_core::decision::Denied;

use crate::Refusal;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What a request presents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presented<'a> {
    Nothing,
    One(&'a str),
    /// Two that differ: whoever stands behind might read the other one.
    Conflicting,
}

/// The key of a request, from `Authorization: Bearer` or `X-API-Key`. One that is no text is a key that does not work.
fn presented(headers: &HeaderMap) -> Presented<'_> {
    let bearers = headers.get_all(AUTHORIZATION).iter().filter_map(bearer);
    let api_keys = headers.get_all(API_KEY).iter().map(|value| value.to_str().unwrap_or_default());
    let mut all = bearers.chain(api_keys);
    match all.next() {
        None => Presented::Nothing,
        Some(first) if all.all(|other| other == first) => Presented::One(first),
        Some(_) => Presented::Conflicting,
    }
}

/// The token of `Bearer <token>`, the scheme in any case (RFC 9110, section 11.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, rest) = value.as_bytes().split_at_checked("bearer".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && rest.first().is_none_or(|b| *b == b' ');
    is_bearer.then(|| std::str::from_utf8(rest).unwrap_or_default().trim())
}

/// No, as HTTP says it (RFC 6750): the status, and the headers that go with it. It holds no part of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// 401, 403, 429 or 503.
    pub status: StatusCode,
    /// `WWW-Authenticate` or `Retry-After`, where there is something to say.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl Told {
    fn unauthenticated() -> Self {
        Self::challenge(StatusCode::UNAUTHORIZED, "Bearer realm=\"keyward\"")
    }

    fn invalid_key() -> Self {
        Self::challenge(StatusCode::UNAUTHORIZED, "Bearer realm=\"keyward\", error=\"invalid_token\"")
    }

    fn challenge(status: StatusCode, challenge: &'static str) -> Self {
        Self { status, header: Some((WWW_AUTHENTICATE, HeaderValue::from_static(challenge))) }
    }

    fn bare(status: StatusCode) -> Self {
        Self { status, header: None }
    }

    fn later(status: StatusCode, seconds: u32) -> Self {
        Self { status, header: Some((RETRY_AFTER, HeaderValue::from(seconds))) }
    }
}

impl From<&Refusal> for Told {
    /// Keys that are dead and keys that never were look the same to a stranger.
    fn from(refusal: &Refusal) -> Self {
        let denial = match refusal {
            Refusal::Stale => return Self::later(StatusCode::SERVICE_UNAVAILABLE, 1),
            Refusal::WorkspaceNeeded => return Self::bare(StatusCode::FORBIDDEN),
            Refusal::Denied(denial) => denial,
        };
        match &denial.reason {
            Denied::Malformed | Denied::NotFound | Denied::Expired | Denied::Revoked => Self::invalid_key(),
            Denied::InsufficientScope { missing } => {
                let challenge =
                    format!("Bearer realm=\"keyward\", error=\"insufficient_scope\", scope=\"{missing}\"");
                let header = HeaderValue::try_from(challenge).ok().map(|value| (WWW_AUTHENTICATE, value));
                Self { status: StatusCode::FORBIDDEN, header }
            }
            Denied::WorkspaceMismatch | Denied::IpNotAllowed | Denied::PlanRequired => {
                Self::bare(StatusCode::FORBIDDEN)
            }
            Denied::RateLimited => {
                let quota = denial.identity.as_ref().and_then(|identity| identity.quota);
                Self::later(StatusCode::TOO_MANY_REQUESTS, quota.map_or(60, |quota| quota.resets_in_seconds))
            }
        }
    }
}
