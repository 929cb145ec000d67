//! `GET /api/v1/me`: the person who asks, and where they are a member.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::person::Person;
use keyward_service::list::Place;
use keyward_wire::session::Me;
use keyward_wire::workspace::Workspace;

use crate::extract::Asking;
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The person who asks, and the workspaces that they are in, with role and slug.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    responses((status = 200, body = Me, description = "Who you are"), ReadProblems))]
pub(crate) async fn me(State(api): State<Arc<Api>>, Asking(ctx): Asking) -> Result<Json<Me>, Failure> {
    let (person, places) = keyward_service::me::me(&api.service, &ctx).await?;
    Ok(Json(shape(&person, &places)))
}

pub(super) fn shape(person: &Person, places: &[Place]) -> Me {
    Me {
        id: person.id.to_string(),
        email: person.email.to_string(),
        name: person.name.to_string(),
        workspaces: places.iter().map(place).collect(),
    }
}

pub(super) fn place(place: &Place) -> Workspace {
    Workspace::new(&place.workspace, Some(place.role.name.as_str()))
}
