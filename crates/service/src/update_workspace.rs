//! Rename a workspace. Its slug stays: addresses must not break.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_core::role::RoleName;
use keyward_core::workspace::Workspace;
use keyward_storage::Changed;
use serde_json::json;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// What to change. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceEdit {
    /// What people call it.
    pub name: Option<String>,
    /// The only version that may be changed.
    pub if_version: Option<u64>,
}

/// Changes a workspace.
pub async fn update_workspace(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    edit: WorkspaceEdit,
) -> Result<(Workspace, Option<RoleName>), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let role = access.role_name().cloned();
    let before = access.workspace;
    if edit.if_version.is_some_and(|version| version != before.version) {
        return Err(Refusal::PreconditionFailed);
    }
    let Some(name) = edit.name else {
        tx.commit().await?;
        return Ok((before, role));
    };
    let name = DisplayName::parse("name", &name)?;
    let after = Workspace { name, version: before.version + 1, ..before.clone() };
    tx.update_workspace(&after).await?;
    tx.record_change(Changed::Workspace(after.id)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(after.id),
        action: AuditAction::WorkspaceUpdated,
        target: after.id.to_string(),
        before: Some(json!({ "name": before.name.as_str() })),
        after: Some(json!({ "name": after.name.as_str() })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok((after, role))
}
