//! Work on the store itself, by whoever runs the server: bring its schema up to date, back it up, put it back, copy it.
//!
//! Deliberately absent: any question to a running server. A store is looked at beside it, in one moment of its own.

pub(crate) mod backup;
pub(crate) mod confirm;
pub(crate) mod copy;
mod kept_outside;
pub(crate) mod mark_restored;
pub(crate) mod migrate;
mod new_file;
pub(crate) mod restore;

use std::path::Path;
use std::sync::Arc;

use keyward_service::refusal::Refusal;
use keyward_storage::sqlite::{SqliteSource, SqliteStore, tables};
use keyward_storage::whole::{Source, count};
use keyward_storage::{Store, StoreError};

use crate::cli::{Bar, Failure};
use crate::config::store::{Store as StoreSettings, StoreUrl};
use crate::serve;

/// What the things are called that are copied.
const ROW: &str = "row";

/// A store that is there, as it is.
pub(crate) async fn open_store(settings: &StoreSettings) -> Result<Arc<dyn Store>, Failure> {
    let StoreUrl::Sqlite(path) = &settings.url else { return serve::open_store(settings).await };
    expect_there(path)?;
    let store = SqliteStore::open_as_it_is(path).map_err(|error| cannot_open(&settings.url, &error))?;
    Ok(Arc::new(store))
}

/// The file of a store, for work that is done on files alone.
fn file_of<'a>(url: &'a StoreUrl, what: &str) -> Result<&'a Path, Failure> {
    match url {
        StoreUrl::Sqlite(path) => Ok(path),
        StoreUrl::Postgres(_) => Err(Failure::usage(format!(
            "{what} works on a store in a file, and {url} is a database"
        ))
        .advise("The guide \"Run on PostgreSQL\" shows how that is done with PostgreSQL's own programs.")),
    }
}

/// One moment of a store.
fn open_source(url: &StoreUrl) -> Result<Box<dyn Source>, Failure> {
    let path = file_of(url, "this")?;
    expect_there(path)?;
    let source = SqliteSource::of_store(path).map_err(|error| cannot_open(url, &error))?;
    Ok(Box::new(source))
}

fn expect_there(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    Err(Failure::failed(format!("there is no store at {}", path.display()))
        .advise("Name it with --store, or name the server's configuration with --config."))
}

fn cannot_open(url: &StoreUrl, error: &StoreError) -> Failure {
    Failure::failed(format!("the store {url} cannot be used: {error}"))
}

/// A bar for all rows of a source.
async fn bar(what: &'static str, source: &mut dyn Source) -> Result<Bar, Failure> {
    let tables = tables().map_err(|error| Failure::failed(error.to_string()))?;
    let rows = count(source, &tables).await;
    let rows = rows.map_err(|error| Failure::failed(format!("the store cannot be read: {error}")))?;
    Ok(Bar::new(what, ROW, rows, 0))
}

fn refused(what: &str, refusal: &Refusal) -> Failure {
    Failure::failed(format!("{what}: {refusal}"))
}
