//! `POST /api/v1/{slug}/keys` and `POST /api/v1/me/keys`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use keyward_service::create_key::{Created, NewKey};
use keyward_wire::key::{CreateKey, CreatedKey, Shown};

use super::{new_rules, shape};
use crate::etag::etag;
use crate::extract::{Asking, At, Body};
use crate::idempotency::Secrets;
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Create a key of a workspace. `secret` is shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/{slug}/keys", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = CreateKey,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = CreatedKey<'static>, description = "Created",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_workspace_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<CreateKey>,
) -> Result<Response, Failure> {
    let created =
        keyward_service::create_key::create_workspace_key(&api.service, &ctx, &slug, new_key(input)).await?;
    Ok(answer(&created, &format!("/api/v1/{slug}/keys"), ctx.now))
}

/// Create a personal key. `secret` is shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/me/keys", tag = "keys", security(("session" = [])), request_body = CreateKey,
    responses((status = 201, body = CreatedKey<'static>, description = "Created",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_personal_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Body(input): Body<CreateKey>,
) -> Result<Response, Failure> {
    let created =
        keyward_service::create_key::create_personal_key(&api.service, &ctx, new_key(input)).await?;
    Ok(answer(&created, "/api/v1/me/keys", ctx.now))
}

pub(super) fn new_key(input: CreateKey) -> NewKey {
    NewKey {
        name: input.name,
        description: input.description,
        scopes: input.scopes.unwrap_or_default(),
        rules: new_rules(input.rules.unwrap_or_default()),
        expires_at: input.expires_at,
        expires_in_seconds: input.expires_in_seconds,
        allowed_cidrs: input.allowed_cidrs.unwrap_or_default(),
        requests_per_minute: input.requests_per_minute,
        metadata: input.metadata.unwrap_or_default(),
        workspaces: input.workspaces,
        service_account: input.service_account,
        vault: input.vault_id,
    }
}

fn answer(created: &Created, home: &str, now: Timestamp) -> Response {
    let mut response = show_once(StatusCode::CREATED, created, now);
    let location = HeaderValue::try_from(format!("{home}/{}", created.row.key.id));
    response.headers_mut().extend(location.ok().map(|value| (LOCATION, value)));
    response
}

/// The one answer that holds a secret.
pub(super) fn show_once(status: StatusCode, created: &Created, now: Timestamp) -> Response {
    let row = &created.row;
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (ETAG, etag(row.key.version))];
    let shape = CreatedKey {
        key: shape(row, now),
        secret: Shown::once(&created.secret),
        vault_secret_id: created.stored.map(|id| id.to_string()),
    };
    (status, headers, Extension(Secrets(CreatedKey::SECRETS)), Json(shape)).into_response()
}
