//! `/api/v1/workspaces` and `/api/v1/{slug}`: make, list, look at and rename workspaces.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keyward_core::role::RoleName;
use keyward_service::create_workspace::NewWorkspace;
use keyward_service::list::{Position, SortValue};
use keyward_service::update_workspace::WorkspaceEdit;
use keyward_wire::page::Page;
use keyward_wire::workspace::{CreateWorkspace, UpdateWorkspace, Workspace};

use super::me;
use crate::etag::{etag, if_match};
use crate::extract::{Asking, At, Body, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// The workspaces that the caller is in.
#[utoipa::path(get, path = "/api/v1/workspaces", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<Workspace>, description = "Workspaces, by name"), ReadProblems))]
pub(crate) async fn list_workspaces(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Query(mut query): Query,
) -> Result<Json<Page<Workspace>>, Failure> {
    let part = query.take_page(&["workspaces"])?;
    query.finish()?;
    let (_, mut places) = keyward_service::me::me(&api.service, &ctx).await?;
    let position = |place: &keyward_service::list::Place| Position {
        value: SortValue::Text(place.workspace.name.to_string()),
        id: place.workspace.id.to_bytes(),
    };
    if let Some(after) = &part.page.after {
        // The list is short and whole; the place after the cursor is found by the same order.
        let SortValue::Text(name) = &after.value else {
            return Ok(Json(part.cut(vec![], position, me::place)));
        };
        places.retain(|place| {
            (place.workspace.name.as_str(), place.workspace.id.to_bytes()) > (name.as_str(), after.id)
        });
    }
    Ok(Json(part.cut(places, position, me::place)))
}

/// Make a workspace. The caller holds its first role.
#[utoipa::path(post, path = "/api/v1/workspaces", tag = "workspaces", security(("session" = [])), request_body = CreateWorkspace,
    responses((status = 201, body = Workspace, description = "Made",
               headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn create_workspace(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Body(input): Body<CreateWorkspace>,
) -> Result<Response, Failure> {
    let input = NewWorkspace { name: input.name, slug: input.slug };
    let (workspace, role) =
        keyward_service::create_workspace::create_workspace(&api.service, &ctx, input).await?;
    let location = HeaderValue::try_from(format!("/api/v1/{}", workspace.slug));
    let mut headers = HeaderMap::from_iter([(ETAG, etag(workspace.version))]);
    headers.extend(location.ok().map(|location| (LOCATION, location)));
    Ok((StatusCode::CREATED, headers, Json(Workspace::new(&workspace, Some(role.as_str())))).into_response())
}

/// One workspace.
#[utoipa::path(get, path = "/api/v1/{slug}", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = Workspace, description = "The workspace", headers(("ETag" = String, description = "Its version"))),
              ReadProblems))]
pub(crate) async fn get_workspace(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
) -> Result<Response, Failure> {
    let (workspace, role) = keyward_service::get_workspace::get_workspace(&api.service, &ctx, &slug).await?;
    Ok(answer(&workspace, role.as_ref()))
}

/// Rename a workspace, or choose what bounds its keys: from which networks they open it, how long they live, the grace of its
/// nodes. Its slug stays.
#[utoipa::path(patch, path = "/api/v1/{slug}", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateWorkspace,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Workspace, description = "The workspace", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_workspace(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    headers: HeaderMap,
    Body(input): Body<UpdateWorkspace>,
) -> Result<Response, Failure> {
    let edit = WorkspaceEdit {
        name: input.name,
        grace_seconds: input.grace_seconds,
        allowed_cidrs: input.allowed_cidrs,
        key_lifetime_days_max: input.key_lifetime_days_max,
        if_version: if_match(&headers)?,
    };
    let (workspace, role) =
        keyward_service::update_workspace::update_workspace(&api.service, &ctx, &slug, edit).await?;
    Ok(answer(&workspace, role.as_ref()))
}

fn answer(workspace: &keyward_core::workspace::Workspace, role: Option<&RoleName>) -> Response {
    let shape = Workspace::new(workspace, role.map(RoleName::as_str));
    ([(ETAG, etag(workspace.version))], Json(shape)).into_response()
}
