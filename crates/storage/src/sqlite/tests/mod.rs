//! What is particular to this engine, and the suite that all engines pass.

mod file;
mod group;
mod plans;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;

use super::SqliteStore;
use crate::Store;
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
