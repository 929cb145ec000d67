//! Numbering what is committed. Of one process, one at a time asks for it, and for all who wait meanwhile: many commits
//! share one numbering, as they share a write to the disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::change::Epoch;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::opening::Opening;
use super::pool::Pool;
use super::row::{one, only};
use super::value::params;
use crate::StoreError;

/// Those who wait for an epoch.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    turn: tokio::sync::Mutex<()>,
    waiting: Mutex<Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    /// The change whose epoch is asked for; `None`: the last of all.
    own: Option<i64>,
    answer: oneshot::Sender<Result<Epoch, String>>,
}

impl Numbering {
    /// Numbers what is committed. Returns the epoch of one change, or the last of all.
    pub(super) async fn number(&self, order: &Arc<Pool>, own: Option<i64>) -> Result<Epoch, StoreError> {
        loop {
            let (answer, mut answered) = oneshot::channel();
            self.waiting().push(Waiting { own, answer });
            let _turn = self.turn.lock().await;
            match answered.try_recv() {
                Ok(epoch) => return epoch.map_err(StoreError::Unavailable),
                // Whoever asked for this one too was given up before the answer.
                Err(TryRecvError::Closed) => continue,
                Err(TryRecvError::Empty) => {}
            }
            let together = std::mem::take(&mut *self.waiting());
            let changes = together.iter().map(|waiting| waiting.own.unwrap_or_default()).collect();
            let (mut epochs, error) = match ask(order, changes).await {
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

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers what is committed, for one alone. Returns the last epoch of all.
pub(super) async fn number_alone(order: &Arc<Pool>) -> Result<Epoch, StoreError> {
    Ok(ask(order, vec![0]).await?.into_iter().next().unwrap_or_default())
}

/// The epochs of these changes, in this order; of what is none, the last of all.
///
/// A connection may have died while it was idle. The work may be done twice, so another is asked then.
async fn ask(order: &Arc<Pool>, changes: Vec<i64>) -> Result<Vec<Epoch>, StoreError> {
    let count = changes.len();
    loop {
        let seat = order.begin(&Opening::of_statement()).await?;
        let link = seat.link()?;
        let sql = "SELECT keyward.number_changes($1)";
        let numbered = one(link, "changes", sql, params![changes.clone()], only::<Vec<Option<i64>>>).await;
        match numbered {
            Err(_) if !seat.is_new() && !link.is_usable() => {}
            numbered => {
                seat.give_back();
                let numbers = numbered?.unwrap_or_default().into_iter().flatten().map(u64::try_from);
                let epochs: Vec<Epoch> = numbers.flatten().map(Epoch).collect();
                return if epochs.len() == count {
                    Ok(epochs)
                } else {
                    Err(StoreError::Unavailable("a change has no number".to_owned()))
                };
            }
        }
    }
}
