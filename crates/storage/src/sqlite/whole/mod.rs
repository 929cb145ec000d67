//! A store in an SQLite file as a whole: what its tables are, and backups, which are SQLite files too.

mod backup;
mod layout;
mod source;
mod target;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, Params, Row};

use super::row::failed;
use crate::StoreError;

pub use backup::{back_up, look_at_backup, restore, tables_to_copy};
pub use layout::tables;
pub use source::SqliteSource;
pub use target::SqliteTarget;

/// All rows of a query about a file as a whole. Such statements run once, when nobody waits for an answer: the rules for
/// those of a transaction do not hold for them.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<Vec<T>, StoreError> {
    let run =
        || -> Result<Vec<T>, rusqlite::Error> { connection.prepare(sql)?.query_map(params, read)?.collect() };
    run().map_err(|error| failed(&error))
}
