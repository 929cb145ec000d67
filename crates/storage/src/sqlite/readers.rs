//! The reading connections: a few, each with one snapshot at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Guarded;
use super::view::View;
use crate::StoreError;

/// Connections: reads are short and from memory, so more than a few only cost memory.
const CONNECTIONS_MAX: usize = 4;
/// How long an operation waits for one. Whoever asked has given up by then.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The reading connections.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Guarded>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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
        guarded.run("BEGIN")?;
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
        if guarded.is_idle() || guarded.run("ROLLBACK").is_ok() {
            self.readers.idle().push(guarded);
        }
    }
}
