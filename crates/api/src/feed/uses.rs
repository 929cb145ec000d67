//! `POST /feed/v1/uses`: uses of keys at a node, for the usage log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use keyward_core::usage::Use;
use keyward_service::record_uses::{NodeBatch, record_node_uses};
use keyward_wire::feed::{USES_MAX, UseTold, UsesTold};

use super::Feed;
use super::changes::node;
use super::problem::Refused;

/// Takes a batch of uses. One that was taken before is not taken again, and answered as it was then.
pub(super) async fn take_uses(State(feed): State<Arc<Feed>>, body: Bytes) -> Result<StatusCode, Refused> {
    let told: UsesTold = serde_json::from_slice(&body)
        .map_err(|error| Refused::Question(format!("uses cannot be read: line {}", error.line())))?;
    if told.uses.len() > USES_MAX {
        return Err(Refused::Question(format!("tell of at most {USES_MAX} uses at once")));
    }
    let UsesTold { number, dropped, uses, .. } = told;
    let node = node(told.node, told.start)?;
    let uses = uses.into_iter().map(UseTold::into_use).collect::<Result<Vec<Use>, _>>();
    let uses = uses.map_err(|error| Refused::Question(error.to_string()))?;
    let batch = NodeBatch { node, number, dropped, uses, now: feed.service.clock.now() };
    let recorded = record_node_uses(feed.service.store.as_ref(), batch).await;
    recorded.map_err(|error| Refused::Unavailable(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
