//! `DELETE /api/v1/{slug}/members/{user_id}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::extract::{Asking, At};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Remove a member, or leave. Their personal keys stop working here at once; workspace keys that they
/// looked after go on, without an owner.
#[utoipa::path(delete, path = "/api/v1/{slug}/members/{user_id}", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("user_id" = String, Path, description = "The member")),
    responses((status = 204, description = "Removed"), WriteProblems))]
pub(crate) async fn remove_member(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, user)): At<(String, String)>,
) -> Result<StatusCode, Failure> {
    keyward_service::remove_member::remove_member(&api.service, &ctx, &slug, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
