//! `GET /api/v1/{slug}/scopes`: the catalogue that keys are given scopes from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_wire::workspace::{Catalogue, Scope};

use crate::extract::{Asking, At};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The scopes that keys can be given.
#[utoipa::path(get, path = "/api/v1/{slug}/scopes", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = Catalogue, description = "The catalogue"), ReadProblems))]
pub(crate) async fn list_scopes(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
) -> Result<Json<Catalogue>, Failure> {
    // Being there is all that it takes.
    keyward_service::get_workspace::get_workspace(&api.service, &ctx, &slug).await?;
    Ok(Json(Catalogue { items: api.service.profile.catalogue.scopes().iter().map(Scope::from).collect() }))
}
