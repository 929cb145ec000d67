//! Numbering what is committed. Every writer numbers its own changes before it answers; readers number what nobody did. Of
//! one process, one at a time asks for it, and for all who wait meanwhile: many commits share one numbering, as they share
//! a write to the disk. A writer that is alone has its number with the commit (`changes.rs`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyward_core::change::Epoch;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;

use super::opening::Opening;
use super::pool::Pool;
use super::row::{one, only};
use super::value::params;
use crate::StoreError;

/// How often a reader looks for changes whose writer was given up before it numbered them. Nobody was told of those yet;
/// looking passes through whatever was numbered since the database last cleaned up.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Asks for all that waits, and the last epoch of all.
const ALL: i64 = 0;
/// Asks for the same, unless somebody numbers just now.
const LOOK: i64 = -1;

/// Those who wait for an epoch.
#[derive(Debug)]
pub(super) struct Numbering {
    pool: Arc<Pool>,
    turn: tokio::sync::Mutex<()>,
    waiting: Mutex<Vec<Waiting>>,
    looked: Mutex<Option<Instant>>,
    /// How many write just now.
    writing: Arc<AtomicUsize>,
}

/// One that writes.
#[derive(Debug)]
pub(super) struct Writing(Arc<AtomicUsize>);

/// What is to be numbered, and whose epoch is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A change that is alone in its transaction.
    Alone(i64),
    /// All that is committed, and the last change of a transaction that has several.
    LastOfSeveral(i64),
    /// All that is committed, and the last of it.
    All,
    /// The same, without waiting for somebody who numbers just now.
    Look,
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    answer: oneshot::Sender<Result<Epoch, String>>,
}

impl Numbering {
    pub(super) fn over(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            turn: tokio::sync::Mutex::default(),
            waiting: Mutex::default(),
            looked: Mutex::default(),
            writing: Arc::default(),
        }
    }

    /// To be held while a transaction writes.
    pub(super) fn writing(&self) -> Writing {
        self.writing.fetch_add(1, Ordering::Relaxed);
        Writing(Arc::clone(&self.writing))
    }

    /// Numbers all that is committed, if that was not done a moment ago. It waits for nobody: what has no number yet was told
    /// to nobody, and whoever follows the feed must hear the rest of it in time.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        let now = Instant::now();
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
                return Ok(());
            }
            *looked = Some(now);
        }
        ask(&self.pool, &[Wanted::Look]).await.map(drop)
    }

    /// Numbers what is committed. Returns the epoch of one change, or the last of all.
    pub(super) async fn number(&self, wanted: Wanted) -> Result<Epoch, StoreError> {
        loop {
            let (answer, mut answered) = oneshot::channel();
            self.waiting().push(Waiting { wanted, answer });
            let _turn = self.turn.lock().await;
            match answered.try_recv() {
                Ok(epoch) => return epoch.map_err(StoreError::Unavailable),
                // Whoever asked for this one too was given up before the answer.
                Err(TryRecvError::Closed) => continue,
                Err(TryRecvError::Empty) => {}
            }
            let together = std::mem::take(&mut *self.waiting());
            let wanted: Vec<Wanted> = together.iter().map(|waiting| waiting.wanted).collect();
            let (mut epochs, error) = match ask(&self.pool, &wanted).await {
                Ok(epochs) => (epochs.into_iter(), None),
                Err(error) => (Vec::new().into_iter(), Some(error)),
            };
            let why = error.as_ref().map(ToString::to_string).unwrap_or_default();
            for waiting in together {
                // Nobody listens for one that was given up.
                let _ = waiting.answer.send(epochs.next().ok_or_else(|| why.clone()));
            }
            return match (error, answered.try_recv()) {
                (Some(error), _) => Err(error),
                (None, Ok(epoch)) => epoch.map_err(StoreError::Unavailable),
                (None, Err(_)) => Err(StoreError::Unavailable("a change has no number".to_owned())),
            };
        }
    }

    /// Numbers what is committed, for one alone. Returns the last epoch of all.
    pub(super) async fn number_alone(&self) -> Result<Epoch, StoreError> {
        Ok(ask(&self.pool, &[Wanted::All]).await?.into_iter().next().unwrap_or_default())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    /// Whether nobody else does: it may number its change in the transaction that makes it, and saves a second. Of several
    /// each would wait for the one before to be on the disk, where they share a write to it otherwise.
    pub(super) fn is_alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The epochs that are wanted, in this order.
///
/// A connection may have died while it was idle. The work may be done twice, so another is asked then.
async fn ask(pool: &Arc<Pool>, wanted: &[Wanted]) -> Result<Vec<Epoch>, StoreError> {
    let mut changes: Vec<i64> = wanted.iter().map(|wanted| wanted.change()).collect();
    if wanted.iter().any(|wanted| matches!(wanted, Wanted::LastOfSeveral(_))) {
        changes.push(ALL);
    }
    loop {
        let seat = pool.begin(&Opening::of_statement()).await?;
        let link = seat.link()?;
        let sql = "SELECT keyward.number_changes($1)";
        let numbered = one(link, "changes", sql, params![changes.clone()], only::<Vec<Option<i64>>>).await;
        match numbered {
            Err(_) if !seat.is_new() && !link.is_usable() => {}
            numbered => {
                seat.give_back();
                let numbers = numbered?.unwrap_or_default().into_iter().take(wanted.len()).flatten();
                let epochs: Vec<Epoch> = numbers.flat_map(u64::try_from).map(Epoch).collect();
                return if epochs.len() == wanted.len() {
                    Ok(epochs)
                } else {
                    Err(StoreError::Unavailable("a change has no number".to_owned()))
                };
            }
        }
    }
}

impl Wanted {
    /// As the database is asked.
    const fn change(self) -> i64 {
        match self {
            Self::Alone(id) | Self::LastOfSeveral(id) => id,
            Self::All => ALL,
            Self::Look => LOOK,
        }
    }
}
