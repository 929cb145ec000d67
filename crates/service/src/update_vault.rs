//! Edit a vault: its name and its description.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_storage::{StoreError, Unique, Vault};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_description;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::vault;

/// What to change of a vault. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct VaultEdit {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for. `Some(None)`: nothing is said any more.
    pub description: Option<Option<String>>,
    /// The only version that may be changed.
    pub if_version: Option<u64>,
}

/// Edits a vault.
pub async fn update_vault(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    edit: VaultEdit,
) -> Result<Vault, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::VAULTS_MANAGE)?;
    let before = vault::find(tx.as_mut(), id).await?;
    if edit.if_version.is_some_and(|version| version != before.version) {
        return Err(Refusal::PreconditionFailed);
    }
    let mut after = apply(&before, edit)?;
    if after == before {
        tx.commit().await?;
        return Ok(before);
    }
    after.version += 1;
    match tx.update_vault(&after).await {
        Err(StoreError::Duplicate(Unique::VaultName)) => return Err(vault::name_taken(&after.name)),
        other => other?,
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::VaultUpdated,
        target: after.id.to_string(),
        before: Some(vault::describe(&before)),
        after: Some(vault::describe(&after)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(after)
}

fn apply(before: &Vault, edit: VaultEdit) -> Result<Vault, Refusal> {
    let mut complaints = Complaints::new();
    let mut after = before.clone();
    if let Some(name) = edit.name {
        after.name = complaints.take(DisplayName::parse("name", &name)).unwrap_or(after.name);
    }
    if let Some(description) = edit.description {
        after.description = parse_description(&mut complaints, description);
    }
    complaints.finish().map_err(Refusal::Invalid)?;
    Ok(after)
}
