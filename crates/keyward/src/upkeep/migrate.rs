//! Bring the schema of the store up to date.

use keyward_storage::postgres::{Roles, Versions, migrate, versions};
use keyward_storage::sqlite::{Schema, SqliteStore, look_at_schema};

use super::cannot_open;
use crate::cli::{Exit, Failure, Migrate, terminal};
use crate::config;
use crate::config::store::{Store, StoreUrl};
use crate::serve::lock::StoreLock;

/// Says what there is to do, and does it unless that was all.
pub(crate) async fn run(command: &Migrate) -> Result<Exit, Failure> {
    let loaded = config::load(&command.store.flags())?;
    let url = &loaded.settings.store.url;
    let path = match url {
        StoreUrl::Sqlite(path) => path,
        StoreUrl::Postgres(_) => return migrate_database(command, &loaded.settings.store).await,
    };
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

/// A database is migrated by the role that owns its tables, which no server is.
async fn migrate_database(command: &Migrate, settings: &Store) -> Result<Exit, Failure> {
    let url = &settings.url;
    let owner = settings.owner.as_ref().ok_or_else(|| {
        Failure::usage(format!(
            "store.owner_url is missing: {url} is migrated by the role that owns its tables"
        ))
        .advise("Set KEYWARD_STORE__OWNER_URL, or KEYWARD_STORE__OWNER_URL_FILE with a file that it is in.")
    })?;
    let roles = settings.postgres().map(|postgres| Roles {
        server: postgres.server.user().to_owned(),
        system: postgres.system.user().to_owned(),
    });
    let roles = roles.ok_or_else(|| Failure::usage("store.system_url is missing"))?;
    let Versions { found, known } =
        versions(owner, &roles).await.map_err(|error| cannot_open(url, &error))?;
    if command.check {
        let (text, exit) = if found == known {
            (format!("schema version {found}, up to date"), Exit::Done)
        } else {
            (
                format!("schema version {found}, this program works with {known}; run `keyward migrate`"),
                Exit::NotValid,
            )
        };
        terminal::data(&format!("{url}: {text}\n"))?;
        return Ok(exit);
    }
    // Also where there is nothing to migrate: roles may have been made anew.
    let (from, to) = migrate(owner, &roles).await.map_err(|error| cannot_open(url, &error))?;
    let what = if from == to {
        format!("schema version {to}, up to date")
    } else {
        format!("schema version {from} → {to}")
    };
    terminal::data(&format!("{url}: {what}; {} and {} have their rights\n", roles.server, roles.system))?;
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
