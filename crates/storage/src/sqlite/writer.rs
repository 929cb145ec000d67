//! The one writing connection, and how operations share its COMMITs.
//!
//! A COMMIT waits for the disk, so operations that queue up behind one another share one: each but the first is a savepoint
//! in a transaction that stays open while the next in the queue takes its turn. Undoing the first undoes the transaction, and
//! for a savepoint SQLite copies each page that is changed, beyond a few into a temporary file. Nobody is answered before the
//! COMMIT of the group is durable. The group ends when nobody waits, when it is full, and when an operation is
//! given up: what its caller then tells others may rest on what the group wrote, so that must be durable too.
//!
//! The connection is a value (`Desk`) that is either at rest or in the hands of one operation (`Held`).
//! Whoever lets go of it, on whatever path, passes it on or ends the group, so no group stays open with nobody
//! to end it. A turn that was given to somebody who no longer waits passes itself on.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keyward_core::change::Epoch;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::changes::last_epoch;
use super::connection::{Guarded, aside};
use super::view::View;
use crate::StoreError;

/// How long an operation waits for its turn. Whoever asked has given up by then.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Operations that wait at the most: more than the server handles at once, so that only a fault reaches it.
const QUEUE_MAX: usize = 4096;
/// A group that has been open for this long takes no more operations: what a COMMIT costs on a slow disk, so
/// waiting longer would gain nothing.
pub(super) const GROUP_TIME_MAX: Duration = Duration::from_millis(5);
/// Operations of one group: by then the COMMIT is a small part of the cost of each.
const GROUP_OPERATIONS_MAX: usize = 64;

/// The writing connection and who waits for it.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    group_time_max: Duration,
    state: Mutex<State>,
    commits: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// The connection, when nobody has it. Then nobody waits either, and no group is open.
    at_rest: Option<Desk>,
    queue: VecDeque<oneshot::Sender<Held>>,
}

/// The connection and its open group.
#[derive(Debug)]
struct Desk {
    guarded: Guarded,
    group: Option<Group>,
}

#[derive(Debug)]
struct Group {
    since: Instant,
    /// Who waits for the COMMIT. An error is the reason in words.
    pending: Vec<oneshot::Sender<Result<(), String>>>,
}

/// How the holder of the connection may wait for the disk.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// In a task, which can let others go first.
    Aside,
    /// In a destructor.
    Here,
}

impl Writer {
    pub(super) fn new(guarded: Guarded, path: &Path, group_time_max: Duration) -> Self {
        let state = State { at_rest: Some(Desk { guarded, group: None }), queue: VecDeque::new() };
        Self { path: path.to_owned(), group_time_max, state: Mutex::new(state), commits: AtomicU64::new(0) }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// How many operations wait for their turn.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().queue.len()
    }

    /// Waits for its turn, then begins an operation.
    pub(super) async fn begin(self: &Arc<Self>, view: View) -> Result<Writing, StoreError> {
        let mut held = self.turn().await?;
        let path = &self.path;
        let desk = held.desk.as_mut().ok_or_else(lost)?;
        desk.begin(path)?;
        desk.guarded.show(view);
        Ok(Writing { held: Some(held) })
    }

    async fn turn(self: &Arc<Self>) -> Result<Held, StoreError> {
        let turn = {
            let mut state = self.state();
            if let Some(desk) = state.at_rest.take() {
                return Ok(Held { desk: Some(desk), writer: Arc::clone(self) });
            }
            if state.queue.len() >= QUEUE_MAX {
                return Err(StoreError::Unavailable("too many operations wait for the writer".to_owned()));
            }
            let (give, turn) = oneshot::channel();
            state.queue.push_back(give);
            turn
        };
        match tokio::time::timeout(WAIT_MAX, turn).await {
            Ok(Ok(held)) => Ok(held),
            Ok(Err(_)) => Err(lost()),
            Err(_) => Err(StoreError::Unavailable("the writer is busy".to_owned())),
        }
    }

    /// Gives the connection to the next in the queue, ends the group before that if it must end, or puts the
    /// connection to rest.
    fn pass_on(self: &Arc<Self>, mut desk: Desk, wait: Wait) {
        loop {
            let next = {
                let mut state = self.state();
                let ends = desk.group.as_ref().is_some_and(|group| {
                    group.is_full() || group.since.elapsed() >= self.group_time_max || state.queue.is_empty()
                });
                if ends {
                    None
                } else if let Some(next) = state.queue.pop_front() {
                    Some(next)
                } else {
                    state.at_rest = Some(desk);
                    return;
                }
            };
            // No lock is held from here on: a COMMIT takes its time, and a turn that comes back asks for the
            // lock again.
            let Some(next) = next else {
                self.end_group(&mut desk, wait);
                continue;
            };
            let turn = Held { desk: Some(desk), writer: Arc::clone(self) };
            match next.send(turn).map_err(|mut turn| turn.desk.take()) {
                Ok(()) | Err(None) => return,
                Err(Some(back)) => desk = back,
            }
        }
    }

