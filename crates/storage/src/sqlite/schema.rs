//! The schema and its versions.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::connection::Guarded;
use super::row::failed;
use crate::StoreError;

/// What leads from each version of the schema to the next. A released one never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0002_usage.sql"),
    include_str!("../../migrations/sqlite/0003_webhooks.sql"),
    include_str!("../../migrations/sqlite/0004_notices.sql"),
    include_str!("../../migrations/sqlite/0005_incarnation.sql"),
    include_str!("../../migrations/sqlite/0006_nodes.sql"),
    include_str!("../../migrations/sqlite/0007_vaults.sql"),
    include_str!("../../migrations/sqlite/0008_sessions.sql"),
    include_str!("../../migrations/sqlite/0009_grace.sql"),
    include_str!("../../migrations/sqlite/0010_key_bounds.sql"),
];
/// "Kywd": tells a store from any other SQLite file, as `file(1)` and this program see it.
const APPLICATION_ID: i32 = 0x4b79_7764;
/// "Kywb": a backup, which is never served: what was revoked after it would be alive again.
const BACKUP_ID: i32 = 0x4b79_7762;

/// Which schema a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Its version. 0: it is empty.
    pub version: u32,
    /// The version that this program brings it to.
    pub known: u32,
}

impl Schema {
    /// Whether it is the one that this program works with.
    pub const fn is_current(self) -> bool {
        self.version == self.known
    }
}

/// Which schema the store at `path` has. Nothing is changed. One that this program is too old for is refused.
pub fn look_at_schema(path: &Path) -> Result<Schema, StoreError> {
    let guarded = Guarded::open_reader(path)?;
    let (found, known) = (version(guarded.raw())?, known());
    if found > known {
        Err(StoreError::TooNew { found, known })
    } else {
        Ok(Schema { version: found, known })
    }
}

/// The version that this program works with.
pub(super) fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Refuses a store of another version than the present one.
pub(super) fn expect_current(connection: &Connection) -> Result<(), StoreError> {
    match (version(connection)?, known()) {
        (found, known) if found > known => Err(StoreError::TooNew { found, known }),
        (found, known) if found < known => Err(StoreError::TooOld { found, known }),
        _ => Ok(()),
    }
}

/// Brings the schema up to date, a version at a time, each whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_to(connection, known())
}

/// Brings the schema up to a version.
pub(super) fn migrate_to(connection: &mut Connection, wanted: u32) -> Result<(), StoreError> {
    loop {
        let (found, known) = (version(connection)?, known());
        if found > known {
            return Err(StoreError::TooNew { found, known });
        }
        if found >= wanted.min(known) {
            return Ok(());
        }
        step(connection, found)?;
        tracing::info!(from = found, to = found + 1, "schema migrated");
    }
}

/// Makes a backup of what would be a store.
pub(super) fn mark_as_backup(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "application_id", BACKUP_ID).map_err(|error| failed(&error))
}

/// Refuses what is no backup.
pub(super) fn expect_backup(connection: &Connection) -> Result<(), StoreError> {
    if application_id(connection)? == BACKUP_ID {
        return Ok(());
    }
    let why = "it is no backup of Keyward".to_owned();
    Err(StoreError::Corrupt { table: "the file", why })
}

/// The version of a store. A file that holds something else is refused.
fn version(connection: &Connection) -> Result<u32, StoreError> {
    let ask = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| failed(&error));
    let id = application_id(connection)?;
    if id == BACKUP_ID {
        return Err(StoreError::IsBackup);
    }
    let foreign = id != APPLICATION_ID && ask("SELECT count(*) FROM sqlite_schema")? > 0;
    let number = ask("PRAGMA user_version")?;
    match (foreign, u32::try_from(number)) {
        (false, Ok(version)) => Ok(version),
        _ => Err(StoreError::Corrupt {
            table: "sqlite_schema",
            why: "the file is an SQLite database, but not a store of Keyward".to_owned(),
        }),
    }
}

fn application_id(connection: &Connection) -> Result<i32, StoreError> {
    connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(|error| failed(&error))
}

fn step(connection: &mut Connection, from: u32) -> Result<(), StoreError> {
    let migrate = |connection: &mut Connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster between the look and the lock.
        let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let sql = usize::try_from(from).ok().and_then(|index| MIGRATIONS.get(index));
        if let Some(sql) = sql.filter(|_| found == from) {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", from + 1)?;
        }
        transaction.commit()
    };
    migrate(connection).map_err(|error| failed(&error))
}
