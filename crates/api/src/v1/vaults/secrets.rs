//! `/api/v1/{slug}/vaults/{id}/secrets`: what is in a vault.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use keyward_service::list::{Position, SortValue, VaultSecret as Row};
use keyward_service::store_vault_secret::NewSecret;
use keyward_service::vault::{status_of_key, which_of_key};
use keyward_wire::page::Page;
use keyward_wire::vault::{KeyOfSecret, RevealedSecret, StoreVaultSecret, VaultSecret};

use crate::extract::{Asking, At, Body, Query};
use crate::idempotency::Secrets;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// What is in a vault, the oldest first: all but the secrets themselves.
#[utoipa::path(get, path = "/api/v1/{slug}/vaults/{id}/secrets", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<VaultSecret>, description = "What is in the vault"), ReadProblems))]
pub(crate) async fn list_vault_secrets(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    Query(mut query): Query,
) -> Result<Json<Page<VaultSecret>>, Failure> {
    let part = query.take_page(&["vault_secrets", &slug, &id])?;
    query.finish()?;
    let list = keyward_service::list_vaults::list_vault_secrets;
    let rows = list(&api.service, &ctx, &slug, &id, &part.page).await?;
    let position = |row: &Row| Position { value: SortValue::Number(0), id: row.id.to_bytes() };
    Ok(Json(part.cut(rows, position, |row| shape(row, ctx.now))))
}

/// Put a secret into a vault. It is sealed there, and shown to nobody but by `reveal`. The secret of a key of the
/// workspace, such as one that was just created, is known as the key's from then on.
#[utoipa::path(post, path = "/api/v1/{slug}/vaults/{id}/secrets", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = StoreVaultSecret,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault")),
    responses((status = 201, body = VaultSecret, description = "Stored", headers(("Location" = String, description = "Its address"))),
              WriteProblems))]
pub(crate) async fn store_vault_secret(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    Body(input): Body<StoreVaultSecret>,
) -> Result<Response, Failure> {
    let input = NewSecret { name: input.name, secret: input.secret.into() };
    let store = keyward_service::store_vault_secret::store_vault_secret;
    let row = store(&api.service, &ctx, &slug, &id, input).await?;
    let location = HeaderValue::try_from(format!("/api/v1/{slug}/vaults/{}/secrets/{}", row.vault, row.id));
    let mut response = (StatusCode::CREATED, Json(shape(&row, ctx.now))).into_response();
    response.headers_mut().extend(location.ok().map(|value| (LOCATION, value)));
    Ok(response)
}

/// What is said of one secret of a vault.
#[utoipa::path(get, path = "/api/v1/{slug}/vaults/{id}/secrets/{sid}", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault"),
           ("sid" = String, Path, description = "The secret")),
    responses((status = 200, body = VaultSecret, description = "The secret, but for itself"), ReadProblems))]
pub(crate) async fn get_vault_secret(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id, sid)): At<(String, String, String)>,
) -> Result<Json<VaultSecret>, Failure> {
    let get = keyward_service::list_vaults::get_vault_secret;
    let row = get(&api.service, &ctx, &slug, &id, &sid).await?;
    Ok(Json(shape(&row, ctx.now)))
}

/// Show a secret of a vault to a person, never to a key. Each time is in the audit log.
#[utoipa::path(post, path = "/api/v1/{slug}/vaults/{id}/secrets/{sid}/reveal", tag = "vaults", security(("session" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault"),
           ("sid" = String, Path, description = "The secret")),
    responses((status = 200, body = RevealedSecret<'static>, description = "The secret"), WriteProblems))]
pub(crate) async fn reveal_vault_secret(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id, sid)): At<(String, String, String)>,
) -> Result<Response, Failure> {
    let reveal = keyward_service::reveal_vault_secret::reveal_vault_secret;
    let revealed = reveal(&api.service, &ctx, &slug, &id, &sid).await?;
    let body = RevealedSecret { about: shape(&revealed.secret, ctx.now), secret: &revealed.text };
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, Extension(Secrets(RevealedSecret::SECRETS)), Json(body)).into_response())
}

/// Delete a secret of a vault. A key that it opens goes on working.
#[utoipa::path(delete, path = "/api/v1/{slug}/vaults/{id}/secrets/{sid}", tag = "vaults", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The vault"),
           ("sid" = String, Path, description = "The secret")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub(crate) async fn delete_vault_secret(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id, sid)): At<(String, String, String)>,
) -> Result<StatusCode, Failure> {
    let delete = keyward_service::delete_vault_secret::delete_vault_secret;
    delete(&api.service, &ctx, &slug, &id, &sid).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shape(row: &Row, now: Timestamp) -> VaultSecret {
    let key = row.of_key.as_ref().map(|key| {
        let (id, name) = (key.id.to_string(), key.name.to_string());
        KeyOfSecret::new(id, name, status_of_key(key, now), which_of_key(key, now))
    });
    VaultSecret {
        id: row.id.to_string(),
        vault_id: row.vault.to_string(),
        name: row.name.to_string(),
        key,
        created_at: row.created_at,
        created_by: (&row.created_by).into(),
    }
}
