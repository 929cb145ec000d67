//! Send an event to a webhook again: the same event under the same identifier, as a delivery of its own.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::id::DeliveryId;
use keyward_core::permission;
use keyward_core::webhook::DeliveryStatus;
use keyward_storage::{Delivery, NewDelivery};
use serde_json::json;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::event::WAITING_MAX;
use crate::refusal::Refusal;
use crate::test_webhook::{reload, too_many};
use crate::webhook;

/// Sends what a delivery sent again. It comes after what waits of its subject.
pub async fn resend_delivery(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    delivery: &str,
) -> Result<Delivery, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let found = webhook::find(tx.as_mut(), id).await?;
    let (earlier, payload) = webhook::find_delivery(tx.as_mut(), &found, delivery).await?;
    webhook::check_enabled(&found)?;
    if earlier.status == DeliveryStatus::Waiting {
        let message = "the delivery waits to be sent already; it is tried again by itself";
        return Err(Refusal::Conflict(message.to_owned()));
    }
    let (ms, random) = ctx.id_parts()?;
    let again = NewDelivery {
        id: DeliveryId::new(ms, random),
        webhook: found.id,
        workspace: access.workspace.id,
        event: earlier.event,
        kind: earlier.kind,
        subject: earlier.subject,
        payload,
        at: ctx.now,
    };
    if !tx.append_delivery(&again, WAITING_MAX).await? {
        return Err(too_many());
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::WebhookResent,
        target: found.id.to_string(),
        before: Some(json!({ "delivery": earlier.id.to_string() })),
        after: Some(json!({ "delivery": again.id.to_string() })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let again = reload(tx.as_mut(), again.id).await?;
    tx.commit().await?;
    Ok(again)
}
