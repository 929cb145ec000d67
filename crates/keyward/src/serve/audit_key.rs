//! The file of the key that ends of audit logs are signed with.

use std::path::{Path, PathBuf};

use keyward_service::checkpoint_key::CheckpointKey;

use super::beside;
use super::key_file::{self, Said};
use crate::cli::Failure;
use crate::config::Settings;
use crate::config::store::StoreUrl;

const SAID: Said = Said {
    what: "the audit log's signing key",
    kind: "signing key",
    setting: "audit.signing_key_file",
    advice: "Restore it from a backup. Or move it away: the next start makes another, with another key id.",
};

/// Where the key is.
pub(crate) fn path(settings: &Settings) -> PathBuf {
    settings.audit.signing_key_file.clone().unwrap_or_else(|| match &settings.store.url {
        StoreUrl::Sqlite(store) => beside(store, ".audit-key"),
        // Nothing of a database lies on this machine.
        StoreUrl::Postgres(_) => PathBuf::from("keyward.audit-key"),
    })
}

/// Reads the key, and makes it if it is not there.
pub(crate) fn load(path: &Path) -> Result<CheckpointKey, Failure> {
    let seed = key_file::load(path, &SAID)?;
    let refused = || Failure::failed(format!("{} is no signing key", path.display())).advise(SAID.advice);
    CheckpointKey::from_seed(&seed).ok_or_else(refused)
}
