//! What a quickstart remembers for its next run: whom and what it made. Nothing secret.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::Failure;

/// Whom and what it made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// The owner's identifier.
    pub(super) owner: String,
    /// The workspace's slug.
    pub(super) workspace: String,
}

impl Memory {
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = path(folder);
        let text = serde_json::to_string(self).map_err(|error| Failure::failed(error.to_string()))?;
        fs::write(&path, text)
            .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
    }

    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = path(folder);
        let advice = "The store there was not made by a quickstart. Run keyward serve on it, or choose another folder with --dir.";
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::failed(format!("cannot read {}: {error}", path.display())).advise(advice)
        })?;
        serde_json::from_str(&text)
            .map_err(|_| Failure::failed(format!("{} cannot be understood", path.display())).advise(advice))
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("quickstart.json")
}
