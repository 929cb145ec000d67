//! Which nodes may ask: those that show a credential of the configuration.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use keyward_core::secret::SecretDigest;

use super::Feed;
use super::problem::Refused;

pub(super) async fn required(
    State(feed): State<Arc<Feed>>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let mut shown = request.headers().get_all(AUTHORIZATION).iter();
    let (first, more) = (shown.next(), shown.next());
    let bearer = first.filter(|_| more.is_none()).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let digest = SecretDigest::of(bearer.ok_or(Refused::Credential)?);
    // Each is compared in constant time, and digests tell nothing of what they are of.
    if !feed.credentials.contains(&digest) {
        return Err(Refused::Credential);
    }
    Ok(next.run(request).await)
}
