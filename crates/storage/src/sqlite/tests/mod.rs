//! What is particular to this engine, and the suite that all engines pass.

mod bench;
pub(crate) mod bench_writes;
mod file;
mod fill;
mod group;
mod many;
mod plans;
mod reads;
mod statements;
pub(super) mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;

use super::SqliteStore;
use super::writer::GROUP_TIME_MAX;
use crate::Store;
use crate::bounds::Bounds;
use crate::conformance::{Bed, conformance};

/// A file in a directory of its own.
pub(super) struct File(TempDir);

impl File {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("keyward.db")
    }

    pub(super) fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }
}

#[async_trait]
impl Bed for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store())
    }
}

conformance!(File::new());

/// A file whose lists reach their bounds with a handful of keys.
struct Narrow(File);

#[async_trait]
impl Bed for Narrow {
    async fn open(&self) -> Arc<dyn Store> {
        let bounds = Bounds { walk_first: 1, walk: 3, few: 3, few_first: 1 };
        Arc::new(SqliteStore::open_with(&self.0.path(), GROUP_TIME_MAX, bounds).unwrap())
    }
}

mod narrow {
    use super::{File, Narrow};

    crate::conformance::conformance_of_lists!(Narrow(File::new()));
}
