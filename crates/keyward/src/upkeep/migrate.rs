//! Bring the schema of the store up to date.

use keyward_storage::sqlite::{Schema, SqliteStore, look_at_schema};

use super::cannot_open;
use crate::cli::{Exit, Failure, Migrate, terminal};
use crate::config;
use crate::config::store::StoreUrl;
use crate::serve::lock::StoreLock;

/// Says what there is to do, and does it unless that was all.
pub(crate) fn run(command: &Migrate) -> Result<Exit, Failure> {
    let loaded = config::load(&command.store.flags())?;
    let url = &loaded.settings.store.url;
    let StoreUrl::Sqlite(path) = url;
    let before = if path.exists() {
        Some(look_at_schema(path).map_err(|error| cannot_open(url, &error))?)
    } else {
        None
    };
    if let Some(schema) = before.filter(|schema| schema.is_current()) {
        terminal::data(&format!("{url}: schema version {}, up to date\n", schema.version))?;
        return Ok(Exit::Done);
    }
    if command.check {
        terminal::data(&format!("{url}: {}; run `keyward migrate`\n", behind(before)))?;
        return Ok(Exit::NotValid);
    }
    let _lock = StoreLock::take(path)?;
    drop(SqliteStore::open(path).map_err(|error| cannot_open(url, &error))?);
    let after = look_at_schema(path).map_err(|error| cannot_open(url, &error))?;
    let from = before.map_or(0, |schema| schema.version);
    terminal::data(&format!("{url}: schema version {from} → {}\n", after.version))?;
    Ok(Exit::Done)
}

fn behind(schema: Option<Schema>) -> String {
    match schema {
        Some(Schema { version, known }) => {
            format!("schema version {version}, this program works with {known}")
        }
        None => "there is no store yet".to_owned(),
    }
}
