//! A store in a database as a whole: its tables as those of the schema on SQLite, and back. Both by the role of system
//! work: no other sees all rows.

mod ids;
mod late;
mod source;
mod target;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(super) use source::BytesOrId;
pub use source::PostgresSource;
pub use target::PostgresTarget;

use super::link::Link;
use super::row::each;
use super::value::params;
use crate::StoreError;
use crate::whole::Table;

/// What a column of the database is, whatever it is called on SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Number,
    Flag,
    Text,
    Bytes,
}

/// The columns of a table in the database. A column that the schema on SQLite has and this does not is a mistake of ours:
/// then nothing is copied.
async fn columns(link: &Link, table: &Table) -> Result<HashMap<String, Type>, StoreError> {
    let sql = "SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a
               WHERE a.attrelid = to_regclass('keyward.' || quote_ident($1)) AND a.attnum > 0
                 AND NOT a.attisdropped AND a.attgenerated = ''";
    let mut found = HashMap::new();
    each(link, "pg_attribute", sql, params![table.name.as_str()], |columns| {
        let (name, kind): (String, String) = (columns.take()?, columns.take()?);
        let kind = match kind.as_str() {
            "bigint" => Type::Number,
            "boolean" => Type::Flag,
            "text" => Type::Text,
            "bytea" => Type::Bytes,
            _ => return Ok(()),
        };
        found.insert(name, kind);
        Ok(())
    })
    .await?;
    match table.columns.iter().find(|column| !found.contains_key(&column.name)) {
        None => Ok(found),
        Some(lacks) => Err(unfit(format!("{}.{} is not in the database", table.name, lacks.name))),
    }
}

fn unfit(why: String) -> StoreError {
    StoreError::Corrupt { table: "the schema", why }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
