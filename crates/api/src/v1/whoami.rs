//! `GET /api/v1/{slug}/whoami`: confirm a key and its workspace (CYS-6).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::key::Key;
use keyward_wire::key::Rule;
use keyward_wire::whoami::{Actor, CallingKey, Whoami};
use keyward_wire::workspace::WorkspaceRef;

use crate::extract::{Asking, At};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Who is calling, with what, and where. It needs no scope.
#[utoipa::path(get, path = "/api/v1/{slug}/whoami", tag = "session", security(("bearer" = []), ("api_key" = []), ("session" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = Whoami, description = "Who you are"), ReadProblems))]
pub(crate) async fn whoami(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
) -> Result<Json<Whoami>, Failure> {
    let found = keyward_service::whoami::whoami(&api.service, &ctx, &slug).await?;
    Ok(Json(Whoami {
        actor: Actor {
            type_: found.actor.id.type_name().to_owned(),
            id: found.actor.id.to_string(),
            name: found.actor.name.to_string(),
            email: found.person.map(|person| person.email.to_string()),
        },
        key: found.key.as_ref().map(calling_key),
        workspace: WorkspaceRef {
            id: found.workspace.id.to_string(),
            name: found.workspace.name.to_string(),
            slug: found.workspace.slug.to_string(),
        },
    }))
}

fn calling_key(key: &Key) -> CallingKey {
    CallingKey {
        id: key.id.to_string(),
        name: key.name.to_string(),
        kind: key.kind().as_str().to_owned(),
        scopes: key.grant.scopes.iter().map(ToString::to_string).collect(),
        rules: key.grant.rules.iter().map(Rule::from).collect(),
        expires_at: key.expires_at,
    }
}
