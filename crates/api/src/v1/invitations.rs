//! `/api/v1/{slug}/invitations`: those that are open.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keyward_service::list::{Position, SortValue};
use keyward_service::list_invitations::OpenInvitation;
use keyward_wire::member::Invitation;
use keyward_wire::page::Page;

use crate::extract::{Asking, At, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// The open invitations of a workspace, those first that end first. Their links are not shown again.
#[utoipa::path(get, path = "/api/v1/{slug}/invitations", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("limit" = Option<u32>, Query, description = "At most so many; 200 is the most", minimum = 1),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the part before")),
    responses((status = 200, body = Page<Invitation>, description = "Open invitations"), ReadProblems))]
pub(crate) async fn list_invitations(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Query(mut query): Query,
) -> Result<Json<Page<Invitation>>, Failure> {
    let part = query.take_page(&["invitations", &slug])?;
    query.finish()?;
    let list = keyward_service::list_invitations::list_invitations;
    let rows = list(&api.service, &ctx, &slug, &part.page).await?;
    let position = |row: &OpenInvitation| Position {
        value: SortValue::Number(row.invitation.expires_at.as_microsecond()),
        id: row.invitation.id.to_bytes(),
    };
    Ok(Json(part.cut(rows, position, shape)))
}

/// Withdraw an invitation: its link opens nothing any more. Only who holds what it gives may do that.
#[utoipa::path(delete, path = "/api/v1/{slug}/invitations/{id}", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"), ("id" = String, Path, description = "The invitation")),
    responses((status = 204, description = "Withdrawn"), WriteProblems))]
pub(crate) async fn withdraw_invitation(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<StatusCode, Failure> {
    keyward_service::withdraw_invitation::withdraw_invitation(&api.service, &ctx, &slug, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shape(row: &OpenInvitation) -> Invitation {
    let invitation = &row.invitation;
    Invitation {
        id: invitation.id.to_string(),
        email: invitation.email.to_string(),
        role: row.role.as_ref().map(|name| name.as_str().to_owned()),
        invited_by_id: invitation.created_by.to_string(),
        invited_by: row.by.as_ref().map(|person| person.name.to_string()),
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
    }
}
