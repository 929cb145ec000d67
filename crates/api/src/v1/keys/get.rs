//! `GET /api/v1/{slug}/keys/{id}` and `GET /api/v1/me/keys/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use keyward_service::list::KeyRow;
use keyward_wire::key::Key;

use super::shape;
use crate::etag::etag;
use crate::extract::{Asking, At};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// One key of a workspace, never its secret.
#[utoipa::path(get, path = "/api/v1/{slug}/keys/{id}", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key")),
    responses((status = 200, body = Key, description = "The key", headers(("ETag" = String, description = "Its version"))),
              ReadProblems))]
pub(crate) async fn get_workspace_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    let row = keyward_service::get_key::get_workspace_key(&api.service, &ctx, &slug, &id).await?;
    Ok(answer(&row, ctx.now))
}

/// One personal key, never its secret.
#[utoipa::path(get, path = "/api/v1/me/keys/{id}", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, body = Key, description = "The key", headers(("ETag" = String, description = "Its version"))),
              ReadProblems))]
pub(crate) async fn get_personal_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<Response, Failure> {
    let row = keyward_service::get_key::get_personal_key(&api.service, &ctx, &id).await?;
    Ok(answer(&row, ctx.now))
}

fn answer(row: &KeyRow, now: Timestamp) -> Response {
    ([(ETAG, etag(row.key.version))], Json(shape(row, now))).into_response()
}
