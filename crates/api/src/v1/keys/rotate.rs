//! `POST …/keys/{id}/rotate`, `…/rotate/finish` and `…/rotate/cancel`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse as _, Response};
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::rotate_key::{Ending, end_rotation, rotate_key};
use keyward_wire::key::{CreatedKey, Key, RotateKey};

use super::{create, shape};
use crate::etag::etag;
use crate::extract::{Asking, At, MaybeBody};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Give a key of a workspace a new secret, shown in this answer and never again. The old one goes on working
/// for a while.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/{id}/rotate", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body(content = Option<RotateKey>),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key")),
    responses((status = 200, body = CreatedKey<'static>, description = "Rotated", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn rotate_workspace_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    MaybeBody(input): MaybeBody<RotateKey>,
) -> Result<Response, Failure> {
    rotate(&api, &ctx, Whose::Workspace(&slug), &id, input).await
}

/// Give a personal key a new secret, shown in this answer and never again. The old one goes on working for a
/// while.
#[utoipa::path(post, path = "/api/v1/me/keys/{id}/rotate", tag = "keys", security(("session" = [])),
    request_body(content = Option<RotateKey>),
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, body = CreatedKey<'static>, description = "Rotated", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn rotate_personal_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
    MaybeBody(input): MaybeBody<RotateKey>,
) -> Result<Response, Failure> {
    rotate(&api, &ctx, Whose::Personal, &id, input).await
}

/// End the old secret of a workspace's key now.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/{id}/rotate/finish", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key")),
    responses((status = 200, body = Key, description = "Finished", headers(("ETag" = String, description = "Its version"))), WriteProblems))]
pub(crate) async fn finish_workspace_key_rotation(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    end(&api, &ctx, Whose::Workspace(&slug), &id, Ending::Finish).await
}

/// End the new secret of a workspace's key now; the old one stays.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/{id}/rotate/cancel", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key")),
    responses((status = 200, body = Key, description = "Cancelled", headers(("ETag" = String, description = "Its version"))), WriteProblems))]
pub(crate) async fn cancel_workspace_key_rotation(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    end(&api, &ctx, Whose::Workspace(&slug), &id, Ending::Cancel).await
}

/// End the old secret of a personal key now.
#[utoipa::path(post, path = "/api/v1/me/keys/{id}/rotate/finish", tag = "keys", security(("session" = [])),
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, body = Key, description = "Finished", headers(("ETag" = String, description = "Its version"))), WriteProblems))]
pub(crate) async fn finish_personal_key_rotation(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<Response, Failure> {
    end(&api, &ctx, Whose::Personal, &id, Ending::Finish).await
}

/// End the new secret of a personal key now; the old one stays.
#[utoipa::path(post, path = "/api/v1/me/keys/{id}/rotate/cancel", tag = "keys", security(("session" = [])),
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, body = Key, description = "Cancelled", headers(("ETag" = String, description = "Its version"))), WriteProblems))]
pub(crate) async fn cancel_personal_key_rotation(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<Response, Failure> {
    end(&api, &ctx, Whose::Personal, &id, Ending::Cancel).await
}

async fn rotate(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    input: Option<RotateKey>,
) -> Result<Response, Failure> {
    let overlap = input.unwrap_or_default().overlap_seconds;
    let rotated = rotate_key(&api.service, ctx, whose, id, overlap).await?;
    Ok(create::show_once(StatusCode::OK, &rotated, ctx.now))
}

async fn end(api: &Api, ctx: &Ctx, whose: Whose<'_>, id: &str, ending: Ending) -> Result<Response, Failure> {
    let row = end_rotation(&api.service, ctx, whose, id, ending).await?;
    Ok(([(ETAG, etag(row.key.version))], Json(shape(&row, ctx.now))).into_response())
}
