//! The reading connections: a few of each kind, each with one snapshot at a time.
//!
//! Whoever waits for a kind waits only for others of that kind: what tenants list does not keep the data plane
//! from following the store, nor anybody from being let in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Guarded;
use super::view::View;
use crate::StoreError;

/// Connections for what tenants read: reads are short and from memory, so more than a few only cost memory.
pub(super) const FOR_TENANTS: usize = 4;
/// Connections for finding out who asks: a few look-ups by an index each, of requests that may then wait long.
pub(super) const FOR_DOORS: usize = 2;
/// Connections for the feed: one reader follows, and a snapshot may be read beside it.
pub(super) const FOR_FEED: usize = 2;
/// How long an operation waits for one. Whoever asked has given up by then.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The reading connections of one kind.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Guarded>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path, connections_max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(connections_max));
        Self { path: path.to_owned(), idle: Mutex::default(), permits }
    }

    /// Opens a snapshot. Connections are made when they are first needed.
    pub(super) async fn begin(self: &Arc<Self>, view: View) -> Result<Reading, StoreError> {
        let permit = tokio::time::timeout(WAIT_MAX, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(StoreError::Unavailable("all reading connections are busy".to_owned()));
        };
        let idle = self.idle().pop();
        let guarded = match idle {
            Some(guarded) => guarded,
            None => Guarded::open_reader(&self.path)?,
        };
        guarded.step("BEGIN")?;
        guarded.show(view);
        Ok(Reading { guarded: Some(guarded), readers: Arc::clone(self), _permit: permit })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Guarded>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open snapshot.
pub(super) struct Reading {
    guarded: Option<Guarded>,
    readers: Arc<Readers>,
    /// Dropped after the connection is back.
    _permit: OwnedSemaphorePermit,
}

impl Reading {
    pub(super) fn connection(&self) -> Result<&Connection, StoreError> {
        match &self.guarded {
            Some(guarded) if !guarded.is_idle() => Ok(guarded.raw()),
            _ => Err(StoreError::Unavailable("the snapshot was lost".to_owned())),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(guarded) = self.guarded.take() else { return };
        guarded.show(View::Nothing);
        // A connection that cannot end its snapshot is closed instead of kept.
        if guarded.is_idle() || guarded.step("ROLLBACK").is_ok() {
            self.readers.idle().push(guarded);
        }
    }
}
