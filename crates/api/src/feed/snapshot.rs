//! `GET /feed/v1/snapshot`: everything as it is, compressed. It is written into a file without a name first and given
//! from there to all who need one: however slowly they read, nothing waits for them, least of all the store.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, stream};
use keyward_service::feed::{self, Told};
use keyward_wire::feed::HeadKind;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::changes::{end, head, node, nonce};
use super::problem::Refused;
use super::{Feed, write_state};

/// How long a snapshot is given to others as well. The changes since are asked for after it, so an old one is no
/// harm; a thousand nodes that start together read the store once.
const SHELF_LIFE: Duration = Duration::from_secs(30);
/// Bytes of the file that are read at once.
const PIECE_LEN: usize = 256 * 1024;

/// What a node asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    node: String,
    start: String,
    nonce: String,
}

/// The last snapshot that was made.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Option<Arc<Shelved>>>);

/// A snapshot in a file that has no name: it goes when nobody reads it any more.
#[derive(Debug)]
struct Shelved {
    told: Told,
    file: File,
    len: u64,
    made_at: Instant,
}

pub(super) async fn snapshot(
    State(feed): State<Arc<Feed>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(question) = question.map_err(|error| Refused::Question(error.body_text()))?;
    let nonce = nonce(&question.nonce)?;
    let node = node(question.node, question.start)?;
    feed.rounds.with_roll(|roll, _| roll.begins_anew(&node));
    // In a task of its own: a node that gives up while millions of keys are read finds them on the shelf when it asks again.
    let making = tokio::spawn(async move { feed.shelf.take(&feed).await });
    let shelved = making.await.map_err(|error| Refused::Unavailable(error.to_string()))?;
    let shelved = shelved.map_err(Refused::Unavailable)?;
    // The head is for this node alone. Compressed parts that follow one another are one whole (RFC 1952, section 2.2).
    let head = compressed(&head(HeadKind::Snapshot, nonce, shelved.told));
    let head = head.map_err(|error| Refused::Unavailable(error.to_string()))?;
    let pieces = stream::once(async { Ok(Bytes::from(head)) }).chain(pieces(shelved));
    let headers = [(CONTENT_TYPE, "application/gzip"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

impl Shelf {
    /// The snapshot on the shelf, or a new one. Who asks while it is made waits for it.
    async fn take(&self, feed: &Feed) -> Result<Arc<Shelved>, String> {
        let mut last = self.0.lock().await;
        let fresh = last.as_ref().filter(|shelved| shelved.made_at.elapsed() < SHELF_LIFE);
        if let Some(shelved) = fresh {
            return Ok(Arc::clone(shelved));
        }
        let made = Arc::new(make(feed).await?);
        *last = Some(Arc::clone(&made));
        Ok(made)
    }
}

async fn make(feed: &Feed) -> Result<Shelved, String> {
    let began_at = Instant::now();
    let unwritten = |error: io::Error| format!("a snapshot cannot be written: {error}");
    let file = tempfile::tempfile().map_err(unwritten)?;
    let mut out = GzEncoder::new(BufWriter::new(file), Compression::fast());
    let (mut line, mut states, mut failed) = (Vec::new(), 0, None);
    let each = &mut |state| {
        line.clear();
        write_state(&state, &mut line);
        states += 1;
        if failed.is_none() {
            failed = out.write_all(&line).err();
        }
    };
    let told = feed::snapshot(feed.service.store.as_ref(), each).await.map_err(|error| error.to_string())?;
    let finish = |failed: Option<io::Error>| {
        failed.map_or(Ok(()), Err)?;
        out.write_all(&end(states))?;
        let file = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        let len = file.metadata()?.len();
        Ok((file, len))
    };
    let (file, len) = finish(failed).map_err(unwritten)?;
    tracing::info!(states, len, millis = began_at.elapsed().as_millis(), "snapshot made for nodes");
    // It stands on the shelf from now on, however long it took.
    Ok(Shelved { told, file, len, made_at: Instant::now() })
}

fn compressed(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text)?;
    out.finish()
}

/// The file, piece by piece, read where waiting for a disk keeps nobody up.
fn pieces(shelved: Arc<Shelved>) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some(0), move |at| {
        let shelved = Arc::clone(&shelved);
        async move {
            let at: u64 = at?;
            if at >= shelved.len {
                return None;
            }
            let read = tokio::task::spawn_blocking(move || shelved.piece(at)).await;
            match read.map_err(io::Error::other).and_then(|read| read) {
                Ok(piece) => {
                    let next = at + piece.len() as u64;
                    Some((Ok(piece), Some(next)))
                }
                Err(error) => Some((Err(error), None)),
            }
        }
    })
}

impl Shelved {
    fn piece(&self, at: u64) -> io::Result<Bytes> {
        let left = usize::try_from(self.len - at).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(PIECE_LEN)];
        self.file.read_exact_at(&mut piece, at)?;
        Ok(Bytes::from(piece))
    }
}
