//! `GET /api/v1/{slug}/members`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_service::list::{Member as Row, Position, SortValue};
use keyward_wire::member::Member;
use keyward_wire::page::Page;

use super::shape;
use crate::extract::{Asking, At, Query};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The people of a workspace, the longest there first. Service accounts are not among them.
#[utoipa::path(get, path = "/api/v1/{slug}/members", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<Member>, description = "Members"), ReadProblems))]
pub(crate) async fn list_members(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(mut query): Query,
) -> Result<Json<Page<Member>>, Failure> {
    let part = query.take_page(&["members", &slug])?;
    query.finish()?;
    let rows = keyward_service::list_members::list_members(&api.service, &ctx, &slug, &part.page).await?;
    let position = |row: &Row| Position {
        value: SortValue::Number(row.joined_at.as_microsecond()),
        id: row.user.to_bytes(),
    };
    Ok(Json(part.cut(rows, position, |row| shape(row, &api.service.profile))))
}
