//! Vaults: secrets that people keep here to be shown again, sealed.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, VaultId, VaultSecretId, WorkspaceId};
use keyward_core::key::Principal;
use keyward_core::person::DisplayName;
use keyward_core::secret::SecretDigest;

use crate::error::StoreError;
use crate::page::Page;
use crate::sealed::SealedSecret;

/// A vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Its identifier.
    pub id: VaultId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What people call it. No two of a workspace are called alike, whatever the case.
    pub name: DisplayName,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Principal,
    /// How many secrets are in it. Not written.
    pub secrets: u32,
    /// Counts edits; its `ETag`.
    pub version: u64,
}

/// What a secret of a key opens, whatever has become of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// It is the key's present one.
    Present,
    /// It is the one before, and opens until then.
    Until(Timestamp),
    /// It was rotated away.
    Nothing,
}

/// The key that a secret in a vault is of, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretOfKey {
    /// Which.
    pub id: KeyId,
    /// What people call it.
    pub name: DisplayName,
    /// Since when it is revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// What the secret opens of it.
    pub opens: Opens,
}

/// A secret in a vault, but for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSecret {
    /// Its identifier.
    pub id: VaultSecretId,
    /// Where it is.
    pub vault: VaultId,
    /// What people call it.
    pub name: DisplayName,
    /// When it was put there.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Principal,
    /// The key that it is of. `None`: of none.
    pub of_key: Option<SecretOfKey>,
}

/// A secret that is put into a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVaultSecret {
    /// Its identifier.
    pub id: VaultSecretId,
    /// Into which vault.
    pub vault: VaultId,
    /// Whose that is.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: DisplayName,
    /// The secret.
    pub sealed: SealedSecret,
    /// The key of the workspace that it is of, and its digest.
    pub of_key: Option<(KeyId, SecretDigest)>,
    /// When it is put there.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Principal,
}

/// What a transaction can do with vaults.
#[async_trait]
pub trait Vaults {
    /// Keeps a new vault.
    async fn insert_vault(&mut self, vault: &Vault) -> Result<(), StoreError>;

    /// Writes name and description over the previous version (`vault.version - 1`).
    async fn update_vault(&mut self, vault: &Vault) -> Result<(), StoreError>;

    /// Takes an empty vault away. `false`: no such vault.
    async fn delete_vault(&mut self, id: VaultId) -> Result<bool, StoreError>;

    /// One of the tenant's workspace.
    async fn vault(&mut self, id: VaultId) -> Result<Option<Vault>, StoreError>;

    /// Those of a workspace, the oldest first (by id).
    async fn vaults(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Vault>, StoreError>;

    /// Keeps a secret in a vault.
    async fn insert_vault_secret(&mut self, secret: &NewVaultSecret) -> Result<(), StoreError>;

    /// Takes a secret away. `false`: no such secret.
    async fn delete_vault_secret(&mut self, id: VaultSecretId) -> Result<bool, StoreError>;

    /// One of the tenant's workspace, but for itself.
    async fn vault_secret(&mut self, id: VaultSecretId) -> Result<Option<VaultSecret>, StoreError>;

    /// Those of a vault, the oldest first (by id).
    async fn vault_secrets(&mut self, vault: VaultId, page: &Page) -> Result<Vec<VaultSecret>, StoreError>;

    /// The secret itself, sealed.
    async fn sealed_vault_secret(&mut self, id: VaultSecretId) -> Result<Option<SealedSecret>, StoreError>;
}
