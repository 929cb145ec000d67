//! Turns within one process. Whoever waits for one holds no connection meanwhile: the writers of a busy workspace must
//! not keep those of others, and readers, from the database.
//!
//! The turn among all servers is the database's (`opening.rs`); of each server one writer of a workspace waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::StoreError;

/// How long an operation waits for its turns. Whoever asked has given up by then.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Turns that are remembered before those that nobody has or waits for are cleared away.
const REMEMBERED_MAX: usize = 1_024;

type Turn = tokio::sync::Mutex<()>;

/// Whose turn it is, by name.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Weak<Turn>>>);

/// Turns that somebody has, until they let go of them.
pub(super) type Taken = Vec<OwnedMutexGuard<()>>;

impl Turns {
    /// Waits for these, one after the other: in an order that is everybody's.
    pub(super) async fn take(&self, names: &[String]) -> Result<Taken, StoreError> {
        let taking = async {
            let mut taken = Vec::with_capacity(names.len());
            for name in names {
                taken.push(self.turn(name).lock_owned().await);
            }
            taken
        };
        let taken = tokio::time::timeout(WAIT_MAX, taking).await;
        taken.map_err(|_| StoreError::Unavailable("other writers take too long".to_owned()))
    }

    fn turn(&self, name: &str) -> Arc<Turn> {
        // A poisoned lock still holds a whole map: each turn is put into it in one step.
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= REMEMBERED_MAX {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::default());
        turns.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }
}
