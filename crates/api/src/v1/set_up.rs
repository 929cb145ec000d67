//! `POST /api/v1/setup`: the first owner and workspace, by the link that `keyward serve` prints.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_service::create_workspace::NewWorkspace;
use keyward_service::set_up::{FirstOwner, set_up as setting_up};
use keyward_wire::member::SetUp;
use keyward_wire::session::Me;

use super::session::welcome;
use crate::extract::{Arriving, Body};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Make the first owner and workspace, once. The answer sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/setup", tag = "session", request_body = SetUp,
    responses((status = 201, body = Me, description = "Set up and signed in"), WriteProblems))]
pub(crate) async fn set_up(
    State(api): State<Arc<Api>>,
    Arriving(ctx): Arriving,
    Body(input): Body<SetUp>,
) -> Result<Response, Failure> {
    let workspace = input.workspace_name.map(|name| NewWorkspace { name, slug: input.workspace_slug });
    let owner = FirstOwner { email: input.email, name: input.name, password: input.password, workspace };
    let signed_in = setting_up(&api.service, &ctx, &input.token, owner).await?;
    welcome(&api, signed_in, StatusCode::CREATED).await
}
