//! The file of the key that secrets in the store are sealed with. Without it nobody reads them any more, so it belongs into
//! a backup, and not into the same place as the store's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_service::Service;
use keyward_service::reseal::Resealed;
use keyward_service::sealing::{Sealing, SealingKey};

use super::beside;
use super::key_file::{self, Said};
use crate::cli::Failure;
use crate::config::Settings;
use crate::config::store::StoreUrl;

const SAID: Said = Said {
    what: "the sealing key",
    kind: "sealing key",
    setting: "sealing.key_file",
    advice: "Restore it from a backup. Or move it away: the next start makes another, and each webhook needs a new secret, and what is in vaults is lost.",
};

const SAID_OF_OTHERS: Said = Said {
    what: "another sealing key",
    setting: "sealing.other_key_files",
    advice: "Restore it from a backup, or leave it out: what it has sealed is then lost.",
    ..SAID
};

/// Where the key is.
pub(crate) fn path(settings: &Settings) -> PathBuf {
    settings.webhooks.sealing_key_file.clone().unwrap_or_else(|| match &settings.store.url {
        StoreUrl::Sqlite(store) => beside(store, ".sealing-key"),
        // Nothing of a database lies on this machine.
        StoreUrl::Postgres(_) => PathBuf::from("keyward.sealing-key"),
    })
}

/// Reads the key, and makes it if it is not there.
pub(crate) fn load(path: &Path) -> Result<SealingKey, Failure> {
    Ok(SealingKey::new(&*key_file::load(path, &SAID)?))
}

/// Reads the key, and others that open what they have sealed. Those must be there.
pub(crate) fn load_all(settings: &Settings) -> Result<Sealing, Failure> {
    let others = settings
        .webhooks
        .other_sealing_key_files
        .iter()
        .map(|path| key_file::load_existing(path, &SAID_OF_OTHERS).map(|key| SealingKey::new(&key)));
    let others = others.collect::<Result<_, _>>()?;
    Ok(Sealing::new(load(&path(settings))?, others))
}

/// Seals with the key what another has sealed, and says what came of it.
pub(super) async fn reseal(service: Arc<Service>) {
    match keyward_service::reseal::reseal(&service).await {
        Ok(Resealed { present, anew, lost: 0 }) => {
            tracing::info!(
                present,
                anew,
                "all that is sealed is sealed with the key of sealing.key_file; sealing.other_key_files can be left out"
            );
        }
        Ok(Resealed { present, anew, lost }) => {
            tracing::warn!(present, anew, lost, "some of what is sealed is opened by no key that is there");
        }
        Err(error) => {
            tracing::error!(%error, "what other keys have sealed could not be sealed anew; the next start tries again");
        }
    }
}
