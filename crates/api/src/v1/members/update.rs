//! `PATCH /api/v1/{slug}/members/{user_id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use axum::response::{IntoResponse as _, Response};
use keyward_service::update_member::{MemberEdit, version};
use keyward_wire::member::{Member, UpdateMember};

use super::shape;
use crate::etag::{etag_text, if_match_text};
use crate::extract::{Asking, At, Body};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Give a member another role, suspend them, or end that. Their personal keys follow at once.
#[utoipa::path(patch, path = "/api/v1/{slug}/members/{user_id}", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = UpdateMember,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("user_id" = String, Path, description = "The member"),
           ("If-Match" = Option<String>, Header, description = "The only version that may be changed")),
    responses((status = 200, body = Member, description = "The member", headers(("ETag" = String, description = "Its version"))),
              WriteProblems))]
pub(crate) async fn update_member(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, user)): At<(String, String)>,
    headers: HeaderMap,
    Body(input): Body<UpdateMember>,
) -> Result<Response, Failure> {
    let if_version = if_match_text(&headers)?.map(str::to_owned);
    let edit = MemberEdit { role: input.role, suspended: input.suspended, if_version };
    let update = keyward_service::update_member::update_member;
    let row = update(&api.service, &ctx, &slug, &user, edit).await?;
    Ok(([(ETAG, etag_text(&version(&row)))], Json(shape(&row, &api.service.profile))).into_response())
}
