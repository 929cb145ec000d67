//! What drives a [`Follower`] over the network: one question after another to one of several control planes.
//!
//! Deliberately absent: what is asked next and what an answer means. That is the follower's, and is simulated.

mod answer;
mod connection;
mod copy;
mod rest;
mod telling;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use keyward_core::lease::BootTime;
use keyward_wire::feed::nonce_text;
use tokio_rustls::rustls::ClientConfig;

use crate::follower::{Asking, Broken, Follower};
use answer::Heard;
use connection::Connection;
use rest::Begun;
pub use telling::Telling;

/// The pause between an answer and the next question. Who changes things without a pause is heard of forty times a
/// second, and not as often as the network can.
const ASK_PAUSE: Duration = Duration::from_millis(25);
/// How long an answer may take to begin, or to go on. A control plane holds a question for half a second. With this,
/// a second one is asked well before a lease is over.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);
/// The same of a snapshot, which has to be made first: a million keys take seconds.
const SNAPSHOT_WITHIN: Duration = Duration::from_mins(1);

/// A control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub secure: bool,
}

/// What a node needs to ask.
#[derive(Clone)]
pub struct Feed {
    /// The control planes, the one to begin with first. At least one.
    pub endpoints: Vec<Endpoint>,
    /// Which certificates are trusted.
    pub tls: Arc<ClientConfig>,
    /// `Bearer` and the credential, marked sensitive.
    pub authorization: HeaderValue,
    /// What the node calls itself.
    pub node: String,
    /// Drawn at each start: 32 hexadecimal digits.
    pub start: String,
    /// The clock of leases.
    pub boot_time: fn() -> BootTime,
    /// Draws a number that nobody can guess.
    pub nonce: fn() -> Option<u64>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("endpoints", &self.endpoints)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// How following goes, for metrics.
#[derive(Debug, Default)]
pub struct Following {
    answers: AtomicU64,
    failures: AtomicU64,
    snapshots: AtomicU64,
    resumed: AtomicU64,
}

impl Following {
    /// Answers that were heard to their end.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Questions without one.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Answers that were snapshots.
    pub fn snapshots(&self) -> u64 {
        self.snapshots.load(Ordering::Relaxed)
    }

    /// How often a snapshot that broke off went on where it had.
    pub fn resumed(&self) -> u64 {
        self.resumed.load(Ordering::Relaxed)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody is there, or the way is broken.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// It refused to answer.
    #[error("it refused with {status}: {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// Why, in its words.
        detail: String,
    },
    /// What came cannot be read.
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
    /// What came is no answer to what was asked.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The machine gives no randomness.
    #[error("the machine gives no random numbers")]
    NoRandomness,
}

/// Follows until `stop` resolves. What becomes of it shows in the follower's replica and lease.
pub async fn follow(
    feed: Feed,
    follower: Follower,
    following: Arc<Following>,
    stop: impl Future<Output = ()>,
) {
    follow_keeping(feed, follower, following, None, stop).await;
}

/// The same, with a copy of the last snapshot at a path, which the next start begins with. It is read and written on the
/// caller's thread.
pub async fn follow_keeping(
    feed: Feed,
    mut follower: Follower,
    following: Arc<Following>,
    copy: Option<PathBuf>,
    stop: impl Future<Output = ()>,
) {
    if let Some(copy) = &copy {
        recall(copy, &mut follower);
    }
    let mut stop = std::pin::pin!(stop);
    let mut connections: Vec<Option<Connection>> = feed.endpoints.iter().map(|_| None).collect();
    let (mut failed, mut begun) = (None, None);
    loop {
        let at = follower.control_plane();
        let came = begun.as_ref().map_or(0, Begun::len);
        let asked = tokio::select! {
            () = &mut stop => return,
            asked = ask(&feed, &mut follower, connections.get_mut(at), copy.as_deref(), &mut begun, &following) => asked,
        };
        let server = feed.endpoints.get(at).map(|endpoint| endpoint.host.as_str()).unwrap_or_default();
        match asked {
            Ok(()) => {
                following.answers.fetch_add(1, Ordering::Relaxed);
                if failed.take().is_some() {
                    tracing::info!(server, "a control plane answers again");
                }
            }
            Err(error) => {
                following.failures.fetch_add(1, Ordering::Relaxed);
                // What a broken connection still holds belongs to no later question.
                if let Some(connection) = connections.get_mut(at) {
                    *connection = None;
                }
                // Where some of a snapshot came, its rest is asked for.
                if begun.as_ref().is_some_and(|begun| begun.is_of(at) && begun.len() > came) {
                    follower.break_off();
                } else {
                    follower.give_up();
                }
                // The same trouble again and again is told once.
                let trouble = (at, error.to_string());
                if failed.as_ref() != Some(&trouble) {
                    failed = Some(trouble);
                    tracing::warn!(server, %error, "a control plane does not answer; decisions end with the lease");
                }
            }
        }
        following.snapshots.store(follower.snapshots(), Ordering::Relaxed);
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(follower.pause().max(ASK_PAUSE)) => {}
        }
    }
}

