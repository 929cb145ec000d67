//! Service accounts: what workspace keys act as.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, ServiceAccountId, WorkspaceId};
use keyward_core::key::ServiceAccount;

use crate::error::StoreError;
use crate::page::Page;

/// A service account, and what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountRow {
    /// The account.
    pub account: ServiceAccount,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it may do nothing.
    pub disabled_at: Option<Timestamp>,
    /// How many keys that are not revoked act as it.
    pub keys: u32,
    /// Counts edits; its `ETag`.
    pub version: u64,
}

/// What a transaction can do with service accounts.
#[async_trait]
pub trait ServiceAccounts {
    /// Keeps a new one that stands alone.
    async fn insert_service_account(
        &mut self,
        workspace: WorkspaceId,
        row: &ServiceAccountRow,
    ) -> Result<(), StoreError>;

    /// Writes name, description and `disabled_at` over the previous version (`row.version - 1`).
    async fn update_service_account(&mut self, row: &ServiceAccountRow) -> Result<(), StoreError>;

    /// One of the tenant's workspace.
    async fn service_account(
        &mut self,
        id: ServiceAccountId,
    ) -> Result<Option<ServiceAccountRow>, StoreError>;

    /// Those of a workspace, the oldest first (by id). `shared`: only those that stand alone, or only those that
    /// do not.
    async fn service_accounts(
        &mut self,
        workspace: WorkspaceId,
        shared: Option<bool>,
        page: &Page,
    ) -> Result<Vec<ServiceAccountRow>, StoreError>;

    /// The keys that act as it and are not revoked, at most `limit`.
    async fn keys_of_service_account(
        &mut self,
        id: ServiceAccountId,
        limit: u32,
    ) -> Result<Vec<KeyId>, StoreError>;

    /// Which of these names service accounts of the workspace have.
    async fn service_account_names_taken(&mut self, names: &[String]) -> Result<Vec<String>, StoreError>;

    /// Ends its membership and takes it out of use; its name stays for old audit entries.
    async fn delete_service_account(&mut self, id: ServiceAccountId, at: Timestamp)
    -> Result<(), StoreError>;
}
