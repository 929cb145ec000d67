//! Copy a whole store to another, empty one.

use std::path::Path;

use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::confirm_store::{look, new_life};
use keyward_storage::sqlite::{SqliteSource, SqliteTarget, tables_to_copy};
use keyward_storage::whole::{Sums, copy, look_through};
use keyward_storage::{Beginning, Life, StoreError};

use super::new_file::NewFile;
use super::{ROW, bar, file_of, open_file, open_source, refused, say_all};
use crate::cli::text::count;
use crate::cli::{Bar, Copy, Exit, Failure, terminal};
use crate::serve::lock::StoreLock;

/// Copies, reads the copy through, and gives it its name.
pub(crate) async fn run(command: &Copy) -> Result<Exit, Failure> {
    let what = "`keyward store copy`";
    let (from, to) = (file_of(&command.from, what)?, file_of(&command.to, what)?);
    let file = NewFile::prepare(to)?;
    let mut source = open_source(&command.from)?;
    // Held until the end: what is copied then takes the place of the store, and nothing is lost.
    let lock = StoreLock::try_take(from)?;
    let is_whole = lock.is_some() && is_confirmed(from).await?;
    let life = life(is_whole)?;
    let failed = |error: StoreError| Failure::failed(format!("the store cannot be copied: {error}"));
    let mut target = SqliteTarget::create(file.waiting_at()).map_err(failed)?;
    let all = tables_to_copy().map_err(failed)?;
    let mut progress = bar("Copied", source.as_mut(), &all).await?;
    let sums =
        copy(source.as_mut(), &mut target, &all, &mut |done| progress.show(done)).await.map_err(failed)?;
    drop(progress);
    target.finish_store(&life).map_err(failed)?;
    let mut check = Bar::new("Checked", ROW, sums.rows(), 0);
    let mut copied = SqliteSource::of_store(file.waiting_at()).map_err(failed)?;
    let looked = look_through(&mut copied, &all, &mut |done| check.show(done)).await;
    drop((check, copied));
    let (found, logs) = looked.map_err(failed)?;
    expect_the_same(&sums, &found)?;
    file.finish()?;
    tell(command, &sums, lock.is_some(), is_whole);
    if logs.is_empty() {
        return Ok(Exit::Done);
    }
    say_all("What was copied is not sound, as it was before:", &logs);
    Ok(Exit::NotValid)
}

/// What waits to be confirmed goes on waiting as a copy.
async fn is_confirmed(from: &Path) -> Result<bool, Failure> {
    let store = open_file(from)?;
    let standing = look(store.as_ref(), SystemClock.now()).await;
    let standing = standing.map_err(|error| Failure::failed(format!("the store cannot be read: {error}")))?;
    Ok(standing.life.confirmed_at.is_some())
}

/// How the copy begins its life. That of a running server lacks what is written later, such as a revoke.
fn life(is_whole: bool) -> Result<Life, Failure> {
    let now = SystemClock.now();
    let life = new_life(now, Beginning::Copy, Some(now));
    let life = life.map_err(|refusal| refused("the copy cannot begin its life", &refusal))?;
    Ok(Life { confirmed_at: is_whole.then_some(now), ..life })
}

fn expect_the_same(sums: &Sums, found: &Sums) -> Result<(), Failure> {
    let differences = sums.differences(found);
    if differences.is_empty() {
        return Ok(());
    }
    let failure = Failure::failed("the copy is another than what was copied, and was thrown away");
    Err(differences.into_iter().fold(failure, Failure::advise))
}

fn tell(command: &Copy, sums: &Sums, is_stopped: bool, is_whole: bool) {
    let Copy { from, to } = command;
    terminal::say(format!("Copied {} from {from} to {to}, and compared them.", count(sums.rows(), ROW)));
    if is_whole {
        terminal::say(format!("Set store.url to {to}, start the server, and put {from} away."));
    } else if is_stopped {
        terminal::say(format!(
            "{from} was put back from a backup and is not confirmed, so neither is the copy."
        ));
        terminal::hint(format!("keyward store confirm --store {to}"));
    } else {
        terminal::say(format!("A server has {from} open: what it writes from now on is not in the copy."));
        terminal::say(
            "So a server on the copy denies everything until it is confirmed. Better: stop the server, and copy again.",
        );
        terminal::hint(format!("keyward store confirm --store {to}"));
    }
}
