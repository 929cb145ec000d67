//! `GET /api/v1/{slug}/plan`: what the workspace has paid for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::rate::RequestsPerMinute;
use keyward_service::set_plan::CurrentPlan;
use keyward_wire::workspace::{Plan, PlanUsage};

use crate::extract::{Asking, At};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The plan that the workspace is on, and how much of it is used.
#[utoipa::path(get, path = "/api/v1/{slug}/plan", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = Plan, description = "The plan"), ReadProblems))]
pub(crate) async fn get_plan(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
) -> Result<Json<Plan>, Failure> {
    Ok(Json(shape(keyward_service::set_plan::get_plan(&api.service, &ctx, &slug).await?)))
}

pub(super) fn shape(current: CurrentPlan) -> Plan {
    let CurrentPlan { plan, keys, seats } = current;
    Plan {
        plan: plan.name.to_string(),
        title: plan.title.into(),
        api_keys: plan.api_keys,
        keys_max: plan.keys_max,
        seats_max: plan.seats_max,
        requests_per_minute: plan.requests_per_minute.map(RequestsPerMinute::get),
        usage: PlanUsage { keys, seats },
    }
}
