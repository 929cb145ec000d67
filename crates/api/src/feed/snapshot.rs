//! `GET /feed/v1/snapshot`: everything as it is, compressed. It is written into a file without a name first and given
//! from there to all who need one: however slowly they read, nothing waits for them, least of all the store.
//!
//! Where the way breaks, a node asks for the rest: `Range: bytes=N-` with the `If-Range` of what it has begun with (RFC
//! 9110, sections 13.1.5 and 14.2). While that snapshot is kept it is answered with 206, else with 200 and another one.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt as _, stream};
use keyward_service::entropy;
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
/// Snapshots that are kept for those who ask for the rest of one: the last, and the one before it. Each is a file of some
/// 100 bytes a key.
const KEPT_MAX: usize = 2;
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

/// The last snapshots that were made, the one that was asked for last at the end.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    kept: std::sync::Mutex<VecDeque<Arc<Shelved>>>,
    /// Whoever makes one.
    making: Mutex<()>,
}

/// A snapshot in a file that has no name: it goes when nobody reads it any more.
#[derive(Debug)]
struct Shelved {
    /// Names it among all that were ever made, here and at other servers.
    etag: HeaderValue,
    told: Told,
    file: File,
    len: u64,
    made_at: Instant,
}

pub(super) async fn snapshot(
    State(feed): State<Arc<Feed>>,
    headers: HeaderMap,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(question) = question.map_err(|error| Refused::Question(error.body_text()))?;
    let nonce = nonce(&question.nonce)?;
    let node = node(question.node, question.start)?;
    feed.rounds.with_roll(|roll, _| roll.begins_anew(&node));
    let unavailable = |error: io::Error| Refused::Unavailable(error.to_string());
    if let Some((shelved, from)) = feed.shelf.rest(&headers) {
        let head = head_of(&shelved, nonce).map_err(unavailable)?;
        if from < head.len() as u64 + shelved.len {
            return answer(head, shelved, from).map_err(unavailable);
        }
    }
    // In a task of its own: a node that gives up while millions of keys are read finds them on the shelf when it asks again.
    let making = tokio::spawn(async move { feed.shelf.take(&feed).await });
    let shelved = making.await.map_err(|error| Refused::Unavailable(error.to_string()))?;
    let shelved = shelved.map_err(Refused::Unavailable)?;
    let head = head_of(&shelved, nonce).map_err(unavailable)?;
    answer(head, shelved, 0).map_err(unavailable)
}

/// The head, which is for one node alone. Compressed parts that follow one another are one whole (RFC 1952, section 2.2).
/// This one is only wrapped, so that it is as long for every node, and what follows it begins at the same byte.
fn head_of(shelved: &Shelved, nonce: u64) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::none());
    out.write_all(&head(HeadKind::Snapshot, nonce, shelved.told))?;
    out.finish()
}

/// A snapshot from one of its bytes on.
fn answer(head: Vec<u8>, shelved: Arc<Shelved>, from: u64) -> io::Result<Response> {
    let head_len = head.len() as u64;
    let len = head_len + shelved.len;
    let mut response = Response::builder()
        .header(CONTENT_TYPE, "application/gzip")
        .header(CACHE_CONTROL, "no-store")
        .header(ACCEPT_RANGES, "bytes")
        .header(ETAG, &shelved.etag)
        .header(CONTENT_LENGTH, len - from);
    if from > 0 {
        let range = format!("bytes {from}-{}/{len}", len - 1);
        response = response.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range);
    }
    let rest_of_head = Bytes::from(head).slice(usize::try_from(from.min(head_len)).unwrap_or_default()..);
    let bytes = from.saturating_sub(head_len)..shelved.len;
    let pieces = stream::once(async { Ok(rest_of_head) }).chain(pieces(shelved, bytes));
    response.body(Body::from_stream(pieces)).map_err(io::Error::other)
}

impl Shelf {
    /// The snapshot on the shelf, or a new one. Who asks while it is made waits for it.
    async fn take(&self, feed: &Feed) -> Result<Arc<Shelved>, String> {
        let _making = self.making.lock().await;
        let last = self.with_kept(|kept| kept.iter().max_by_key(|shelved| shelved.made_at).cloned());
        if let Some(fresh) = last.filter(|shelved| shelved.made_at.elapsed() < SHELF_LIFE) {
            return Ok(fresh);
        }
        let made = Arc::new(make(feed).await?);
        self.with_kept(|kept| {
            kept.push_back(Arc::clone(&made));
            while kept.len() > KEPT_MAX {
                kept.pop_front();
            }
        });
        Ok(made)
    }

    /// The snapshot of which somebody has had a part, and from which byte on they want the rest. `None`: they want a whole
    /// one, or it is no longer kept.
    fn rest(&self, headers: &HeaderMap) -> Option<(Arc<Shelved>, u64)> {
        let etag = headers.get(IF_RANGE)?;
        let from = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?;
        let from = from.parse().ok()?;
        let shelved = self.with_kept(|kept| {
            let at = kept.iter().position(|shelved| shelved.etag == etag)?;
            // Whoever comes back for the rest again and again finds it: the one that nobody asks for goes.
            let shelved = kept.remove(at)?;
            kept.push_back(Arc::clone(&shelved));
            Some(shelved)
        });
        Some((shelved?, from))
    }

    fn with_kept<T>(&self, work: impl FnOnce(&mut VecDeque<Arc<Shelved>>) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn make(feed: &Feed) -> Result<Shelved, String> {
    let began_at = Instant::now();
    let unwritten = |error: io::Error| format!("a snapshot cannot be written: {error}");
    let file = tempfile::tempfile().map_err(unwritten)?;
    let name: [u8; 16] = entropy::bytes().map_err(|_| "the machine gives no random numbers".to_owned())?;
    let etag = HeaderValue::try_from(format!("\"{:032x}\"", u128::from_be_bytes(name)));
    let etag = etag.map_err(|error| error.to_string())?;
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
    Ok(Shelved { etag, told, file, len, made_at: Instant::now() })
}

/// Bytes of the file, piece by piece, read where waiting for a disk keeps nobody up.
fn pieces(shelved: Arc<Shelved>, bytes: Range<u64>) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    let Range { start, end } = bytes;
    stream::unfold(Some(start), move |at| {
        let shelved = Arc::clone(&shelved);
        async move {
            let at: u64 = at?;
            if at >= end {
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
