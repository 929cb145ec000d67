//! Backups: written, looked at, put back.

use std::path::Path;

use super::layout::{self, tables_of};
use super::rows;
use super::source::{SqliteSource, loose_ends};
use super::target::SqliteTarget;
use crate::sqlite::connection::Guarded;
use crate::sqlite::schema;
use crate::whole::{
    BACKUP_FORMAT, LIVES, Manifest, Progress, Sound, Source, Table, Taken, copy, look_through,
};
use crate::{Life, StoreError};

/// Complaints of SQLite about a damaged file that are told: the first says it.
const COMPLAINTS_MAX: u32 = 5;
/// Where a backup says what it is.
const MANIFEST: &str = "backup_manifest";
/// Tables that are not put back. A new store has lives of its own; and who signed out after the backup must not be signed
/// in again.
const LEFT_OUT: [&str; 2] = [LIVES, "sessions"];

/// Writes a backup of a moment of a store into the file at `path`, which is there and empty. `taken.schema` is filled in.
pub async fn back_up(
    source: &mut dyn Source,
    path: &Path,
    taken: Taken,
    progress: Progress<'_>,
) -> Result<Manifest, StoreError> {
    write(source, path, Taken { schema: schema::known(), ..taken }, progress).await
}

/// The same of a store of the version that `taken` says.
pub(super) async fn write(
    source: &mut dyn Source,
    path: &Path,
    taken: Taken,
    progress: Progress<'_>,
) -> Result<Manifest, StoreError> {
    let mut target = SqliteTarget::of_version(path, taken.schema)?;
    let tables = tables_of(taken.schema)?;
    target.become_backup(&tables)?;
    let sums = copy(source, &mut target, &tables, progress).await?;
    let manifest = Manifest::of(taken, sums);
    target.finish_backup(&manifest)?;
    Ok(manifest)
}

/// Looks through a backup. An error: it is none, or cannot be read.
pub async fn look_at_backup(path: &Path, progress: Progress<'_>) -> Result<Sound, StoreError> {
    let mut source = SqliteSource::of_backup(path)?;
    let manifest = manifest(source.guarded())?;
    let mut troubles = damage(source.guarded())?;
    if !manifest.is_whole() {
        troubles.push("what the backup says of itself was changed".to_owned());
    }
    let tables = tables_of(manifest.schema)?;
    if troubles.is_empty() {
        troubles = differences_of_layout(source.guarded(), &tables)?;
    }
    // What is damaged so much need not be read through.
    if troubles.is_empty() {
        let (sums, logs) = look_through(&mut source, &tables, progress).await?;
        troubles.extend(manifest.sums().differences(&sums));
        if (sums.epoch, sums.incarnation) != (manifest.epoch, manifest.sums().incarnation) {
            troubles.push("its last change or its incarnation is another than it says".to_owned());
        }
        let loose = loose_ends(source.guarded())?;
        if loose > 0 {
            troubles.push(format!("{loose} rows refer to what is not there"));
        }
        troubles.extend(logs);
    }
    Ok(Sound { manifest, troubles })
}

/// Puts a backup back, as a new store in the file at `path`, which is there and empty. The schema is brought up to date.
/// `life` is how the store goes on.
pub async fn restore(
    backup: &Path,
    path: &Path,
    life: &Life,
    progress: Progress<'_>,
) -> Result<Manifest, StoreError> {
    let mut source = SqliteSource::of_backup(backup)?;
    let manifest = manifest(source.guarded())?;
    let mut target = SqliteTarget::of_version(path, manifest.schema)?;
    let tables = put_back(tables_of(manifest.schema)?);
    copy(&mut source, &mut target, &tables, progress).await?;
    target.finish_store(life)?;
    Ok(manifest)
}

/// What is copied from one store to another.
pub fn tables_to_copy() -> Result<Vec<Table>, StoreError> {
    Ok(layout::tables()?.into_iter().filter(|table| table.name != LIVES).collect())
}

fn put_back(tables: Vec<Table>) -> Vec<Table> {
    tables.into_iter().filter(|table| !LEFT_OUT.contains(&table.name.as_str())).collect()
}

/// What a backup says of itself, if this program understands it.
fn manifest(guarded: &Guarded) -> Result<Manifest, StoreError> {
    schema::expect_backup(guarded.raw())?;
    let sql = "SELECT manifest FROM backup_manifest LIMIT 1";
    let found: Vec<String> = rows(guarded.raw(), sql, [], |row| row.get(0))?;
    let unreadable = || StoreError::Corrupt { table: MANIFEST, why: "it is no manifest".to_owned() };
    let manifest: Manifest =
        serde_json::from_str(found.first().ok_or_else(unreadable)?).map_err(|_| unreadable())?;
    let known = schema::known();
    if manifest.schema > known || manifest.format > BACKUP_FORMAT {
        return Err(StoreError::TooNew { found: manifest.schema, known });
    }
    Ok(manifest)
}

/// What SQLite finds wrong with the file.
fn damage(guarded: &Guarded) -> Result<Vec<String>, StoreError> {
    let sql = format!("PRAGMA integrity_check({COMPLAINTS_MAX})");
    let found: Vec<String> = rows(guarded.raw(), &sql, [], |row| row.get(0))?;
    let found = found.into_iter().filter(|line| line != "ok");
    Ok(found.map(|line| format!("the file is damaged: {line}")).collect())
}

/// Tables and columns that should be there.
fn differences_of_layout(guarded: &Guarded, expected: &[Table]) -> Result<Vec<String>, StoreError> {
    let found = layout::read(guarded.raw())?;
    let lacks = expected.iter().filter(|table| {
        !found.iter().any(|other| other.name == table.name && other.columns == table.columns)
    });
    Ok(lacks.map(|table| format!("{}: the table is not as its version has it", table.name)).collect())
}
