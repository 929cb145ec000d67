//! The lives of a store. It begins another when it is put back from a backup: then keys that were revoked meanwhile are
//! alive again, and nothing may be decided until somebody has looked.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::change::Incarnation;
use keyward_core::id::WorkspaceId;

use crate::error::StoreError;

/// How a life of a store began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It was made, empty.
    Creation,
    /// It was copied from another store.
    Copy,
    /// It was put back from a backup.
    Restore,
}

impl Beginning {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Creation, Self::Copy, Self::Restore];

    /// `creation`, `copy` or `restore`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Copy => "copy",
            Self::Restore => "restore",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A life of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Which.
    pub incarnation: Incarnation,
    /// How it began.
    pub began_by: Beginning,
    /// When.
    pub began_at: Timestamp,
    /// Of what was put back: the time that it tells of, if that is known.
    pub as_of: Option<Timestamp>,
    /// Since when decisions may rest on it. `None`: not yet.
    pub confirmed_at: Option<Timestamp>,
}

/// What a transaction can do with the lives of its store. System only.
#[async_trait]
pub trait Lives {
    /// The present life.
    async fn life(&mut self) -> Result<Life, StoreError>;

    /// Begins another life.
    async fn begin_life(&mut self, life: &Life) -> Result<(), StoreError>;

    /// Notes that decisions may rest on the present life from now on. [`StoreError::Changed`]: it is another one, or was
    /// confirmed before.
    async fn confirm_life(&mut self, incarnation: Incarnation, at: Timestamp) -> Result<(), StoreError>;

    /// How many keys of all tenants are neither revoked nor expired. It looks at each: for somebody who waits.
    async fn live_keys_of_all(&mut self, now: Timestamp) -> Result<u64, StoreError>;

    /// The workspaces behind one, in the order of their identifiers, at most `limit`.
    async fn workspaces_after(
        &mut self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<WorkspaceId>, StoreError>;
}
