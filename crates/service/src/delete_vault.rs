//! Delete an empty vault.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault;

/// Deletes a vault with nothing in it, if it still has the version `if_version`, where that is given. Nobody loses secrets
/// by one wrong click: those are deleted one by one, each with its entry in the audit log.
pub async fn delete_vault(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    if_version: Option<u64>,
) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::VAULTS_MANAGE)?;
    let found = vault::find(tx.as_mut(), id).await?;
    if if_version.is_some_and(|version| version != found.version) {
        return Err(Refusal::PreconditionFailed);
    }
    if found.secrets > 0 {
        let message = format!("the vault \"{}\" is not empty; delete its secrets first", found.name);
        return Err(Refusal::Conflict(message));
    }
    if !tx.delete_vault(found.id).await? {
        return Err(Refusal::NotFound(vault::VAULT));
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::VaultDeleted,
        target: found.id.to_string(),
        before: Some(vault::describe(&found)),
        after: None,
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(())
}
