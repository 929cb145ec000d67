//! What is sealed with a key outside the store, wherever it is kept: for when that key is replaced.

use async_trait::async_trait;
use keyward_core::id::WorkspaceId;

use crate::error::StoreError;

/// A secret as it is kept: sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Box<[u8]>);

/// Where sealed secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKind {
    /// What deliveries of a webhook are signed with.
    Webhook,
    /// What they were signed with before, and are for a while.
    OldOfWebhook,
    /// What somebody put into a vault.
    VaultSecret,
}

impl SealedKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::OldOfWebhook, Self::VaultSecret];
}

/// One sealed secret and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Where it is kept.
    pub kind: SealedKind,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The webhook or secret of a vault that it is of.
    pub id: [u8; 16],
    /// The secret.
    pub sealed: SealedSecret,
}

/// What a transaction can do with all that is sealed.
#[async_trait]
pub trait Sealed {
    /// Sealed secrets of a kind behind an identifier, in the order of those. System only.
    async fn sealed_rows(
        &mut self,
        kind: SealedKind,
        after: [u8; 16],
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError>;

    /// Keeps the same secret sealed otherwise. It is no edit: no version counts it. `false`: it is not there any more, or
    /// is another by now. System only.
    async fn reseal(&mut self, row: &SealedRow, sealed: &SealedSecret) -> Result<bool, StoreError>;
}
