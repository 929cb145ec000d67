//! `/api/v1/{slug}/service-accounts`: what workspace keys act as.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keyward_core::field::FieldCode;
use keyward_service::list::{Position, ServiceAccountRow as Row, SortValue};
use keyward_service::update_service_account::ServiceAccountEdit;
use keyward_wire::page::Page;
use keyward_wire::service_account::{CreateServiceAccount, ServiceAccount, UpdateServiceAccount};

use crate::etag::{etag, if_match};
use crate::extract::{Asking, At, Body, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// The service accounts of a workspace, the oldest first: those that stand alone, and those of keys.
#[utoipa::path(get, path = "/api/v1/{slug}/service-accounts", tag = "service accounts", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("shared" = Option<bool>, Query, description = "`true`: only those that stand alone; `false`: only those of keys"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<ServiceAccount>, description = "Service accounts"), ReadProblems))]
pub(crate) async fn list_service_accounts(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(mut query): Query,
) -> Result<Json<Page<ServiceAccount>>, Failure> {
    let part = query.take_page(&["service-accounts", &slug])?;
    let shared = match query.take("shared").as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Failure::field("shared", FieldCode::Invalid, "give true or false")),
    };
    query.finish()?;
    let list = keyward_service::list_service_accounts::list_service_accounts;
    let rows = list(&api.service, &ctx, &slug, shared, &part.page).await?;
    let position = |row: &Row| Position { value: SortValue::Number(0), id: row.account.id.to_bytes() };
    Ok(Json(part.cut(rows, position, shape)))
}

/// One service account.
#[utoipa::path(get, path = "/api/v1/{slug}/service-accounts/{id}", tag = "service accounts", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The service account")),
    responses((status = 200, body = ServiceAccount, description = "The service account", headers(("ETag" = String, description = "Its version"))),
              ReadProblems))]
pub(crate) async fn get_service_account(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    let get = keyward_service::list_service_accounts::get_service_account;
    Ok(answer(&get(&api.service, &ctx, &slug, &id).await?))
}

/// Make a service account that stands alone, for several keys to act as.
#[utoipa::path(post, path = "/api/v1/{slug}/service-accounts", tag = "service accounts", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = CreateServiceAccount, params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = ServiceAccount, description = "Made",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_service_account(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<CreateServiceAccount>,
) -> Result<Response, Failure> {
    let create = keyward_service::create_service_account::create_service_account;
    let row = create(&api.service, &ctx, &slug, &input.name, input.description).await?;
    let mut response = answer(&row);
    *response.status_mut() = StatusCode::CREATED;
    let location = HeaderValue::try_from(format!("/api/v1/{slug}/service-accounts/{}", row.account.id));
    response.headers_mut().extend(location.ok().map(|value| (LOCATION, value)));
    Ok(response)
}

/// Rename, describe, disable or enable a service account that stands alone. Its keys follow at once.
#[utoipa::path(patch, path = "/api/v1/{slug}/service-accounts/{id}", tag = "service accounts", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateServiceAccount,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The service account"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = ServiceAccount, description = "The service account", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_service_account(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
    Body(input): Body<UpdateServiceAccount>,
) -> Result<Response, Failure> {
    let edit = ServiceAccountEdit {
        name: input.name,
        description: input.description,
        disabled: input.disabled,
        if_version: if_match(&headers)?,
    };
    let update = keyward_service::update_service_account::update_service_account;
    Ok(answer(&update(&api.service, &ctx, &slug, &id, edit).await?))
}

/// Delete a service account that stands alone. Each key that acts as it is revoked with it, for good.
#[utoipa::path(delete, path = "/api/v1/{slug}/service-accounts/{id}", tag = "service accounts", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The service account"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be deleted")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub(crate) async fn delete_service_account(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let version = if_match(&headers)?;
    let delete = keyward_service::delete_service_account::delete_service_account;
    delete(&api.service, &ctx, &slug, &id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(row: &Row) -> Response {
    ([(ETAG, etag(row.version))], Json(shape(row))).into_response()
}

fn shape(row: &Row) -> ServiceAccount {
    let status = if row.account.disabled { "disabled" } else { "active" };
    ServiceAccount {
        id: row.account.id.to_string(),
        name: row.account.name.to_string(),
        description: row.description.as_deref().map(str::to_owned),
        shared: row.account.shared,
        status: status.to_owned(),
        keys: row.keys,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
    }
}