/// One question and its answer. What has come of a snapshot whose way breaks is left in `begun`.
async fn ask(
    feed: &Feed,
    follower: &mut Follower,
    connection: Option<&mut Option<Connection>>,
    copy: Option<&Path>,
    begun: &mut Option<Begun>,
    following: &Following,
) -> Result<(), NoAnswer> {
    let at = follower.control_plane();
    let nonce = (feed.nonce)().ok_or(NoAnswer::NoRandomness)?;
    // The clock is read before anything of the question is on its way.
    let asking = follower.ask((feed.boot_time)(), nonce);
    let (Some(connection), Some(endpoint)) = (connection, feed.endpoints.get(at)) else {
        return Err(NoAnswer::Unreachable("there is no such control plane".to_owned()));
    };
    let (path, within) = path(feed, &asking);
    let of_rest = begun.as_ref().filter(|begun| begun.is_of(at) && follower.can_go_on(begun.nonce));
    let response = within_time(within, async {
        let connection = connection::ready(connection, feed, endpoint).await?;
        connection.get(feed, endpoint, &path, of_rest.map(Begun::rest)).await
    })
    .await?;
    if matches!(asking, Asking::Changes { .. }) {
        *begun = None;
        return answer::hear(response, within, follower, &mut Heard::nothing(false, None)).await;
    }
    if let Some(of_rest) = of_rest.filter(|begun| begun.goes_on_with(&response)) {
        follower.go_on(of_rest.nonce)?;
        following.resumed.fetch_add(1, Ordering::Relaxed);
    } else if response.status() == StatusCode::PARTIAL_CONTENT {
        return Err(NoAnswer::Unreadable("it is a part that was not asked for".to_owned()));
    } else {
        // Before a new copy is begun in its place.
        *begun = None;
        *begun = Some(Begun::new(nonce, at, &response, copy));
    }
    let heard = begun.as_mut().ok_or_else(|| NoAnswer::Unreadable("nothing came".to_owned()))?;
    let ended = heard.hear(response, within, follower).await;
    if !matches!(ended, Err(NoAnswer::Unreachable(_) | NoAnswer::TimedOut)) {
        *begun = None;
    }
    ended
}

/// Begins with what an earlier start kept.
fn recall(path: &Path, follower: &mut Follower) {
    match copy::recall(path, follower) {
        Ok(true) => {
            let epoch = follower.reached().map(|point| point.epoch.0);
            tracing::info!(path = %path.display(), epoch, "began with a copy; nothing is accepted before an answer");
        }
        Ok(false) => {}
        Err(error) => {
            follower.forget_recalled();
            tracing::warn!(path = %path.display(), %error, "the copy cannot be used; a snapshot is loaded");
        }
    }
}

async fn within_time<T>(
    within: Duration,
    work: impl Future<Output = Result<T, NoAnswer>>,
) -> Result<T, NoAnswer> {
    tokio::time::timeout(within, work).await.unwrap_or(Err(NoAnswer::TimedOut))
}

fn path(feed: &Feed, asking: &Asking) -> (String, Duration) {
    let Feed { node, start, .. } = feed;
    match asking {
        Asking::Snapshot { nonce } => {
            let nonce = nonce_text(*nonce);
            (format!("/feed/v1/snapshot?node={node}&start={start}&nonce={nonce}"), SNAPSHOT_WITHIN)
        }
        Asking::Changes { nonce, after, hurry } => {
            let (nonce, incarnation, epoch) = (nonce_text(*nonce), after.incarnation, after.epoch);
            let path = format!(
                "/feed/v1/changes?node={node}&start={start}&nonce={nonce}&incarnation={incarnation}&after={epoch}&hurry={hurry}"
            );
            (path, ANSWER_WITHIN)
        }
    }
}
