//! Say of a store that it was put back by other means than ours.

use keyward_service::clock::{Clock as _, SystemClock};
use keyward_service::confirm_store::{mark_restored, new_life};
use keyward_storage::Beginning;

use super::{open_store, refused};
use crate::cli::{Failure, MarkRestored, terminal};
use crate::config;
use crate::config::store::StoreUrl;
use crate::serve::lock::StoreLock;

/// Begins another life of the store, which waits to be confirmed.
pub(crate) async fn run(command: &MarkRestored) -> Result<(), Failure> {
    let loaded = config::load(&command.store.flags())?;
    let url = &loaded.settings.store.url;
    let store = open_store(&loaded.settings.store).await?;
    // A server that runs knows what may never have been: it must begin anew.
    let _lock = match url {
        StoreUrl::Sqlite(path) => Some(StoreLock::take(path)?),
        // Servers of a database may be anywhere. They follow its lives as they follow its changes.
        StoreUrl::Postgres(_) => None,
    };
    let now = SystemClock.now();
    if command.as_of.is_some_and(|as_of| as_of > now) {
        return Err(Failure::usage("--as-of is in the future; give the time that the store tells of"));
    }
    let life = new_life(now, Beginning::Restore, command.as_of);
    let life = life.map_err(|refusal| refused("nothing was changed", &refusal))?;
    mark_restored(store.as_ref(), &life).await.map_err(|refusal| refused("nothing was changed", &refusal))?;
    terminal::say(format!(
        "{url} begins another life, {}. A server on it denies everything until it is confirmed.",
        life.incarnation
    ));
    terminal::hint(format!("keyward store confirm --store {url}"));
    Ok(())
}
