//! Look at the vaults of a workspace, and at what is in them: all but the secrets themselves.

use keyward_core::permission;
use keyward_storage::{Page, Vault, VaultSecret};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault;

/// Vaults, the oldest first.
pub async fn list_vaults(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    page: &Page,
) -> Result<Vec<Vault>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::VAULTS_READ)?;
    Ok(tx.vaults(access.workspace.id, page).await?)
}

/// One vault.
pub async fn get_vault(service: &Service, ctx: &Ctx, slug: &str, id: &str) -> Result<Vault, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::VAULTS_READ)?;
    vault::find(tx.as_mut(), id).await
}

/// What is in a vault, the oldest first.
pub async fn list_vault_secrets(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    page: &Page,
) -> Result<Vec<VaultSecret>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::VAULTS_READ)?;
    let vault = vault::find(tx.as_mut(), id).await?;
    Ok(tx.vault_secrets(vault.id, page).await?)
}

/// What is said of one secret.
pub async fn get_vault_secret(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    secret: &str,
) -> Result<VaultSecret, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::VAULTS_READ)?;
    let vault = vault::find(tx.as_mut(), id).await?;
    vault::find_secret(tx.as_mut(), &vault, secret).await
}
