//! Work on the store itself, by whoever runs the server: bring its schema up to date, back it up, put it back, copy it.
//!
//! Deliberately absent: any question to a running server. A store is looked at beside it, in one moment of its own.

pub(crate) mod backup;
pub(crate) mod confirm;
pub(crate) mod copy;
mod database;
mod kept_outside;
pub(crate) mod mark_restored;
pub(crate) mod migrate;
mod new_file;
pub(crate) mod restore;

use std::path::Path;
use std::sync::Arc;

use keyward_service::refusal::Refusal;
use keyward_storage::postgres::PostgresSource;
use keyward_storage::sqlite::{SqliteSource, SqliteStore};
use keyward_storage::whole::{Source, Sums, Table, count};
use keyward_storage::{Store, StoreError};

use crate::cli::{Bar, Failure, terminal};
use crate::config::store::{Store as StoreSettings, StoreUrl};
use crate::serve;

/// What the things are called that are copied.
const ROW: &str = "row";

/// A store that is there, as it is.
pub(crate) async fn open_store(settings: &StoreSettings) -> Result<Arc<dyn Store>, Failure> {
    match &settings.url {
        StoreUrl::Sqlite(path) => open_file(path),
        StoreUrl::Postgres(_) => serve::open_store(settings).await,
    }
}

/// The same of a file.
fn open_file(path: &Path) -> Result<Arc<dyn Store>, Failure> {
    expect_there(path)?;
    let store = SqliteStore::open_as_it_is(path);
    Ok(Arc::new(store.map_err(|error| cannot_open(&StoreUrl::Sqlite(path.to_owned()), &error))?))
}

/// One moment of a store.
async fn open_source(settings: &StoreSettings) -> Result<Box<dyn Source>, Failure> {
    let url = &settings.url;
    if let Some(database) = settings.postgres() {
        let source = PostgresSource::of_store(&database).await.map_err(|error| cannot_open(url, &error))?;
        return Ok(Box::new(source));
    }
    let StoreUrl::Sqlite(path) = url else { return Err(Failure::failed("store.system_url is missing")) };
    expect_there(path)?;
    let source = SqliteSource::of_store(path).map_err(|error| cannot_open(url, &error))?;
    Ok(Box::new(source))
}

/// Compares what was written with what is there.
fn expect_the_same(sums: &Sums, found: &Sums, advice: &str) -> Result<(), Failure> {
    let differences = sums.differences(found);
    if differences.is_empty() {
        return Ok(());
    }
    let failure = Failure::failed("the copy is another than what was copied");
    Err(differences.into_iter().fold(failure, Failure::advise).advise(advice))
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

/// A bar for all rows of some tables.
async fn bar(what: &'static str, source: &mut dyn Source, tables: &[Table]) -> Result<Bar, Failure> {
    let rows = count(source, tables).await;
    let rows = rows.map_err(|error| Failure::failed(format!("the store cannot be read: {error}")))?;
    Ok(Bar::new(what, ROW, rows, 0))
}

/// Says several things, below a line that they belong to.
fn say_all(what: &str, all: &[String]) {
    terminal::say(what);
    for one in all {
        terminal::say(format!("  {one}"));
    }
}

fn refused(what: &str, refusal: &Refusal) -> Failure {
    Failure::failed(format!("{what}: {refusal}"))
}
