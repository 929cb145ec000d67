//! `GET /feed/v1/changes`: what was changed after what a node knows. The answer waits for something new, for at most
//! half a second.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use keyward_core::change::{Epoch, Point};
use keyward_service::feed::{Answer, Asked, Batch, NodeId, Told, Written};
use keyward_wire::feed::{EndLine, HeadKind, HeadLine, Line, parse_nonce};
use serde::Deserialize;

use super::Feed;
use super::problem::Refused;

/// Longest name of a node.
const NODE_LEN_MAX: usize = 64;
/// How long what a node draws at its start is.
const START_LEN: usize = 32;

/// What a node asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    node: String,
    start: String,
    nonce: String,
    incarnation: String,
    after: u64,
    #[serde(default)]
    hurry: bool,
}

pub(super) async fn changes(
    State(feed): State<Arc<Feed>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(question) = question.map_err(|error| Refused::Question(error.body_text()))?;
    let nonce = nonce(&question.nonce)?;
    let incarnation = question.incarnation.parse();
    let incarnation = incarnation.map_err(|error| Refused::Question(format!("incarnation: {error}")))?;
    let node = node(question.node, question.start)?;
    let after = Point { incarnation, epoch: Epoch(question.after) };
    let asked = Asked { node, after, hurry: question.hurry };
    let answered = feed.rounds.ask(asked).await;
    match answered.map_err(|error| Refused::Unavailable(error.to_string()))? {
        Answer::Changes { told, batches } => Ok(say(HeadKind::Changes, nonce, told, &batches)),
        Answer::SnapshotNeeded { told } => Ok(say(HeadKind::SnapshotNeeded, nonce, told, &[])),
        Answer::Ahead { last } => Err(Refused::Ahead(format!(
            "the node has come to change {}, and the store's last is {last}: it was put back without beginning another life, \
             or the node asks another store. Restart the node to begin anew",
            question.after
        ))),
    }
}

pub(super) fn nonce(text: &str) -> Result<u64, Refused> {
    parse_nonce(text).ok_or_else(|| Refused::Question("nonce: give 16 hexadecimal digits".to_owned()))
}

pub(super) fn node(name: String, start: String) -> Result<NodeId, Refused> {
    let name_fits = (1..=NODE_LEN_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let start_fits = start.len() == START_LEN && start.bytes().all(|b| b.is_ascii_hexdigit());
    if name_fits && start_fits {
        return Ok(NodeId { name: name.into(), start: start.into() });
    }
    Err(Refused::Question(format!(
        "node, start: give a name of 1 to {NODE_LEN_MAX} of A-Z, a-z, 0-9, _, . and -, and {START_LEN} hexadecimal digits"
    )))
}

pub(super) fn head(kind: HeadKind, nonce: u64, told: Told) -> Vec<u8> {
    let mut line = Vec::new();
    // A head that cannot be written is none, and the answer none either.
    let _ = Line::Head(HeadLine::new(kind, nonce, told.up_to, told.is_confirmed)).write(&mut line);
    line
}

pub(super) fn end(states: u64) -> Vec<u8> {
    let mut line = Vec::new();
    let _ = Line::End(EndLine { states }).write(&mut line);
    line
}

fn say(kind: HeadKind, nonce: u64, told: Told, batches: &[Batch<Written>]) -> Response {
    let states = batches.iter().map(|batch| batch.states).sum();
    let headers = [(CONTENT_TYPE, "application/x-ndjson"), (CACHE_CONTROL, "no-store")];
    if batches.is_empty() {
        let mut whole = head(kind, nonce, told);
        whole.extend(end(states));
        return (headers, whole).into_response();
    }
    // Many answers share what is written, without a copy.
    let shared = batches.iter().map(|batch| Bytes::from_owner(Shared(Arc::clone(&batch.payload))));
    let pieces: Vec<Bytes> = std::iter::once(Bytes::from(head(kind, nonce, told)))
        .chain(shared)
        .chain([Bytes::from(end(states))])
        .collect();
    let pieces = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, Infallible>));
    (headers, Body::from_stream(pieces)).into_response()
}

struct Shared(Written);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
