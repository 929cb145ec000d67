//! `/api/v1/{slug}/roles`: the roles that members can have.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keyward_service::create_role::NewRole;
use keyward_service::list::{Position, SortValue};
use keyward_service::role::Role as Row;
use keyward_service::update_role::RoleEdit;
use keyward_wire::page::Page;
use keyward_wire::role::{CreateRole, Role, UpdateRole};

use super::keys::new_rules;
use crate::etag::{etag, if_match};
use crate::extract::{Asking, At, Body, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// The roles of a workspace: those that every workspace has, then its own by name.
#[utoipa::path(get, path = "/api/v1/{slug}/roles", tag = "roles", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<Role>, description = "Roles"), ReadProblems))]
pub(crate) async fn list_roles(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(mut query): Query,
) -> Result<Json<Page<Role>>, Failure> {
    let part = query.take_page(&["roles", &slug])?;
    query.finish()?;
    let roles = keyward_service::list_roles::list_roles(&api.service, &ctx, &slug).await?;
    // The list is short and whole: a cursor names the last role that was shown.
    let shown = part.page.after.as_ref().map(|after| after.id);
    let rest = roles.iter().position(|role| Some(role.id.to_bytes()) == shown).map_or(0, |at| at + 1);
    let rows: Vec<Row> = roles.into_iter().skip(rest).collect();
    let position = |row: &Row| Position { value: SortValue::Number(0), id: row.id.to_bytes() };
    Ok(Json(part.cut(rows, position, shape)))
}

/// One role.
#[utoipa::path(get, path = "/api/v1/{slug}/roles/{id}", tag = "roles", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The role")),
    responses((status = 200, body = Role, description = "The role", headers(("ETag" = String, description = "Its version"))),
              ReadProblems))]
pub(crate) async fn get_role(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<Response, Failure> {
    let role = keyward_service::list_roles::get_role(&api.service, &ctx, &slug, &id).await?;
    Ok(answer(&role))
}

/// Make a role, of scopes and rules as keys have them. Nobody makes one that holds more than they do.
#[utoipa::path(post, path = "/api/v1/{slug}/roles", tag = "roles", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = CreateRole, params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = Role, description = "Made",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_role(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<CreateRole>,
) -> Result<Response, Failure> {
    let input = NewRole {
        name: input.name,
        description: input.description,
        scopes: input.scopes.unwrap_or_default(),
        rules: new_rules(input.rules.unwrap_or_default()),
    };
    let role = keyward_service::create_role::create_role(&api.service, &ctx, &slug, input).await?;
    let mut response = answer(&role);
    *response.status_mut() = StatusCode::CREATED;
    let location = HeaderValue::try_from(format!("/api/v1/{slug}/roles/{}", role.id));
    response.headers_mut().extend(location.ok().map(|value| (LOCATION, value)));
    Ok(response)
}

/// Edit a role. Its members' rights, and those of their personal keys, follow at once.
#[utoipa::path(patch, path = "/api/v1/{slug}/roles/{id}", tag = "roles", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateRole,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The role"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Role, description = "The role", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_role(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
    Body(input): Body<UpdateRole>,
) -> Result<Response, Failure> {
    let edit = RoleEdit {
        name: input.name,
        description: input.description,
        scopes: input.scopes,
        rules: input.rules.map(new_rules),
        if_version: if_match(&headers)?,
    };
    let role = keyward_service::update_role::update_role(&api.service, &ctx, &slug, &id, edit).await?;
    Ok(answer(&role))
}

/// Delete a role. Members who have it hold nothing from then on, until they are given another.
#[utoipa::path(delete, path = "/api/v1/{slug}/roles/{id}", tag = "roles", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The role"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be deleted")),
    responses((status = 204, description = "Deleted"), WriteProblems))]
pub(crate) async fn delete_role(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let version = if_match(&headers)?;
    keyward_service::delete_role::delete_role(&api.service, &ctx, &slug, &id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(role: &Row) -> Response {
    ([(ETAG, etag(role.version))], Json(shape(role))).into_response()
}

fn shape(role: &Row) -> Role {
    Role {
        id: role.id.to_string(),
        name: role.name.to_string(),
        title: role.title.to_string(),
        description: role.description.as_deref().map(str::to_owned),
        built_in: role.is_of_profile(),
        scopes: role.grant.scopes.iter().map(ToString::to_string).collect(),
        rules: role.grant.rules.iter().map(Into::into).collect(),
        created_at: role.created_at,
    }
}
