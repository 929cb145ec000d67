//! The schema and its versions.

use rusqlite::{Connection, TransactionBehavior};

use super::row::failed;
use crate::StoreError;

/// What leads from each version of the schema to the next. A released one never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0003_webhooks.sql"),
    include_str!("../../migrations/sqlite/0004_notices.sql"),
];
/// "Kywd": tells a store from any other SQLite file, as `file(1)` and this program see it.
const APPLICATION_ID: i32 = 0x4b79_7764;

/// Brings the schema up to date, a version at a time, each whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    loop {
        let found = version(connection)?;
        if found > known {
            return Err(StoreError::TooNew { found, known });
        }
        if found == known {
            return Ok(());
        }
        step(connection, found)?;
        tracing::info!(from = found, to = found + 1, "schema migrated");
    }
}

/// The version of a store. A file that holds something else is refused.
fn version(connection: &Connection) -> Result<u32, StoreError> {
    let ask = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| failed(&error));
    let foreign = ask("PRAGMA application_id")? != i64::from(APPLICATION_ID)
        && ask("SELECT count(*) FROM sqlite_schema")? > 0;
    let number = ask("PRAGMA user_version")?;
    match (foreign, u32::try_from(number)) {
        (false, Ok(version)) => Ok(version),
        _ => Err(StoreError::Corrupt {
            table: "sqlite_schema",
            why: "the file is an SQLite database, but not a store of Keyward".to_owned(),
        }),
    }
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
