//! Connections, each set up the same way.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::row::{failed, run};
use super::view::{SharedView, View};
use crate::StoreError;

/// How long a statement waits for another process (a backup, the command line) that holds the file. As long
/// as an operation waits for its turn.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared: all fixed ones, and the usual lists.
const PREPARED_MAX: usize = 128;
/// How long statements that give way go on without a pause: a decision that waits for them meanwhile is as late as that.
const WORK_MAX: Duration = Duration::from_micros(100);
/// The shortest there is. Linux makes some 50 µs of it (`PR_SET_TIMERSLACK`).
const PAUSE: Duration = Duration::from_nanos(1);
/// Only the owner may read or write the file. SQLite gives its `-wal` and `-shm` the same mode.
const MODE: u32 = 0o600;

/// Where SQLite looks for a folder for temporary files, in its order (`unixTempFileDir`).
const TEMPORARY_NAMED: [&str; 2] = ["SQLITE_TMPDIR", "TMPDIR"];
const TEMPORARY: [&str; 4] = ["/var/tmp", "/usr/tmp", "/tmp", "."];

/// FULL: a COMMIT that has returned survives the loss of power. The rest distrusts the file and leaves no
/// deleted bytes behind. A checkpoint shrinks the log back to 64 MiB after an unusually large transaction.
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 67108864;
";

/// A connection and the view that its statements ask about.
#[derive(Debug)]
pub(super) struct Guarded {
    raw: Connection,
    view: SharedView,
}

impl Guarded {
    /// A connection that may write.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let guarded = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mode: String = guarded
            .raw
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(|error| failed(&error))?;
        if mode == "wal" {
            Ok(guarded)
        } else {
            let why = "its file system does not allow a write-ahead log (a network share?)";
            Err(StoreError::Unavailable(why.to_owned()))
        }
    }

    /// A connection to a file that is not used yet, as SQLite sets it up by itself.
    pub(super) fn open_new(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// A connection to a file that is not written to any more, and may lie where nobody can write.
    pub(super) fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// A connection that may only read.
    pub(super) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let guarded = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        guarded.raw.execute_batch("PRAGMA query_only = ON").map_err(|error| failed(&error))?;
        Ok(guarded)
    }

    fn connect(path: &Path, access: OpenFlags) -> Result<Self, StoreError> {
        let connect = || {
            let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let raw = Connection::open_with_flags(path, flags)?;
            raw.busy_timeout(BUSY_WAIT)?;
            raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            // Otherwise SQLite plans many statements anew whenever they are asked about another value.
            raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            raw.execute_batch(SETTINGS)?;
            if !temporary_files_can_be_made() {
                raw.execute_batch("PRAGMA temp_store = MEMORY")?;
            }
            raw.set_prepared_statement_cache_capacity(PREPARED_MAX);
            let view = SharedView::install(&raw)?;
            Ok(Self { raw, view })
        };
        connect().map_err(|error: rusqlite::Error| failed(&error))
    }

    pub(super) fn raw(&self) -> &Connection {
        &self.raw
    }

    pub(super) fn raw_mut(&mut self) -> &mut Connection {
        &mut self.raw
    }

    pub(super) fn show(&self, view: View) {
        self.view.set(view);
    }

    /// Whether no transaction is open.
    pub(super) fn is_idle(&self) -> bool {
        self.raw.is_autocommit()
    }

    /// Runs statements without parameters.
    pub(super) fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.raw.execute_batch(sql).map_err(|error| failed(&error))
    }

    /// Runs one statement of those that begin and end every transaction. It stays prepared.
    pub(super) fn step(&self, sql: &str) -> Result<(), StoreError> {
        run(&self.raw, sql, []).map(|_| ())
    }
}

/// Makes the file, if it is not there, before SQLite would make it readable by others.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path);
    match opened {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!("{}: {error}", path.display()))),
    }
}

/// Whether SQLite finds a folder to put into a file what it may have to undo, or sorts. Where it finds none, as in a container
/// whose root cannot be written, larger operations would fail; there it stays in memory, however much it is.
fn temporary_files_can_be_made() -> bool {
    static FOUND: LazyLock<bool> = LazyLock::new(|| {
        let named = TEMPORARY_NAMED.iter().filter_map(std::env::var_os).map(PathBuf::from);
        let found = named.chain(TEMPORARY.iter().map(PathBuf::from)).any(|folder| can_be_written(&folder));
        if !found {
            tracing::warn!(
                "no folder for temporary files can be written: what SQLite would put there stays in memory"
            );
        }
        found
    });
    *FOUND
}

/// How statements of which there are many follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Without a pause: others wait for the end.
    Steady,
    /// With pauses in which decisions are made. A thread that is nicer than theirs still keeps a processor that it has for a slice
    /// of the scheduler, more than a millisecond.
    GivesWay,
}

impl Pace {
    /// Does that with each item.
    pub(super) fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        mut work: impl FnMut(T) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut since = Instant::now();
        for item in items {
            if self == Self::GivesWay && since.elapsed() >= WORK_MAX {
                std::thread::sleep(PAUSE);
                since = Instant::now();
            }
            work(item)?;
        }
        Ok(())
    }
}

pub(super) fn can_be_written(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

/// Runs what waits for the disk. On a runtime with several threads, the tasks of this one move to another.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
