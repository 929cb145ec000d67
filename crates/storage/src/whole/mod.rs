//! A store as a whole: its tables and their rows, apart from what they mean. Backups, what is put back from them and
//! copies from one engine to another all go through here, so there is one way to get a row wrong, and it is tested.
//!
//! The tables and the types of their columns are those of the schema on SQLite: a backup is an SQLite file, whichever
//! engine the store is on.

mod backup;
mod chains;
mod sum;

use async_trait::async_trait;

pub use backup::{BACKUP_FORMAT, Manifest, Sound, Taken};
pub use sum::{Sums, TableSum};

use crate::StoreError;

/// Rows that are in memory together: enough that asking for the next costs little.
pub(crate) const PART_ROWS_MAX: u32 = 1_000;
/// A part that has come to this many bytes takes no more rows: a kept answer may have a megabyte.
pub(crate) const PART_LEN_MAX: usize = 4 * 1024 * 1024;

/// What one column of a row holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number, also a time in microseconds, and what is true (1) or not (0).
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes, also an identifier's.
    Blob(Vec<u8>),
}

impl Cell {
    /// How many bytes it takes, roughly.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) => 8,
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

/// A row: a cell for each column of its table.
pub type Row = Vec<Cell>;

/// What the cells of a column are, unless they are nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Integer,
    /// Texts.
    Text,
    /// Bytes.
    Blob,
}

/// A column that every engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub kind: Kind,
}

/// A table that every engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Which of the columns tell its rows apart, by their places. Rows come in this order.
    pub key: Vec<usize>,
}

impl Table {
    /// The place of a column.
    pub(crate) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The cells by which a row is found.
    pub(crate) fn key_of(&self, row: &Row) -> Vec<Cell> {
        self.key.iter().filter_map(|place| row.get(*place).cloned()).collect()
    }
}

/// Where whole tables are read from: one moment of a store, or a backup.
#[async_trait]
pub trait Source: Send {
    /// How many rows a table has.
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError>;

    /// Begins to read a table. What was read before has ended.
    async fn open(&mut self, table: &Table) -> Result<(), StoreError>;

    /// The next rows of the table, in the order of its key: as many as fit into one part, and at least one unless there are
    /// no more.
    async fn next(&mut self) -> Result<Vec<Row>, StoreError>;
}

/// An empty store, or a new file, into which whole tables are written.
#[async_trait]
pub trait Target: Send {
    /// Writes rows of a table. What they refer to was written before.
    async fn put(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError>;
}

/// The table of the lives of a store: each store has its own.
pub(crate) const LIVES: &str = "incarnations";

/// Hears how many rows are done.
pub type Progress<'a> = &'a mut (dyn FnMut(u64) + Send);

/// Hands all rows of some tables to `each`, part by part, and adds them up.
pub(crate) async fn read_all(
    source: &mut dyn Source,
    tables: &[Table],
    progress: Progress<'_>,
    target: &mut dyn Target,
) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    let mut done = 0;
    for table in tables {
        let mut sum = sum::Adding::new(table);
        source.open(table).await?;
        loop {
            let rows = source.next().await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                sum.add(row);
            }
            done += rows.len() as u64;
            target.put(table, rows).await?;
            progress(done);
        }
        sums.push(&sum);
    }
    Ok(sums)
}

/// Copies some tables, each before those that refer to it.
pub async fn copy(
    source: &mut dyn Source,
    target: &mut dyn Target,
    tables: &[Table],
    progress: Progress<'_>,
) -> Result<Sums, StoreError> {
    read_all(source, tables, progress, target).await
}

/// How many rows there are to copy.
pub async fn count(source: &mut dyn Source, tables: &[Table]) -> Result<u64, StoreError> {
    let mut all = 0;
    for table in tables {
        all += source.count(table).await?;
    }
    Ok(all)
}

/// Adds up what is there, and checks every audit log of it. Gives what is wrong with the logs, in words.
pub async fn look_through(
    source: &mut dyn Source,
    tables: &[Table],
    progress: Progress<'_>,
) -> Result<(Sums, Vec<String>), StoreError> {
    let mut chains = chains::Chains::default();
    let sums = read_all(source, tables, progress, &mut chains).await?;
    Ok((sums, chains.end()))
}
