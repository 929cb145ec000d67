//! `PATCH …/keys/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use axum::response::{IntoResponse as _, Response};
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::update_key::{KeyEdit, update_key};
use keyward_wire::key::{Key, UpdateKey};

use super::{new_rules, shape};
use crate::etag::{etag, if_match};
use crate::extract::{Asking, At, Body};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Edit a key of a workspace: by those who manage its settings, and by its owner.
#[utoipa::path(patch, path = "/api/v1/{slug}/keys/{id}", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateKey,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Key, description = "The key", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_workspace_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
    Body(input): Body<UpdateKey>,
) -> Result<Response, Failure> {
    update(&api, &ctx, Whose::Workspace(&slug), &id, &headers, input).await
}

/// Edit a personal key.
#[utoipa::path(patch, path = "/api/v1/me/keys/{id}", tag = "keys", security(("session" = [])),
    request_body = UpdateKey,
    params(("id" = String, Path, description = "The key"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Key, description = "The key", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_personal_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
    headers: HeaderMap,
    Body(input): Body<UpdateKey>,
) -> Result<Response, Failure> {
    update(&api, &ctx, Whose::Personal, &id, &headers, input).await
}

async fn update(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    headers: &HeaderMap,
    input: UpdateKey,
) -> Result<Response, Failure> {
    let edit = KeyEdit {
        name: input.name,
        description: input.description,
        owner: input.owner,
        service_account: input.service_account,
        scopes: input.scopes,
        rules: input.rules.map(new_rules),
        allowed_cidrs: input.allowed_cidrs,
        requests_per_minute: input.requests_per_minute,
        metadata: input.metadata,
        if_version: if_match(headers)?,
    };
    let row = update_key(&api.service, ctx, whose, id, edit).await?;
    Ok(([(ETAG, etag(row.key.version))], Json(shape(&row, ctx.now))).into_response())
}
