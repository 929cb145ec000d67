//! `/api/v1/{slug}/webhooks/{id}/deliveries`: what was sent to a webhook, and what came of it; tests and re-sending.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keyward_core::event::EventKind;
use keyward_core::field::FieldCode;
use keyward_core::webhook::DeliveryStatus;
use keyward_service::deliver::Attempt;
use keyward_service::list::{Delivery, DeliveryFilter, Position, SortValue};
use keyward_wire::page::Page;
use keyward_wire::webhook::{DeliveryAttempt, DetailedDelivery, WebhookDelivery};

use crate::extract::{Asking, At, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::page::Parameters;
use crate::problem::Failure;
use crate::state::Api;

/// Longest target that is looked for: identifiers have 30 characters.
const TARGET_LEN_MAX: usize = 64;

/// What was sent to a webhook or waits for it, the newest first. Deliveries that have ended are kept for 30 days.
#[utoipa::path(get, path = "/api/v1/{slug}/webhooks/{id}/deliveries", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook"),
           ("status" = Option<String>, Query, description = "`waiting`, `delivered` or `failed`", example = "failed"),
           ("type" = Option<String>, Query, description = "Only events of that kind", example = "key.created"),
           ("target" = Option<String>, Query, description = "Only events about that: an identifier"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<WebhookDelivery>, description = "Deliveries"), ReadProblems))]
pub(crate) async fn list_deliveries(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    Query(mut query): Query,
) -> Result<Json<Page<WebhookDelivery>>, Failure> {
    let part = query.take_page(&["deliveries", &slug, &id])?;
    let filter = parse_filter(&mut query)?;
    query.finish()?;
    let list = keyward_service::list_webhooks::list_deliveries;
    let rows = list(&api.service, &ctx, &slug, &id, &filter, &part.page).await?;
    let position = |row: &Delivery| {
        let number = i64::try_from(row.number).unwrap_or(i64::MAX);
        Position { value: SortValue::Number(number), id: row.id.to_bytes() }
    };
    Ok(Json(part.cut(rows, position, shape)))
}

/// One delivery, and what it sends.
#[utoipa::path(get, path = "/api/v1/{slug}/webhooks/{id}/deliveries/{delivery_id}", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook"),
           ("delivery_id" = String, Path, description = "The delivery")),
    responses((status = 200, body = DetailedDelivery, description = "The delivery"), ReadProblems))]
pub(crate) async fn get_delivery(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id, delivery)): At<(String, String, String)>,
) -> Result<Json<DetailedDelivery>, Failure> {
    let get = keyward_service::list_webhooks::get_delivery;
    let (row, payload) = get(&api.service, &ctx, &slug, &id, &delivery).await?;
    // What was kept is JSON; a text that is none any more is shown as it is.
    let payload = serde_json::from_str(&payload).unwrap_or_else(|_| (*payload).into());
    Ok(Json(DetailedDelivery { delivery: shape(&row), payload }))
}

/// Send an event to the webhook again, under the same `webhook-id`, as a delivery of its own.
#[utoipa::path(post, path = "/api/v1/{slug}/webhooks/{id}/deliveries/{delivery_id}/resend", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook"),
           ("delivery_id" = String, Path, description = "The delivery")),
    responses((status = 202, body = WebhookDelivery, description = "The new delivery, on its way"), WriteProblems))]
pub(crate) async fn resend_delivery(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id, delivery)): At<(String, String, String)>,
) -> Result<(StatusCode, Json<WebhookDelivery>), Failure> {
    let resend = keyward_service::resend_delivery::resend_delivery;
    let row = resend(&api.service, &ctx, &slug, &id, &delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(shape(&row))))
}

/// Send a test to a webhook, an event of the kind `webhook.test`, whatever it subscribes to.
#[utoipa::path(post, path = "/api/v1/{slug}/webhooks/{id}/test", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook")),
    responses((status = 202, body = WebhookDelivery, description = "The delivery, on its way"), WriteProblems))]
pub(crate) async fn test_webhook(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<(StatusCode, Json<WebhookDelivery>), Failure> {
    let row = keyward_service::test_webhook::test_webhook(&api.service, &ctx, &slug, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(shape(&row))))
}

fn parse_filter(query: &mut Parameters) -> Result<DeliveryFilter, Failure> {
    let bad = |name: &str, message: &str| Failure::field(name, FieldCode::Invalid, message);
    let status = query.take("status").map(|text| {
        DeliveryStatus::parse(&text).ok_or_else(|| bad("status", "give waiting, delivered or failed"))
    });
    let kind = query.take("type").map(|text| {
        EventKind::parse(&text).ok_or_else(|| bad("type", "give a kind of event such as key.created"))
    });
    let subject = query.take("target").map(|text| {
        let fits = !text.is_empty() && text.len() <= TARGET_LEN_MAX && !text.contains('\0');
        fits.then_some(text).ok_or_else(|| bad("target", "give an identifier as deliveries have it"))
    });
    Ok(DeliveryFilter { status: status.transpose()?, kind: kind.transpose()?, subject: subject.transpose()? })
}

fn shape(row: &Delivery) -> WebhookDelivery {
    WebhookDelivery {
        id: row.id.to_string(),
        webhook_id: row.webhook.to_string(),
        event_id: row.event.to_string(),
        kind: row.kind.as_str().to_owned(),
        target: row.subject.to_string(),
        status: row.status.as_str().to_owned(),
        created_at: row.created_at,
        next_attempt_at: row.due_at,
        ended_at: row.ended_at,
        attempts: row.log.iter().map(attempt).collect(),
    }
}

fn attempt(attempt: &Attempt) -> DeliveryAttempt {
    DeliveryAttempt {
        at: attempt.at,
        duration_ms: attempt.duration_ms,
        status: attempt.status,
        error: attempt.error.as_deref().map(str::to_owned),
        response: attempt.response.as_deref().map(str::to_owned),
    }
}
