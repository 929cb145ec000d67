//! Copy a whole store to another, empty one.

use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::confirm_store::{look, new_life};
use keyward_storage::sqlite::{SqliteSource, SqliteTarget, tables_to_copy};
use keyward_storage::whole::{Source, Sums, Table, copy, look_through};
use keyward_storage::{Beginning, Life, StoreError};

use super::database::{Filled, fill};
use super::new_file::NewFile;
use super::{ROW, bar, expect_the_same, open_source, open_store, refused, say_all};
use crate::cli::text::count;
use crate::cli::{Bar, Copy, Exit, Failure, terminal};
use crate::config::store::{Store, StoreUrl};
use crate::config::{self, Flags};
use crate::serve::lock::StoreLock;

/// Copies, reads the copy through, and gives it its name.
pub(crate) async fn run(command: &Copy) -> Result<Exit, Failure> {
    let ends = Ends::of(command)?;
    let file = match &ends.to.url {
        StoreUrl::Sqlite(path) => Some(NewFile::prepare(path)?),
        StoreUrl::Postgres(_) => None,
    };
    let mut source = open_source(&ends.from).await?;
    // Held until the end: what is copied then takes the place of the store, and nothing is lost. Servers of a database may
    // be anywhere.
    let lock = match &ends.from.url {
        StoreUrl::Sqlite(path) => StoreLock::try_take(path)?,
        StoreUrl::Postgres(_) => None,
    };
    let is_whole = lock.is_some() && is_confirmed(&ends.from).await?;
    let life = life(is_whole)?;
    let tables = tables_to_copy().map_err(|error| cannot(&error))?;
    let Filled { sums, logs } = match (file, ends.to.postgres()) {
        (Some(file), _) => into_file(file, source.as_mut(), &tables, &life).await?,
        (None, Some(database)) => fill(&database, source.as_mut(), &tables, &life).await?,
        (None, None) => return Err(Failure::usage("store.system_url is missing")),
    };
    tell(command, &sums, lock.is_some(), is_whole);
    if logs.is_empty() {
        return Ok(Exit::Done);
    }
    say_all("What was copied is not sound, as it was before:", &logs);
    Ok(Exit::NotValid)
}

/// Both stores, with all that is needed to reach them.
struct Ends {
    from: Store,
    to: Store,
}

impl Ends {
    fn of(command: &Copy) -> Result<Self, Failure> {
        if command.from == command.to {
            return Err(Failure::usage("a store cannot be copied to itself"));
        }
        Ok(Self { from: end(&command.from, command)?, to: end(&command.to, command)? })
    }
}

/// A file is reached by its name. A database is reached as two roles with their passwords: by the configuration.
fn end(url: &StoreUrl, command: &Copy) -> Result<Store, Failure> {
    if let StoreUrl::Sqlite(path) = url {
        return Ok(Store::of_file(path.clone()));
    }
    let flags = Flags { config: command.config.clone(), ..Flags::default() };
    let configured = config::load(&flags)?.settings.store;
    if configured.url.to_string() == url.to_string() {
        return Ok(configured);
    }
    let what = format!("{url} is not the configured store, which is {}", configured.url);
    Err(Failure::usage(what)
        .advise("Set store.url and store.system_url to the database: they name both of its roles."))
}

async fn into_file(
    file: NewFile<'_>,
    source: &mut dyn Source,
    tables: &[Table],
    life: &Life,
) -> Result<Filled, Failure> {
    let mut target = SqliteTarget::create(file.waiting_at()).map_err(|error| cannot(&error))?;
    let mut progress = bar("Copied", source, tables).await?;
    let copied = copy(source, &mut target, tables, &mut |done| progress.show(done)).await;
    drop(progress);
    let sums = copied.map_err(|error| cannot(&error))?;
    target.finish_store(life).map_err(|error| cannot(&error))?;
    let mut check = Bar::new("Checked", ROW, sums.rows(), 0);
    let mut written = SqliteSource::of_store(file.waiting_at()).map_err(|error| cannot(&error))?;
    let looked = look_through(&mut written, tables, &mut |done| check.show(done)).await;
    drop((check, written));
    let (found, logs) = looked.map_err(|error| cannot(&error))?;
    expect_the_same(&sums, &found, "It was thrown away.")?;
    file.finish()?;
    Ok(Filled { sums, logs })
}

/// What waits to be confirmed goes on waiting as a copy.
async fn is_confirmed(store: &Store) -> Result<bool, Failure> {
    let store = open_store(store).await?;
    let standing = look(store.as_ref(), SystemClock.now()).await;
    let standing = standing.map_err(|error| Failure::failed(format!("the store cannot be read: {error}")))?;
    Ok(standing.life.confirmed_at.is_some())
}

fn cannot(error: &StoreError) -> Failure {
    Failure::failed(format!("the store cannot be copied: {error}"))
}

/// How the copy begins its life. That of a running server lacks what is written later, such as a revoke.
fn life(is_whole: bool) -> Result<Life, Failure> {
    let now = SystemClock.now();
    let life = new_life(now, Beginning::Copy, Some(now));
    let life = life.map_err(|refusal| refused("the copy cannot begin its life", &refusal))?;
    Ok(Life { confirmed_at: is_whole.then_some(now), ..life })
}

fn tell(command: &Copy, sums: &Sums, is_stopped: bool, is_whole: bool) {
    let Copy { from, to, .. } = command;
    terminal::say(format!("Copied {} from {from} to {to}, and compared them.", count(sums.rows(), ROW)));
    if is_whole {
        terminal::say(format!("Set store.url to {to}, start the server, and put {from} away."));
    } else if is_stopped {
        terminal::say(format!(
            "{from} was put back from a backup and is not confirmed, so neither is the copy."
        ));
        terminal::hint(format!("keyward store confirm --store {to}"));
    } else {
        terminal::say(format!(
            "A server may have {from} open: what it writes from now on is not in the copy."
        ));
        terminal::say(
            "So a server on the copy denies everything until it is confirmed. Better: stop all servers, and copy again.",
        );
        terminal::hint(format!("keyward store confirm --store {to}"));
    }
}
