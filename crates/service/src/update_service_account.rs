//! Rename, describe, disable or enable a service account that stands alone. Its keys follow at once.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::key::ServiceAccount;
use keyward_core::permission;
use keyward_core::person::DisplayName;
use keyward_storage::{Changed, ServiceAccountRow};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_description;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::service_account::{describe, find_shared, name_taken};

/// What to change of a service account. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ServiceAccountEdit {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for. `Some(None)`: nothing is said any more.
    pub description: Option<Option<String>>,
    /// Whether it, and each key that acts as it, may do nothing.
    pub disabled: Option<bool>,
    /// The only version that may be changed.
    pub if_version: Option<u64>,
}

/// Edits one.
pub async fn update_service_account(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    edit: ServiceAccountEdit,
) -> Result<ServiceAccountRow, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let before = find_shared(tx.as_mut(), id).await?;
    if edit.if_version.is_some_and(|version| version != before.version) {
        return Err(Refusal::PreconditionFailed);
    }
    let mut after = apply(ctx, &before, edit)?;
    if after == before {
        tx.commit().await?;
        return Ok(before);
    }
    after.version += 1;
    tx.update_service_account(&after).await.map_err(name_taken)?;
    // One change for all keys that act as it; what it is for is known here only.
    if after.account != before.account {
        tx.record_change(Changed::ServiceAccount(after.account.id)).await?;
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::ServiceAccountUpdated,
        target: after.account.id.to_string(),
        before: Some(describe(&before)),
        after: Some(describe(&after)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(after)
}

fn apply(
    ctx: &Ctx,
    before: &ServiceAccountRow,
    edit: ServiceAccountEdit,
) -> Result<ServiceAccountRow, Refusal> {
    let mut complaints = Complaints::new();
    let mut after = before.clone();
    if let Some(name) = edit.name {
        let name = complaints.take(DisplayName::parse("name", &name));
        after.account.name = name.map_or(after.account.name, |name| name.as_str().into());
    }
    if let Some(description) = edit.description {
        after.description = parse_description(&mut complaints, description);
    }
    if let Some(disabled) = edit.disabled.filter(|disabled| *disabled != before.account.disabled) {
        after.account = ServiceAccount { disabled, ..after.account };
        after.disabled_at = disabled.then_some(ctx.now);
    }
    complaints.finish().map_err(Refusal::Invalid)?;
    Ok(after)
}
