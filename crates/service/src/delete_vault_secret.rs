//! Delete a secret of a vault. A key that it opens goes on working.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault;

/// Deletes a secret of a vault.
pub async fn delete_vault_secret(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    secret: &str,
) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::VAULTS_MANAGE)?;
    let vault = vault::find(tx.as_mut(), id).await?;
    let found = vault::find_secret(tx.as_mut(), &vault, secret).await?;
    if !tx.delete_vault_secret(found.id).await? {
        return Err(Refusal::NotFound(vault::SECRET));
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::VaultSecretDeleted,
        target: found.id.to_string(),
        before: Some(vault::describe_secret(&vault, &found)),
        after: None,
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(())
}
