//! `/api/v1/{slug}/vaults`: places for secrets that people want to be shown again.

pub(crate) mod secrets;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keyward_service::create_vault::NewVault;
use keyward_service::list::{Position, SortValue, Vault as Row};
use keyward_service::update_vault::VaultEdit;
use keyward_wire::page::Page;
use keyward_wire::vault::{CreateVault, UpdateVault, Vault};

use crate::etag::{etag, if_match};
use crate::extract::{Asking, At, Body, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// The vaults of a workspace, the oldest first.
#[utoipa::path(get, path = "/api/v1/{slug}/vaults", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<Vault>, description = "Vaults"), ReadProblems))]
pub(crate) async fn list_vaults(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(mut query): Query,
) -> Result<Json<Page<Vault>>, Failure> {
    let part = query.take_page(&["vaults", &slug])?;
    query.finish()?;
    let rows = keyward_service::list_vaults::list_vaults(&api.service, &ctx, &slug, &part.page).await?;
    let position = |row: &Row| Position { value: SortValue::Number(0), id: row.id.to_bytes() };
    Ok(Json(part.cut(rows, position, shape)))
}

/// One vault.
#[utoipa::path(get, path = "/api/v1/{slug}/vaults/{id}", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault")),
    responses((status = 200, body = Vault, description = "The vault", headers(("ETag" = String, description = "Its version"))), ReadProblems))]
pub(crate) async fn get_vault(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    let row = keyward_service::list_vaults::get_vault(&api.service, &ctx, &slug, &id).await?;
    Ok(answer(&row))
}

/// Make a vault.
#[utoipa::path(post, path = "/api/v1/{slug}/vaults", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = CreateVault, params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = Vault, description = "Made",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_vault(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<CreateVault>,
) -> Result<Response, Failure> {
    let input = NewVault { name: input.name, description: input.description };
    let made = keyward_service::create_vault::create_vault(&api.service, &ctx, &slug, input).await?;
    let location = HeaderValue::try_from(format!("/api/v1/{slug}/vaults/{}", made.id));
    let mut response = (StatusCode::CREATED, answer(&made)).into_response();
    response.headers_mut().extend(location.ok().map(|value| (LOCATION, value)));
    Ok(response)
}

/// Edit a vault: its name and its description.
#[utoipa::path(patch, path = "/api/v1/{slug}/vaults/{id}", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateVault,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Vault, description = "The vault", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_vault(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
    Body(input): Body<UpdateVault>,
) -> Result<Response, Failure> {
    let if_version = if_match(&headers)?;
    let edit = VaultEdit { name: input.name, description: input.description, if_version };
    let row = keyward_service::update_vault::update_vault(&api.service, &ctx, &slug, &id, edit).await?;
    Ok(answer(&row))
}

/// Delete a vault. It must be empty.
#[utoipa::path(delete, path = "/api/v1/{slug}/vaults/{id}", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be deleted")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub(crate) async fn delete_vault(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let version = if_match(&headers)?;
    keyward_service::delete_vault::delete_vault(&api.service, &ctx, &slug, &id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(row: &Row) -> Response {
    ([(ETAG, etag(row.version))], Json(shape(row))).into_response()
}

fn shape(row: &Row) -> Vault {
    Vault {
        id: row.id.to_string(),
        name: row.name.to_string(),
        description: row.description.as_deref().map(str::to_owned),
        secrets: row.secrets,
        created_at: row.created_at,
        created_by: (&row.created_by).into(),
    }
}
