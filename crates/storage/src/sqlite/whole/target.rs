//! Whole tables into a new SQLite file. Nobody else knows the file yet: if anything fails, it is thrown away.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::{Connection, params, params_from_iter};

use super::rows;
use super::source::{quoted, value};
use crate::sqlite::connection::{Guarded, aside};
use crate::sqlite::row::failed;
use crate::sqlite::view::View;
use crate::sqlite::{key_grams, schema};
use crate::whole::{LIVES, Manifest, Row, Table, Target};
use crate::{Life, StoreError};

/// Nothing is kept for an undoing, and nothing waits for the disk before the end: a file that is not finished is thrown
/// away. What refers to what is checked at the end.
const SETTINGS: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
                        PRAGMA secure_delete = OFF;";

/// Keys that are read together while the index of their texts is made.
const KEYS_AT_ONCE: u32 = 1_000;

/// A key as that index knows it: its number, its identifier, its name and its description.
type Texts = (i64, [u8; 16], String, Option<String>);

/// A new file that is being filled.
#[derive(Debug)]
pub struct SqliteTarget {
    guarded: Guarded,
    path: PathBuf,
    /// What makes the indexes that were left out so far: each row is written faster without.
    indexes: Vec<String>,
}

impl SqliteTarget {
    /// Begins to fill the file at `path`, which is there and empty, with the present schema.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        Self::of_version(path, schema::known())
    }

    pub(super) fn of_version(path: &Path, version: u32) -> Result<Self, StoreError> {
        let mut guarded = Guarded::open_new(path)?;
        guarded.run(SETTINGS)?;
        schema::migrate_to(guarded.raw_mut(), version)?;
        guarded.run("BEGIN")?;
        let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql LIKE 'CREATE INDEX %'";
        let indexes: Vec<(String, String)> =
            rows(guarded.raw(), sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (name, _) in &indexes {
            guarded.run(&format!("DROP INDEX {}", quoted(name)))?;
        }
        let indexes = indexes.into_iter().map(|(_, sql)| sql).collect();
        Ok(Self { guarded, path: path.to_owned(), indexes })
    }

    /// Ends it as a store that begins a life of its own. Durable when this returns.
    pub fn finish_store(mut self, life: &Life) -> Result<(), StoreError> {
        aside(|| {
            for sql in &self.indexes {
                self.guarded.run(sql)?;
            }
            self.guarded.run("COMMIT")?;
            schema::migrate_to(self.guarded.raw_mut(), schema::known())?;
            self.guarded.run("BEGIN")?;
            self.guarded.show(View::System);
            fill_key_grams(self.guarded.raw())?;
            crate::sqlite::lives::insert(self.guarded.raw(), life)?;
            self.guarded.show(View::Nothing);
            self.check()?;
            self.guarded.run("COMMIT")?;
            self.sync()
        })
    }

    /// Ends it as a backup, which no server takes for a store.
    pub(super) fn finish_backup(self, manifest: &Manifest) -> Result<(), StoreError> {
        aside(|| {
            self.guarded.run(
                "CREATE TABLE backup_manifest (one INTEGER PRIMARY KEY, manifest TEXT NOT NULL) STRICT",
            )?;
            let text = serde_json::to_string(manifest).map_err(|error| {
                StoreError::Unavailable(format!("the manifest cannot be written: {error}"))
            })?;
            let insert = "INSERT INTO backup_manifest (manifest) VALUES (?1)";
            self.guarded.raw().execute(insert, [text]).map_err(|error| failed(&error))?;
            schema::mark_as_backup(self.guarded.raw())?;
            self.guarded.run("COMMIT")?;
            self.sync()
        })
    }

    /// Takes away what a backup has no use for: what is made from other rows, and the life that a new store begins with.
    pub(super) fn become_backup(&self, tables: &[Table]) -> Result<(), StoreError> {
        if tables.iter().any(|table| table.name == LIVES) {
            self.guarded.run(&format!("DELETE FROM {LIVES}"))?;
        }
        let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'";
        let derived: Vec<String> = rows(self.guarded.raw(), sql, [], |row| row.get(0))?;
        derived.iter().try_for_each(|name| self.guarded.run(&format!("DROP TABLE {}", quoted(name))))
    }

    fn check(&self) -> Result<(), StoreError> {
        match super::source::loose_ends(&self.guarded)? {
            0 => Ok(()),
            rows => {
                let why = format!("{rows} rows of it refer to what is not there");
                Err(StoreError::Corrupt { table: "the copy", why })
            }
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        let synced = std::fs::File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|error| StoreError::Unavailable(format!("{}: {error}", self.path.display())))
    }
}

/// Puts the texts of all keys into the index by which they are found.
fn fill_key_grams(connection: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT number, id, name, description FROM keys WHERE number > ?1 ORDER BY number LIMIT ?2";
    let mut after = 0;
    loop {
        let keys: Vec<Texts> = rows(connection, sql, params![after, KEYS_AT_ONCE], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let Some((last, ..)) = keys.last() else { return Ok(()) };
        after = *last;
        for (_, id, name, description) in &keys {
            key_grams::write_texts(connection, *id, name, description.as_deref())?;
        }
    }
}

#[async_trait]
impl Target for SqliteTarget {
    async fn put(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", quoted(&table.name), columns.join(", "));
        aside(|| {
            let connection = self.guarded.raw();
            let mut statement = connection.prepare_cached(&sql).map_err(|error| failed(&error))?;
            for row in &rows {
                statement.execute(params_from_iter(row.iter().map(value))).map_err(|error| failed(&error))?;
            }
            Ok(())
        })
    }
}
