//! Copy a whole store to another, empty one.

use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::confirm_store::new_life;
use keyward_storage::sqlite::{SqliteSource, SqliteTarget, tables};
use keyward_storage::whole::{Sums, copy, look_through};
use keyward_storage::{Beginning, Life, StoreError};

use super::new_file::NewFile;
use super::{ROW, bar, file_of, open_source, refused};
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
    let life = life(lock.is_some())?;
    let mut progress = bar("Copied", source.as_mut()).await?;
    let failed = |error: StoreError| Failure::failed(format!("the store cannot be copied: {error}"));
    let mut target = SqliteTarget::create(file.waiting_at()).map_err(failed)?;
    let all = tables().map_err(failed)?;
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
    tell(command, &sums, lock.is_some());
    if logs.is_empty() {
        return Ok(Exit::Done);
    }
    terminal::say("What was copied is not sound, as it was before:");
    logs.iter().for_each(|trouble| terminal::say(format!("  {trouble}")));
    Ok(Exit::NotValid)
}

/// How the copy begins its life. That of a running server lacks what is written later, such as a revoke.
fn life(is_stopped: bool) -> Result<Life, Failure> {
    let now = SystemClock.now();
    let life = new_life(now, Beginning::Copy, Some(now));
    let life = life.map_err(|refusal| refused("the copy cannot begin its life", &refusal))?;
    Ok(Life { confirmed_at: is_stopped.then_some(now), ..life })
}

/// The copy has a life more than what it was copied from, and otherwise the same rows.
fn expect_the_same(sums: &Sums, found: &Sums) -> Result<(), Failure> {
    const LIVES: &str = "incarnations";
    let without = |sums: &Sums| {
        let tables = sums.tables.iter().filter(|table| table.name != LIVES).cloned().collect();
        Sums { tables, ..Sums::default() }
    };
    let mut differences = without(sums).differences(&without(found));
    if found.rows_of(LIVES) != sums.rows_of(LIVES) + 1 {
        differences.push(format!("{LIVES}: there is not one more"));
    }
    if differences.is_empty() {
        return Ok(());
    }
    let failure = Failure::failed("the copy is another than what was copied, and was thrown away");
    Err(differences.into_iter().fold(failure, Failure::advise))
}

fn tell(command: &Copy, sums: &Sums, is_stopped: bool) {
    let Copy { from, to } = command;
    terminal::say(format!("Copied {} from {from} to {to}, and compared them.", count(sums.rows(), ROW)));
    if is_stopped {
        terminal::say(format!("Set store.url to {to}, start the server, and put {from} away."));
    } else {
        terminal::say(format!("A server has {from} open: what it writes from now on is not in the copy."));
        terminal::say(
            "So a server on the copy denies everything until it is confirmed. Better: stop the server, and copy again.",
        );
        terminal::hint(format!("keyward store confirm --store {to}"));
    }
}
