//! The file of the key that secrets in the store are sealed with. Without it nobody reads them any more, so it belongs into
//! a backup, and not into the same place as the store's.

use std::path::{Path, PathBuf};

use keyward_service::sealing::SealingKey;

use super::beside;
use super::key_file::{self, Said};
use crate::cli::Failure;
use crate::config::Settings;
use crate::config::store::StoreUrl;

const SAID: Said = Said {
    what: "the sealing key",
    kind: "sealing key",
    setting: "sealing.key_file",
    advice: "Restore it from a backup. Or move it away: the next start makes another, and each webhook needs a new secret.",
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
