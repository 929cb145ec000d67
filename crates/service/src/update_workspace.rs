//! Rename a workspace, or choose how long nodes that are cut off go on deciding about its keys. Its slug stays: addresses
//! must not break.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::grace::GraceSeconds;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_core::role::RoleName;
use keyward_core::workspace::Workspace;
use keyward_storage::Changed;
use serde_json::{Value, json};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;

const GRACE_SECONDS: &str = "grace_seconds";

/// What to change. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceEdit {
    /// What people call it.
    pub name: Option<String>,
    /// For how many seconds after its lease a node may go on deciding about the workspace's keys.
    pub grace_seconds: Option<u64>,
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
    let name = edit.name.as_deref().map(|name| DisplayName::parse("name", name)).transpose()?;
    let grace = edit.grace_seconds.map(|seconds| GraceSeconds::parse(GRACE_SECONDS, seconds)).transpose()?;
    if name.is_none() && grace.is_none() {
        tx.commit().await?;
        return Ok((before, role));
    }
    let after = Workspace {
        name: name.unwrap_or_else(|| before.name.clone()),
        grace: grace.map_or(before.grace, |seconds| before.grace.choose(seconds, ctx.now)),
        version: before.version + 1,
        ..before.clone()
    };
    tx.update_workspace(&after).await?;
    tx.record_change(Changed::Workspace(after.id)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(after.id),
        action: AuditAction::WorkspaceUpdated,
        target: after.id.to_string(),
        before: Some(describe(&before)),
        after: Some(describe(&after)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok((after, role))
}

/// As the audit log tells it: both, whichever was changed.
fn describe(workspace: &Workspace) -> Value {
    json!({ "name": workspace.name.as_str(), GRACE_SECONDS: workspace.grace.seconds.get() })
}
