//! Send a test to a webhook, whatever that subscribes to.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::event::EventKind;
use keyward_core::permission;
use keyward_storage::{Delivery, Tx};
use serde_json::{Map, json};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::event::{self, Event};
use crate::refusal::Refusal;
use crate::webhook;

/// Sends a test. It is on its way when this returns; what becomes of it is in the webhook's deliveries.
pub async fn test_webhook(service: &Service, ctx: &Ctx, slug: &str, id: &str) -> Result<Delivery, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let found = webhook::find(tx.as_mut(), id).await?;
    webhook::check_enabled(&found)?;
    let event = Event {
        workspace: access.workspace.id,
        kind: EventKind::WebhookTest,
        at: ctx.now,
        subject: found.id.to_string(),
        actor: Some(ctx.principal()?),
        request: Some(ctx.request.id),
        before: None,
        after: Some(json!({ "message": "This is a test; nothing has happened." })),
        details: Map::new(),
    };
    let delivery = event::emit_to(tx.as_mut(), found.id, &event).await?.ok_or_else(too_many)?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::WebhookTested,
        target: found.id.to_string(),
        before: None,
        after: Some(json!({ "delivery": delivery.to_string() })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let delivery = reload(tx.as_mut(), delivery).await?;
    tx.commit().await?;
    Ok(delivery)
}

pub(crate) fn too_many() -> Refusal {
    let message = "too many events wait for the webhook already; see why it does not take them";
    Refusal::Conflict(message.to_owned())
}

/// A delivery as this transaction left it.
pub(crate) async fn reload(tx: &mut dyn Tx, id: keyward_core::id::DeliveryId) -> Result<Delivery, Refusal> {
    let found = tx.delivery(id).await?.map(|(delivery, _)| delivery);
    found.ok_or_else(|| Refusal::Internal("a delivery that was just kept is not there".to_owned()))
}
