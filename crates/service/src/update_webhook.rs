//! Edit a webhook: its address, its description, what it is told of, and whether it gets anything.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::permission;
use keyward_core::webhook::Disabled;
use keyward_storage::Webhook;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::parse_description;
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::webhook;

/// What to change of a webhook. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookEdit {
    /// Where events are sent.
    pub url: Option<String>,
    /// What it is for. `Some(None)`: nothing is said any more.
    pub description: Option<Option<String>>,
    /// Of what kinds. `Some(None)`: of all.
    pub events: Option<Option<Vec<String>>>,
    /// Whether it gets nothing. One that is enabled again gets what waits for it.
    pub disabled: Option<bool>,
    /// The only version that may be changed.
    pub if_version: Option<u64>,
}

/// Edits a webhook.
pub async fn update_webhook(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    edit: WebhookEdit,
) -> Result<Webhook, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let before = webhook::find(tx.as_mut(), id).await?;
    if edit.if_version.is_some_and(|version| version != before.version) {
        return Err(Refusal::PreconditionFailed);
    }
    let mut after = apply(service, ctx, &before, edit)?;
    if after == before {
        tx.commit().await?;
        return Ok(before);
    }
    after.version += 1;
    tx.update_webhook(&after, ctx.now).await?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::WebhookUpdated,
        target: after.id.to_string(),
        before: Some(webhook::describe(&before)),
        after: Some(webhook::describe(&after)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    // As it is now: one that was enabled is failing no more.
    let after = webhook::find(tx.as_mut(), id).await?;
    tx.commit().await?;
    Ok(after)
}

fn apply(service: &Service, ctx: &Ctx, before: &Webhook, edit: WebhookEdit) -> Result<Webhook, Refusal> {
    let mut complaints = Complaints::new();
    let mut after = before.clone();
    if let Some(url) = edit.url {
        after.url = webhook::parse_url(&mut complaints, &service.reach, &url).unwrap_or(after.url);
    }
    if let Some(description) = edit.description {
        after.description = parse_description(&mut complaints, description);
    }
    if let Some(events) = edit.events {
        after.kinds = events.map(|names| webhook::parse_kinds(&mut complaints, &names));
    }
    complaints.finish().map_err(Refusal::Invalid)?;
    after.disabled = match edit.disabled {
        None => before.disabled,
        Some(false) => None,
        Some(true) => before.disabled.or(Some((ctx.now, Disabled::Asked))),
    };
    Ok(after)
}
