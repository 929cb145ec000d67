//! `PUT /api/v1/{slug}/plan`: the operator puts a workspace on another plan.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_wire::workspace::{Plan, SetPlan};

use super::get_plan::shape;
use crate::extract::{Asking, At, Body};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Put the workspace on another plan. Only the operator's credential, sent as a bearer token, may.
#[utoipa::path(put, path = "/api/v1/{slug}/plan", tag = "workspaces", security(("bearer" = [])), request_body = SetPlan,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = Plan, description = "The plan"), WriteProblems))]
pub(crate) async fn set_plan(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<SetPlan>,
) -> Result<Json<Plan>, Failure> {
    Ok(Json(shape(keyward_service::set_plan::set_plan(&api.service, &ctx, &slug, &input.plan).await?)))
}
