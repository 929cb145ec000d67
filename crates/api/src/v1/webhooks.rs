//! `/api/v1/{slug}/webhooks`: addresses that are told of a workspace's events.

pub(crate) mod deliveries;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use keyward_service::create_webhook::NewWebhook;
use keyward_service::list::{Position, SortValue, Webhook as Row};
use keyward_service::update_webhook::WebhookEdit;
use keyward_service::webhook::WithSecret;
use keyward_wire::page::Page;
use keyward_wire::webhook::{CreateWebhook, CreatedWebhook, RotateWebhookSecret, UpdateWebhook, Webhook};

use crate::etag::{etag, if_match};
use crate::extract::{Asking, At, Body, MaybeBody, Query};
use crate::idempotency::Secrets;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// The webhooks of a workspace, the oldest first.
#[utoipa::path(get, path = "/api/v1/{slug}/webhooks", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<Webhook>, description = "Webhooks"), ReadProblems))]
pub(crate) async fn list_webhooks(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(mut query): Query,
) -> Result<Json<Page<Webhook>>, Failure> {
    let part = query.take_page(&["webhooks", &slug])?;
    query.finish()?;
    let list = keyward_service::list_webhooks::list_webhooks;
    let rows = list(&api.service, &ctx, &slug, &part.page).await?;
    let position = |row: &Row| Position { value: SortValue::Number(0), id: row.id.to_bytes() };
    let now = ctx.now;
    Ok(Json(part.cut(rows, position, |row| shape(row, now))))
}

/// One webhook.
#[utoipa::path(get, path = "/api/v1/{slug}/webhooks/{id}", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook")),
    responses((status = 200, body = Webhook, description = "The webhook", headers(("ETag" = String, description = "Its version"))), ReadProblems))]
pub(crate) async fn get_webhook(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    let row = keyward_service::list_webhooks::get_webhook(&api.service, &ctx, &slug, &id).await?;
    Ok(answer(&row, ctx.now))
}

/// Make a webhook. The answer holds the secret that its deliveries are signed with, this once.
#[utoipa::path(post, path = "/api/v1/{slug}/webhooks", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = CreateWebhook, params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = CreatedWebhook<'static>, description = "Made",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_webhook(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<CreateWebhook>,
) -> Result<Response, Failure> {
    let input = NewWebhook { url: input.url, description: input.description, events: input.events };
    let made = keyward_service::create_webhook::create_webhook(&api.service, &ctx, &slug, input).await?;
    let location = HeaderValue::try_from(format!("/api/v1/{slug}/webhooks/{}", made.webhook.id));
    let mut response = show_once(StatusCode::CREATED, &made, ctx.now);
    response.headers_mut().extend(location.ok().map(|value| (LOCATION, value)));
    Ok(response)
}

/// Edit a webhook, disable or enable it.
#[utoipa::path(patch, path = "/api/v1/{slug}/webhooks/{id}", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateWebhook,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Webhook, description = "The webhook", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_webhook(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
    Body(input): Body<UpdateWebhook>,
) -> Result<Response, Failure> {
    let edit = WebhookEdit {
        url: input.url,
        description: input.description,
        events: input.events,
        disabled: input.disabled,
        if_version: if_match(&headers)?,
    };
    let row = keyward_service::update_webhook::update_webhook(&api.service, &ctx, &slug, &id, edit).await?;
    Ok(answer(&row, ctx.now))
}

/// Delete a webhook, with its secret and its deliveries. What waits for it is not sent.
#[utoipa::path(delete, path = "/api/v1/{slug}/webhooks/{id}", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be deleted")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub(crate) async fn delete_webhook(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let version = if_match(&headers)?;
    keyward_service::delete_webhook::delete_webhook(&api.service, &ctx, &slug, &id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook a new secret, shown in this answer and never again. For a while deliveries carry a signature by each.
#[utoipa::path(post, path = "/api/v1/{slug}/webhooks/{id}/rotate-secret", tag = "webhooks", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body(content = Option<RotateWebhookSecret>),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The webhook")),
    responses((status = 200, body = CreatedWebhook<'static>, description = "Rotated", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn rotate_webhook_secret(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    MaybeBody(input): MaybeBody<RotateWebhookSecret>,
) -> Result<Response, Failure> {
    let overlap = input.unwrap_or_default().overlap_seconds;
    let rotate = keyward_service::rotate_webhook_secret::rotate_webhook_secret;
    let rotated = rotate(&api.service, &ctx, &slug, &id, overlap).await?;
    Ok(show_once(StatusCode::OK, &rotated, ctx.now))
}

fn show_once(status: StatusCode, with: &WithSecret, now: jiff::Timestamp) -> Response {
    let body = CreatedWebhook { webhook: shape(&with.webhook, now), secret: &with.secret };
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (ETAG, etag(with.webhook.version))];
    (status, headers, Extension(Secrets(CreatedWebhook::SECRETS)), Json(body)).into_response()
}

fn answer(row: &Row, now: jiff::Timestamp) -> Response {
    ([(ETAG, etag(row.version))], Json(shape(row, now))).into_response()
}

fn shape(row: &Row, now: jiff::Timestamp) -> Webhook {
    let status = match (row.disabled, row.health.failing_since) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "failing",
        (None, None) => "active",
    };
    Webhook {
        id: row.id.to_string(),
        url: row.url.to_string(),
        description: row.description.as_deref().map(str::to_owned),
        events: row.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str().to_owned()).collect()),
        status: status.to_owned(),
        disabled_reason: row.disabled.map(|(_, why)| why.as_str().to_owned()),
        disabled_at: row.disabled.map(|(at, _)| at),
        failing_since: row.health.failing_since,
        last_success_at: row.health.succeeded_at,
        waiting: row.health.waiting,
        dropped: row.health.dropped,
        old_secret_ends_at: row.old_secret.as_ref().map(|old| old.ends_at).filter(|ends_at| *ends_at > now),
        created_at: row.created_at,
    }
}
