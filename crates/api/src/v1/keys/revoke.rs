//! `DELETE …/keys/{id}` and `POST …/keys/{id}/revoke`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use keyward_core::field::FieldCode;
use keyward_service::revoke_key::{Revoked, WAIT_MAX, wait_until_propagated};
use keyward_wire::key::{Receipt, RevokeKey};

use crate::extract::{Asking, At, MaybeBody, Query};
use crate::openapi::WriteProblems;
use crate::page::Parameters;
use crate::problem::Failure;
use crate::state::Api;
use crate::v1::nodes;

/// Revoke a key of a workspace: at once, and for good. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/api/v1/{slug}/keys/{id}", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key")),
    responses((status = 204, description = "Revoked"), WriteProblems))]
pub(crate) async fn delete_workspace_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
) -> Result<StatusCode, Failure> {
    keyward_service::revoke_key::revoke_workspace_key(&api.service, &ctx, &slug, &id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke a personal key: at once, and for good. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/api/v1/me/keys/{id}", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("id" = String, Path, description = "The key")),
    responses((status = 204, description = "Revoked"), WriteProblems))]
pub(crate) async fn delete_personal_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<StatusCode, Failure> {
    keyward_service::revoke_key::revoke_personal_key(&api.service, &ctx, &id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke a key of a workspace and learn which nodes have applied it.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/{id}/revoke", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body(content = Option<RevokeKey>),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme"),
           ("id" = String, Path, description = "The key"),
           ("wait" = Option<String>, Query, pattern = "^propagated$",
            description = "`propagated`: answer once no node accepts the key any more")),
    responses((status = 200, body = Receipt, description = "Revoked"),
              (status = 202, body = Receipt, description = "Revoked; some nodes have not said that they applied it"), WriteProblems))]
pub(crate) async fn revoke_workspace_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At((slug, id)): At<(String, String)>,
    Query(query): Query,
    MaybeBody(input): MaybeBody<RevokeKey>,
) -> Result<Response, Failure> {
    let wait = parse_wait(query)?;
    let revoked = keyward_service::revoke_key::revoke_workspace_key(
        &api.service,
        &ctx,
        &slug,
        &id,
        input.and_then(|input| input.reason),
    )
    .await?;
    Ok(answer(&api, revoked, wait).await)
}

/// Revoke a personal key and learn which nodes have applied it.
#[utoipa::path(post, path = "/api/v1/me/keys/{id}/revoke", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body(content = Option<RevokeKey>),
    params(("id" = String, Path, description = "The key"),
           ("wait" = Option<String>, Query, pattern = "^propagated$",
            description = "`propagated`: answer once no node accepts the key any more")),
    responses((status = 200, body = Receipt, description = "Revoked"),
              (status = 202, body = Receipt, description = "Revoked; some nodes have not said that they applied it"), WriteProblems))]
pub(crate) async fn revoke_personal_key(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
    Query(query): Query,
    MaybeBody(input): MaybeBody<RevokeKey>,
) -> Result<Response, Failure> {
    let wait = parse_wait(query)?;
    let revoked = keyward_service::revoke_key::revoke_personal_key(
        &api.service,
        &ctx,
        &id,
        input.and_then(|input| input.reason),
    )
    .await?;
    Ok(answer(&api, revoked, wait).await)
}

fn parse_wait(mut query: Parameters) -> Result<bool, Failure> {
    let wait = match query.take("wait").as_deref() {
        None => false,
        Some("propagated") => true,
        Some(_) => {
            return Err(Failure::field("wait", FieldCode::Invalid, "give propagated, or leave it out"));
        }
    };
    query.finish()?;
    Ok(wait)
}

/// This process's own data plane has applied the change before the service answers; gateway nodes may be waited for.
async fn answer(api: &Api, revoked: Revoked, wait: bool) -> Response {
    let revoked = if wait { wait_until_propagated(&api.service, revoked, WAIT_MAX).await } else { revoked };
    let propagated = revoked.propagated();
    let status = if wait && !propagated { StatusCode::ACCEPTED } else { StatusCode::OK };
    let receipt = Receipt {
        id: revoked.id.to_string(),
        revoked_at: revoked.at,
        epoch: revoked.epoch.0,
        nodes: revoked.nodes.iter().map(nodes::shape).collect(),
        propagated,
        grace_seconds: Some(revoked.grace.get()).filter(|seconds| *seconds > 0),
    };
    (status, Json(receipt)).into_response()
}
