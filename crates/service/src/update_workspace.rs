//! Rename a workspace, or choose what bounds its keys: from where they open it, how long they live, how long nodes that are cut
//! off go on deciding about them. Its slug stays: addresses must not break.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::grace::GraceSeconds;
use keyward_core::lifetime::LifetimeDays;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_core::role::RoleName;
use keyward_core::workspace::Workspace;
use keyward_storage::Changed;
use serde_json::{Value, json};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_cidrs;
use crate::ctx::Ctx;
use crate::refusal::Refusal;

const GRACE_SECONDS: &str = "grace_seconds";
const KEY_LIFETIME_DAYS_MAX: &str = "key_lifetime_days_max";

/// What to change. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceEdit {
    /// What people call it.
    pub name: Option<String>,
    /// For how many seconds after its lease a node may go on deciding about the workspace's keys.
    pub grace_seconds: Option<u64>,
    /// The only networks that keys open it from.
    pub allowed_cidrs: Option<Vec<String>>,
    /// How many days a key that is made in it lives at most. `Some(None)`: as long as the profile allows.
    pub key_lifetime_days_max: Option<Option<u64>>,
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
    let Some(after) = apply(ctx, &before, edit)? else {
        tx.commit().await?;
        return Ok((before, role));
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

/// The workspace as it would be, if all that is asked for will do. `None`: nothing is.
fn apply(ctx: &Ctx, before: &Workspace, edit: WorkspaceEdit) -> Result<Option<Workspace>, Refusal> {
    let WorkspaceEdit { name, grace_seconds, allowed_cidrs, key_lifetime_days_max, if_version: _ } = edit;
    if name.is_none() && grace_seconds.is_none() && allowed_cidrs.is_none() && key_lifetime_days_max.is_none()
    {
        return Ok(None);
    }
    let mut complaints = Complaints::new();
    let mut after = Workspace { version: before.version + 1, ..before.clone() };
    if let Some(name) = name {
        after.name = complaints.take(DisplayName::parse("name", &name)).unwrap_or(after.name);
    }
    if let Some(seconds) = grace_seconds {
        let seconds = complaints.take(GraceSeconds::parse(GRACE_SECONDS, seconds));
        after.grace = seconds.map_or(before.grace, |seconds| before.grace.choose(seconds, ctx.now));
    }
    if let Some(cidrs) = allowed_cidrs {
        after.allowed_cidrs = parse_cidrs(&mut complaints, &cidrs);
    }
    if let Some(days) = key_lifetime_days_max {
        let parse = |days| complaints.take(LifetimeDays::parse(KEY_LIFETIME_DAYS_MAX, days));
        after.key_lifetime_max = days.and_then(parse);
    }
    complaints.finish().map_err(Refusal::Invalid)?;
    Ok(Some(after))
}

/// As the audit log tells it: all, whichever was changed.
fn describe(workspace: &Workspace) -> Value {
    json!({
        "name": workspace.name.as_str(),
        GRACE_SECONDS: workspace.grace.seconds.get(),
        "allowed_cidrs": workspace.allowed_cidrs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        KEY_LIFETIME_DAYS_MAX: workspace.key_lifetime_max.map(LifetimeDays::get),
    })
}