    fn end_group(&self, desk: &mut Desk, wait: Wait) {
        let has_changes = match wait {
            Wait::Aside => aside(|| desk.end_group()),
            Wait::Here => desk.end_group(),
        };
        if has_changes {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A poisoned lock still holds a whole state: nothing in between can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn is_full(&self) -> bool {
        self.pending.len() >= GROUP_OPERATIONS_MAX
    }

    /// Whether the operation that is open is its first. It is no savepoint.
    fn is_at_its_first(&self) -> bool {
        self.pending.is_empty()
    }
}

impl Desk {
    /// Opens a group with its first operation, or a savepoint in the group that is open.
    fn begin(&mut self, path: &Path) -> Result<(), StoreError> {
        if self.group.is_some() {
            // After some errors (a full disk) SQLite has rolled all back by itself. A savepoint would then stand alone.
            self.connection()?;
            return self.guarded.step("SAVEPOINT operation");
        }
        if !self.guarded.is_idle() {
            // A transaction that could not even be rolled back: the connection is beyond repair.
            self.guarded = Guarded::open(path)?;
        }
        aside(|| self.guarded.step("BEGIN IMMEDIATE"))?;
        self.group = Some(Group { since: Instant::now(), pending: Vec::new() });
        Ok(())
    }

    /// Puts an operation into the group. Its answer comes with the COMMIT.
    fn release(&mut self) -> Result<(Epoch, oneshot::Receiver<Result<(), String>>), StoreError> {
        let connection = self.connection()?;
        let epoch = last_epoch(connection)?;
        let group = self.group.as_mut().ok_or_else(lost)?;
        if !group.is_at_its_first() {
            self.guarded.step("RELEASE operation")?;
        }
        let (answer, committed) = oneshot::channel();
        group.pending.push(answer);
        Ok((epoch, committed))
    }

    /// Undoes an operation, and only that.
    fn undo(&mut self) {
        let is_first = self.group.as_ref().is_none_or(Group::is_at_its_first);
        let undo: &[&str] =
            if is_first { &["ROLLBACK"] } else { &["ROLLBACK TO operation", "RELEASE operation"] };
        let undone = undo.iter().try_for_each(|sql| self.guarded.step(sql));
        if undone.is_err() && !self.guarded.is_idle() {
            // The group cannot be saved without what was to be undone. `end_group` tells all of it.
            let _ = self.guarded.step("ROLLBACK");
        }
    }

    /// Ends the group, if one is open, and answers all of it. Tells whether there was something to commit.
    fn end_group(&mut self) -> bool {
        let Some(group) = self.group.take() else { return false };
        // After some errors (a full disk) SQLite has rolled all back by itself.
        let ended = match (self.guarded.is_idle(), group.pending.is_empty()) {
            (true, _) => Err("the transaction was rolled back".to_owned()),
            (false, true) => self.guarded.step("ROLLBACK").map_err(|error| error.to_string()),
            (false, false) => self.guarded.step("COMMIT").map_err(|error| error.to_string()),
        };
        if ended.is_err() && !self.guarded.is_idle() {
            let _ = self.guarded.step("ROLLBACK");
        }
        let has_changes = !group.pending.is_empty();
        for answer in group.pending {
            // Whoever no longer waits does not want to know.
            let _ = answer.send(ended.clone());
        }
        has_changes
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        // Without this check, statements after an automatic rollback would each commit by themselves.
        if self.guarded.is_idle() { Err(lost()) } else { Ok(self.guarded.raw()) }
    }
}

/// The connection in the hands of one operation.
#[derive(Debug)]
struct Held {
    desk: Option<Desk>,
    writer: Arc<Writer>,
}

impl Held {
    fn let_go(&mut self, wait: Wait) {
        if let Some(desk) = self.desk.take() {
            desk.guarded.show(View::Nothing);
            self.writer.pass_on(desk, wait);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go(Wait::Here);
    }
}

/// An open operation.
#[derive(Debug)]
pub(super) struct Writing {
    held: Option<Held>,
}

impl Writing {
    pub(super) fn connection(&self) -> Result<&Connection, StoreError> {
        self.held.as_ref().and_then(|held| held.desk.as_ref()).ok_or_else(lost)?.connection()
    }

    /// Waits until the operation is durable.
    pub(super) async fn commit(mut self) -> Result<Epoch, StoreError> {
        let desk = self.held.as_mut().and_then(|held| held.desk.as_mut()).ok_or_else(lost)?;
        // On an error the destructor undoes the operation.
        let (epoch, committed) = desk.release()?;
        if let Some(mut held) = self.held.take() {
            held.let_go(Wait::Aside);
        }
        match committed.await {
            Ok(Ok(())) => Ok(epoch),
            Ok(Err(why)) => Err(StoreError::Unavailable(why)),
            Err(_) => Err(lost()),
        }
    }

    /// Undoes the operation: nothing can be done in it any more.
    pub(super) fn give_up(&mut self) {
        self.undo(Wait::Aside);
    }

    fn undo(&mut self, wait: Wait) {
        let Some(mut held) = self.held.take() else { return };
        let writer = Arc::clone(&held.writer);
        if let Some(desk) = held.desk.as_mut() {
            desk.undo();
            writer.end_group(desk, wait);
        }
        held.let_go(wait);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.undo(Wait::Here);
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable("the transaction was lost".to_owned())
}
