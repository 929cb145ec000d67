//! Put a backup back, or look through it.

use std::path::Path;

use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::confirm_store::new_life;
use keyward_storage::postgres::Settings;
use keyward_storage::sqlite::{SqliteSource, look_at_backup, restore, tables_to_copy};
use keyward_storage::whole::{Manifest, Sound};
use keyward_storage::{Beginning, Life, StoreError};
use serde_json::json;
use tempfile::NamedTempFile;

use super::database::fill;
use super::new_file::NewFile;
use super::{ROW, kept_outside, refused, say_all};
use crate::cli::record::Record;
use crate::cli::text::{self, count, thousands};
use crate::cli::{Bar, Exit, Failure, Restore, terminal};
use crate::config;
use crate::config::store::{Store, StoreUrl};

/// Looks through a backup, then puts it back unless that was all.
pub(crate) async fn run(command: &Restore) -> Result<Exit, Failure> {
    let sound = look(&command.backup).await?;
    if command.verify {
        return tell(command, &sound);
    }
    if !sound.troubles.is_empty() {
        say_all(&format!("{} is not sound:", command.backup.display()), &sound.troubles);
        if !command.anyway {
            return Err(Failure::new(Exit::NotValid, "nothing was put back")
                .advise("Take another backup. Or add --anyway, if you know why it is as it is."));
        }
    }
    let mut settings = config::load(&command.store.flags())?.settings;
    if let Some(to) = &command.to {
        settings.store.url = to.clone();
    }
    let url = &settings.store.url;
    put_back(&command.backup, &settings.store, &sound.manifest).await?;
    say_what_next(&sound.manifest, url);
    kept_outside::tell_missing(&settings);
    Ok(Exit::Done)
}

async fn look(path: &Path) -> Result<Sound, Failure> {
    let shown = path.display();
    if !path.is_file() {
        return Err(Failure::failed(format!("there is no file {shown}")));
    }
    // How many rows there are is known once the file is read.
    let mut bar = crate::cli::Count::new("Checked", ROW);
    let looked = look_at_backup(path, &mut |done| bar.show(done)).await;
    looked.map_err(|error| {
        Failure::new(Exit::NotValid, format!("{shown} cannot be put back by this program: {error}"))
    })
}

fn tell(command: &Restore, Sound { manifest, troubles }: &Sound) -> Result<Exit, Failure> {
    if command.json {
        let answer = json!({ "ok": troubles.is_empty(), "troubles": troubles, "manifest": manifest });
        terminal::data(&format!("{answer:#}\n"))?;
    } else {
        let mut record = Record::default();
        record.line("Backup", command.backup.display().to_string());
        record.line("Taken", text::at(manifest.taken_at, SystemClock.now()));
        record.line("From", format!("{} by keyward {}", manifest.engine, manifest.keyward));
        record.line("Life", format!("{}, up to epoch {}", manifest.incarnation, manifest.epoch));
        record.line("Schema", format!("version {}", manifest.schema));
        record.line(
            "Rows",
            format!("{} in {}", thousands(manifest.rows()), count(manifest.tables.len() as u64, "table")),
        );
        record.line(
            "Audit logs",
            format!("{} with {}", thousands(manifest.audit_logs), count(manifest.audit_entries, "entry")),
        );
        let verdict = if troubles.is_empty() { "sound" } else { "NOT SOUND" };
        record.line("Result", verdict);
        terminal::data(&record.render())?;
        troubles.iter().try_for_each(|trouble| terminal::data(&format!("FAIL  {trouble}\n")))?;
    }
    Ok(if troubles.is_empty() { Exit::Done } else { Exit::NotValid })
}

async fn put_back(backup: &Path, store: &Store, manifest: &Manifest) -> Result<(), Failure> {
    let life = new_life(SystemClock.now(), Beginning::Restore, Some(manifest.taken_at));
    let life = life.map_err(|refusal| refused("the store cannot begin another life", &refusal))?;
    match (&store.url, store.postgres()) {
        (StoreUrl::Sqlite(path), _) => {
            let file = NewFile::prepare(path)?;
            into_file(backup, file.waiting_at(), &life, manifest).await?;
            file.finish()
        }
        (StoreUrl::Postgres(_), Some(database)) => into_database(backup, &database, &life, manifest).await,
        (StoreUrl::Postgres(_), None) => Err(Failure::usage(
            "a database is put back as the configured store: set store.url and store.system_url to it",
        )),
    }
}

async fn into_file(backup: &Path, path: &Path, life: &Life, manifest: &Manifest) -> Result<(), Failure> {
    let mut bar = Bar::new("Put back", ROW, manifest.rows(), 0);
    let restored = restore(backup, path, life, &mut |done| bar.show(done)).await;
    drop(bar);
    restored.map(drop).map_err(|error| cannot(&error))
}

/// A backup of any version is first brought to the present one, in a file that is gone afterwards.
async fn into_database(
    backup: &Path,
    database: &Settings,
    life: &Life,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let between = NamedTempFile::new()
        .map_err(|error| Failure::failed(format!("a temporary file cannot be made: {error}")))?;
    into_file(backup, between.path(), life, manifest).await?;
    let mut source = SqliteSource::of_store(between.path()).map_err(|error| cannot(&error))?;
    let tables = tables_to_copy().map_err(|error| cannot(&error))?;
    // What is wrong with the logs was told before.
    fill(database, &mut source, &tables, life).await.map(drop)
}

fn cannot(error: &StoreError) -> Failure {
    Failure::failed(format!("the backup cannot be put back: {error}"))
}

fn say_what_next(manifest: &Manifest, url: &StoreUrl) {
    terminal::say(format!("Put back {} as {url}, as of {}.", count(manifest.rows(), ROW), manifest.taken_at));
    terminal::say(
        "A server on it denies everything until you have confirmed it: keys that were revoked since then",
    );
    terminal::say(
        "are alive in it, and keys that were created since then are unknown. Everybody signs in again.",
    );
    terminal::hint(format!("keyward store confirm --store {url}"));
}
