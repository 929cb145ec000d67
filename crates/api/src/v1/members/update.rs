//! `PATCH /api/v1/{slug}/members/{user_id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_wire::member::{Member, UpdateMember};

use super::shape;
use crate::extract::{Asking, At, Body};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Give a member another role. Their personal keys follow at once.
#[utoipa::path(patch, path = "/api/v1/{slug}/members/{user_id}", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateMember,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("user_id" = String, Path, description = "The member")),
    responses((status = 200, body = Member, description = "The member"), WriteProblems))]
pub(crate) async fn update_member(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, user)): At<(String, String)>,
    Body(input): Body<UpdateMember>,
) -> Result<Json<Member>, Failure> {
    let row =
        keyward_service::change_role::change_role(&api.service, &ctx, &slug, &user, &input.role).await?;
    Ok(Json(shape(&row)))
}
