//! One server for one store. Two would each revoke on their own data plane and answer that it is in force.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{beside, open_advice};
use crate::cli::Failure;

/// That this process serves the store. The kernel lets go of it when the process ends, however it ends. The
/// file stays: if it were deleted, one process could lock the old file and another a new one.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes it, or says that another process has it.
    pub(crate) fn take(store: &Path) -> Result<Self, Failure> {
        Self::try_take(store)?.ok_or_else(|| {
            Failure::failed(format!(
                "another keyward serves the store {} already: it holds {}",
                store.display(),
                beside(store, ".lock").display()
            ))
            .advise("Stop that one first, or choose another store with store.url.")
        })
    }

    /// Takes it. `None`: another process has it.
    pub(crate) fn try_take(store: &Path) -> Result<Option<Self>, Failure> {
        let path = beside(store, ".lock");
        let mut options = OpenOptions::new();
        let opened = options.create(true).write(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(|error| {
            let what = format!("cannot open {}, the lock of the store: {error}", path.display());
            Failure::failed(what).advise(open_advice(store))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(Failure::failed(format!("cannot lock {}: {error}", path.display()))
                    .advise("Keep the store on a file system of this machine."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_store_is_taken_once_also_by_a_link_and_is_free_again_afterwards() {
        let dir = tempfile::tempdir().expect("a folder");
        let (store, link) = (dir.path().join("keyward.sqlite"), dir.path().join("link.sqlite"));
        std::fs::write(&store, "").expect("a store");
        symlink(&store, &link).expect("a link");
        let first = StoreLock::take(&store).expect("nobody has it");
        for path in [&store, &link] {
            let refused = StoreLock::take(path).expect_err("somebody has it").to_string();
            assert!(refused.contains("keyward.sqlite.lock"), "{refused}");
        }
        let file = dir.path().join("keyward.sqlite.lock");
        let mode = std::fs::metadata(&file).expect("the lock's file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(first);
        StoreLock::take(&link).expect("it is free");
        assert!(file.exists(), "it is never deleted");
    }
}
