//! The tables that make up a store, as the migrations make them.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::rows;
use crate::StoreError;
use crate::sqlite::row::failed;
use crate::sqlite::schema;
use crate::whole::{Column, Kind, Table};

/// Columns that only this engine has: they are made anew, and nothing of a store's own refers to them.
const LOCAL_COLUMNS: [(&str, &str); 1] = [("keys", "number")];
/// What most other tables tell of.
const KEYS: &str = "keys";
/// Tables whose rows are wanted in another order than that of their key: a log is read from its begin to its end.
const ORDERS: [(&str, &[&str]); 1] = [("audit_entries", &["home_id", "home_type", "n"])];

/// The tables of the present schema, each behind those that it refers to.
pub fn tables() -> Result<Vec<Table>, StoreError> {
    tables_of(schema::known())
}

/// Those of a version of the schema.
pub(super) fn tables_of(version: u32) -> Result<Vec<Table>, StoreError> {
    let mut empty = Connection::open_in_memory().map_err(|error| failed(&error))?;
    schema::migrate_to(&mut empty, version)?;
    read(&empty)
}

/// The tables that a file has. Indexes are no tables, nor is what SQLite and its modules keep for themselves.
pub(super) fn read(connection: &Connection) -> Result<Vec<Table>, StoreError> {
    let sql = "SELECT name FROM pragma_table_list
               WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let names: Vec<String> = rows(connection, sql, [], |row| row.get(0))?;
    let mut waiting = BTreeMap::new();
    for name in names {
        let sql = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1) WHERE \"table\" <> ?1";
        let mut refers: Vec<String> = rows(connection, sql, [&name], |row| row.get(0))?;
        let table = table(connection, name.clone())?;
        // Also where no rule says so: a database has the home of a key in all that belongs to it.
        if table.name != KEYS && table.place("key_id").is_some() {
            refers.push(KEYS.to_owned());
        }
        waiting.insert(name, (table, refers));
    }
    in_order(waiting)
}

/// Each behind those that it refers to.
fn in_order(mut waiting: BTreeMap<String, (Table, Vec<String>)>) -> Result<Vec<Table>, StoreError> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free = |refers: &[String]| refers.iter().all(|name| !waiting.contains_key(name));
        let free: Vec<String> =
            waiting.iter().filter(|(_, (_, refers))| is_free(refers)).map(|(name, _)| name.clone()).collect();
        if free.is_empty() {
            return Err(unfit("its tables refer to one another in a circle".to_owned()));
        }
        ordered.extend(free.iter().filter_map(|name| waiting.remove(name)).map(|(table, _)| table));
    }
    Ok(ordered)
}

fn table(connection: &Connection, name: String) -> Result<Table, StoreError> {
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    let sql = "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Vec<(String, String, i64)> = rows(connection, sql, [&name], read)?;
    for (column, kind, place) in found {
        if LOCAL_COLUMNS.contains(&(name.as_str(), column.as_str())) {
            continue;
        }
        if place > 0 {
            key.push((place, columns.len()));
        }
        let kind = match kind.as_str() {
            "INTEGER" => Kind::Integer,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Blob,
            _ => return Err(unfit(format!("{name}.{column} is of another type"))),
        };
        columns.push(Column { name: column, kind });
    }
    key.sort_unstable();
    let mut key: Vec<usize> = key.into_iter().map(|(_, place)| place).collect();
    let place = |column: &str| columns.iter().position(|known: &Column| known.name == column);
    if let Some((_, order)) = ORDERS.iter().find(|(table, _)| *table == name) {
        key = order.iter().filter_map(|column| place(column)).collect();
    }
    if key.is_empty() {
        key = unique(connection, &name)?.iter().filter_map(|column| place(column)).collect();
    }
    if key.is_empty() {
        return Err(unfit(format!("{name} has no key")));
    }
    Ok(Table { name, columns, key })
}

fn unfit(why: String) -> StoreError {
    StoreError::Corrupt { table: "the schema", why }
}

/// The columns of the first rule of uniqueness that holds for all rows of a table.
fn unique(connection: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT i.name FROM pragma_index_list(?1) l JOIN pragma_index_info(l.name) i
               WHERE l.seq = (SELECT max(seq) FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND partial = 0)
               ORDER BY i.seqno";
    rows(connection, sql, [table], |row| row.get(0))
}
