//! `/feed/v1/…`: what gateway nodes follow, on a listener of its own. Nodes show a credential that opens nothing else.
//!
//! Deliberately absent: the OpenAPI document. It is spoken between two programs of the same version, and its law is
//! `docs/explanation/revocation.md`.

mod changes;
mod credential;
mod problem;
mod snapshot;
mod uses;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use keyward_core::change::State;
use keyward_core::secret::SecretDigest;
use keyward_service::Service;
use keyward_service::feed::Rounds;
use keyward_wire::feed::Line;

use snapshot::Shelf;

/// Most connections of nodes at once: each node keeps one or two.
pub const FEED_CONNECTIONS_MAX: usize = 4_096;
/// Longest body of a node: a whole batch of uses.
const BODY_LEN_MAX: usize = 4 * 1024 * 1024;

/// What the feed's handlers share.
pub struct Feed {
    service: Arc<Service>,
    rounds: Arc<Rounds>,
    /// What nodes show; several while one replaces another.
    credentials: Vec<SecretDigest>,
    shelf: Shelf,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl Feed {
    /// A feed for nodes that show one of these credentials.
    pub fn new(service: Arc<Service>, rounds: Arc<Rounds>, credentials: Vec<SecretDigest>) -> Self {
        Self { service, rounds, credentials, shelf: Shelf::default() }
    }
}

/// Writes a state as nodes read it. What cannot be written makes a line that no node can read: it then relies on
/// nothing, rather than on less.
pub fn write_state(state: &State, out: &mut Vec<u8>) {
    if Line::from(state).write(out).is_err() {
        out.extend_from_slice(b"unwritten\n");
    }
}

/// The routes.
pub fn feed_router(feed: Arc<Feed>) -> Router {
    let for_nodes = Router::new()
        .route("/feed/v1/changes", get(changes::changes))
        .route("/feed/v1/snapshot", get(snapshot::snapshot))
        .route("/feed/v1/uses", post(uses::take_uses).layer(DefaultBodyLimit::max(BODY_LEN_MAX)))
        .route_layer(from_fn_with_state(Arc::clone(&feed), credential::required));
    let all = for_nodes.route("/livez", get(|| async { "ok\n" })).fallback(problem::nothing_here);
    all.layer(from_fn(problem::named)).with_state(feed)
}
