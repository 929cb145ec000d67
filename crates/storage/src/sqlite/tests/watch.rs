//! What the engine runs, as tests see it: which statements, and how much work SQLite has with them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::{CachedStatement, Connection, StatementStatus};

/// Whether [`SEEN`] is written.
static COLLECTING: AtomicBool = AtomicBool::new(false);
/// The statements of all threads.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

thread_local! {
    /// The runs of this thread, while somebody measures them.
    static RUNS: RefCell<Option<Vec<Run>>> = const { RefCell::new(None) };
}

/// A statement that was run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) sql: String,
    /// Instructions of SQLite's machine: some for each row that it looks at.
    pub(super) steps: u64,
    /// Rows that it passed in search of others, for want of an index.
    pub(super) scanned: u64,
    /// How often it was prepared anew before it could run.
    pub(super) prepared_anew: u64,
}

/// Collects the statements of all threads from now on.
pub(super) fn collect() {
    COLLECTING.store(true, Ordering::Relaxed);
}

/// What was collected.
pub(super) fn collected() -> BTreeSet<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Measures what this thread runs from now on.
pub(super) fn begin() {
    RUNS.with_borrow_mut(|runs| *runs = Some(Vec::new()));
}

/// What it ran since then.
pub(super) fn end() -> Vec<Run> {
    RUNS.take().unwrap_or_default()
}

/// How the engine prepares a statement while it is tested.
pub(in crate::sqlite) fn prepare<'a>(
    connection: &'a Connection,
    sql: &str,
) -> Result<Watched<'a>, rusqlite::Error> {
    let statement = connection.prepare_cached(sql)?;
    if COLLECTING.load(Ordering::Relaxed) {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned());
    }
    let sql = RUNS.with_borrow(|runs| runs.is_some().then(|| sql.to_owned()));
    // What it did before, for somebody else.
    for status in [StatementStatus::VmStep, StatementStatus::FullscanStep, StatementStatus::RePrepare] {
        statement.reset_status(status);
    }
    Ok(Watched { statement, sql })
}

/// A statement that tells what it did when it is done.
pub(in crate::sqlite) struct Watched<'a> {
    statement: CachedStatement<'a>,
    sql: Option<String>,
}

impl<'a> Deref for Watched<'a> {
    type Target = CachedStatement<'a>;

    fn deref(&self) -> &Self::Target {
        &self.statement
    }
}

impl DerefMut for Watched<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.statement
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let Some(sql) = self.sql.take() else { return };
        let count = |status| u64::try_from(self.statement.get_status(status)).unwrap_or_default();
        let run = Run {
            sql,
            steps: count(StatementStatus::VmStep),
            scanned: count(StatementStatus::FullscanStep),
            prepared_anew: count(StatementStatus::RePrepare),
        };
        RUNS.with_borrow_mut(|runs| runs.as_mut().into_iter().for_each(|runs| runs.push(run.clone())));
    }
}
