//! Delete a webhook, with its secret and its deliveries.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::webhook;

/// Deletes a webhook, if it still has the version `if_version`, where that is given. What waits for it is not sent.
pub async fn delete_webhook(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    if_version: Option<u64>,
) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let found = webhook::find(tx.as_mut(), id).await?;
    if if_version.is_some_and(|version| version != found.version) {
        return Err(Refusal::PreconditionFailed);
    }
    if !tx.delete_webhook(found.id, ctx.now).await? {
        return Err(Refusal::NotFound(webhook::WEBHOOK));
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::WebhookDeleted,
        target: found.id.to_string(),
        before: Some(webhook::describe(&found)),
        after: None,
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(())
}
