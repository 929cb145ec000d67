//! Whole tables out of an SQLite file: a store, running or not, or a backup.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::params_from_iter;
use rusqlite::types::{Value, ValueRef};

use super::rows;
use crate::StoreError;
use crate::sqlite::connection::{Guarded, aside};
use crate::sqlite::row::failed;
use crate::sqlite::schema;
use crate::whole::{Cell, PART_LEN_MAX, PART_ROWS_MAX, Row, Source, Table};

/// One moment of a file. A server goes on writing meanwhile; what it writes is not seen, and waits in the write-ahead
/// log until this is dropped.
#[derive(Debug)]
pub struct SqliteSource {
    guarded: Guarded,
    reading: Option<Reading>,
}

/// The table that is being read, and the key of its last row so far.
#[derive(Debug)]
struct Reading {
    table: Table,
    after: Option<Vec<Cell>>,
}

impl SqliteSource {
    /// The present moment of a store. Its schema must be the present one.
    pub fn of_store(path: &Path) -> Result<Self, StoreError> {
        let guarded = Guarded::open_reader(path)?;
        schema::expect_current(guarded.raw())?;
        Self::begin(guarded)
    }

    /// What a backup holds.
    pub(super) fn of_backup(path: &Path) -> Result<Self, StoreError> {
        Self::begin(Guarded::open_read_only(path)?)
    }

    fn begin(guarded: Guarded) -> Result<Self, StoreError> {
        // The moment is that of the first look, not that of BEGIN.
        guarded.run("BEGIN; SELECT count(*) FROM sqlite_schema")?;
        Ok(Self { guarded, reading: None })
    }

    pub(super) fn guarded(&self) -> &Guarded {
        &self.guarded
    }
}

#[async_trait]
impl Source for SqliteSource {
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
        aside(|| {
            let count: i64 =
                self.guarded.raw().query_row(&sql, [], |row| row.get(0)).map_err(|error| failed(&error))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
    }

    async fn open(&mut self, table: &Table) -> Result<(), StoreError> {
        self.reading = Some(Reading { table: table.clone(), after: None });
        Ok(())
    }

    async fn next(&mut self) -> Result<Vec<Row>, StoreError> {
        let Some(Reading { table, after }) = &mut self.reading else { return Ok(Vec::new()) };
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let (columns, key) = (names(table, &all), names(table, &table.key));
        let behind = match after {
            Some(after) => format!("WHERE ({key}) > ({})", vec!["?"; after.len()].join(", ")),
            None => String::new(),
        };
        let sql = format!(
            "SELECT {columns} FROM {} {behind} ORDER BY {key} LIMIT {PART_ROWS_MAX}",
            quoted(&table.name)
        );
        let values = after.iter().flatten().map(value);
        let rows = aside(|| read(&self.guarded, &sql, values, table.columns.len()))?;
        if let Some(last) = rows.last() {
            *after = Some(table.key_of(last));
        }
        Ok(rows)
    }
}

fn names(table: &Table, places: &[usize]) -> String {
    let columns = places.iter().filter_map(|place| table.columns.get(*place));
    columns.map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

fn read(
    guarded: &Guarded,
    sql: &str,
    values: impl Iterator<Item = Value>,
    columns: usize,
) -> Result<Vec<Row>, StoreError> {
    let run = || -> Result<Vec<Row>, rusqlite::Error> {
        let mut statement = guarded.raw().prepare_cached(sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let (mut rows, mut length) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            let row: Row =
                (0..columns).map(|place| row.get_ref(place).map(cell)).collect::<Result<_, _>>()?;
            length += row.iter().map(Cell::len).sum::<usize>();
            rows.push(row);
            if length >= PART_LEN_MAX {
                break;
            }
        }
        Ok(rows)
    };
    run().map_err(|error| failed(&error))
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        // No column is of this type; what is there all the same is told, and then does not fit.
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
}

pub(super) fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Blob(bytes) => Value::Blob(bytes.clone()),
    }
}

/// A name as it may stand in a statement. Names come from our own schema; those of a backup are compared with it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Rows of a file that refer to what is not there: the tables they are in.
pub(super) fn loose_ends(guarded: &Guarded) -> Result<u32, StoreError> {
    let found: Vec<u32> =
        rows(guarded.raw(), "SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    Ok(found.into_iter().sum())
}
