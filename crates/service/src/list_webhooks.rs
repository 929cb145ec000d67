//! Look at the webhooks of a workspace, and at what was sent to them.

use keyward_core::permission;
use keyward_storage::{Delivery, DeliveryFilter, Page, Webhook};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::webhook;

/// Webhooks, the oldest first.
pub async fn list_webhooks(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    page: &Page,
) -> Result<Vec<Webhook>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    Ok(tx.webhooks(access.workspace.id, page).await?)
}

/// One webhook.
pub async fn get_webhook(service: &Service, ctx: &Ctx, slug: &str, id: &str) -> Result<Webhook, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    webhook::find(tx.as_mut(), id).await
}

/// Deliveries of a webhook, the newest first.
pub async fn list_deliveries(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    filter: &DeliveryFilter,
    page: &Page,
) -> Result<Vec<Delivery>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let webhook = webhook::find(tx.as_mut(), id).await?;
    Ok(tx.deliveries(webhook.id, filter, page).await?)
}

/// One delivery of a webhook, and what it sends.
pub async fn get_delivery(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    delivery: &str,
) -> Result<(Delivery, Box<str>), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let webhook = webhook::find(tx.as_mut(), id).await?;
    webhook::find_delivery(tx.as_mut(), &webhook, delivery).await
}
