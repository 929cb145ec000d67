//! Why a request may not pass, in a status that gateways understand.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use keyward_core::decision::Denied;
use keyward_verifier::Denial;
use percent_encoding::utf8_percent_encode;

use crate::answer::{Trouble, quota_headers};
use crate::authorize::identity::UNSAFE;

/// Keys that are dead and keys that never were look the same to a stranger.
pub(crate) fn denied(denial: &Denial, has_route: bool) -> Trouble {
    match &denial.reason {
        Denied::Malformed | Denied::NotFound | Denied::Expired | Denied::Revoked => {
            invalid_key("the key is unknown, expired or revoked")
        }
        Denied::WorkspaceMismatch => forbidden("the key does not work in this workspace"),
        Denied::InsufficientScope { .. } if !has_route => {
            forbidden("the routes table has no such request, or its path can be read in more than one way")
        }
        Denied::InsufficientScope { missing } => insufficient_scope(missing),
        Denied::IpNotAllowed => forbidden("the key is not allowed from this address"),
        Denied::PlanRequired => {
            let detail = "the workspace's plan has no API keys; an upgrade lets this key work again";
            Trouble::new(StatusCode::FORBIDDEN, "plan_required", detail)
        }
        Denied::RateLimited => {
            let detail = "the key asks too often; Retry-After says when it may again";
            Trouble::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
        }
    }
}

/// A denial of a use that was counted says what is left, too.
pub(crate) fn told_of_quota(mut trouble: Trouble, denial: &Denial) -> Trouble {
    if let Some(quota) = denial.identity.as_ref().and_then(|identity| identity.quota) {
        trouble.headers.extend(quota_headers(&quota, denial.reason == Denied::RateLimited));
    }
    trouble
}

pub(crate) fn forbidden(detail: impl Into<std::borrow::Cow<'static, str>>) -> Trouble {
    Trouble::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

pub(crate) fn unauthenticated() -> Trouble {
    let detail = "send a key in Authorization: Bearer or in X-API-Key";
    Trouble::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
        .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"keyward\""))
}

pub(crate) fn invalid_key(detail: &'static str) -> Trouble {
    let challenge = HeaderValue::from_static("Bearer realm=\"keyward\", error=\"invalid_token\"");
    Trouble::new(StatusCode::UNAUTHORIZED, "invalid_key", detail).with(WWW_AUTHENTICATE, challenge)
}

fn insufficient_scope(missing: &str) -> Trouble {
    let shown = utf8_percent_encode(missing, UNSAFE);
    let challenge = format!("Bearer realm=\"keyward\", error=\"insufficient_scope\", scope=\"{shown}\"");
    let trouble =
        Trouble::new(StatusCode::FORBIDDEN, "insufficient_scope", format!("the key lacks {missing}"));
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => trouble.with(WWW_AUTHENTICATE, challenge),
        Err(_) => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reason: Denied) -> Trouble {
        let denial = Denial { reason, identity: None, epoch: keyward_core::change::Epoch(1) };
        denied(&denial, true)
    }

    #[test]
    fn every_denial_has_a_status_that_gateways_understand() {
        for (reason, status, code) in [
            (Denied::Malformed, 401, "invalid_key"),
            (Denied::NotFound, 401, "invalid_key"),
            (Denied::Expired, 401, "invalid_key"),
            (Denied::Revoked, 401, "invalid_key"),
            (Denied::WorkspaceMismatch, 403, "forbidden"),
            (Denied::InsufficientScope { missing: "a".into() }, 403, "insufficient_scope"),
            (Denied::IpNotAllowed, 403, "forbidden"),
            (Denied::PlanRequired, 403, "plan_required"),
            (Denied::RateLimited, 429, "rate_limited"),
        ] {
            let trouble = told(reason.clone());
            assert_eq!((trouble.status.as_u16(), trouble.code), (status, code), "{reason:?}");
        }
    }
}
