//! `POST …/keys/bulk-revoke`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_service::bulk_revoke::{bulk_revoke, preview_bulk_revoke};
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::list::KeyRow;
use keyward_service::refusal::Refusal;
use keyward_wire::key::{BulkResult, BulkRevoke, BulkRevoked, Principal};

use crate::extract::{Asking, At, Body};
use crate::openapi::WriteProblems;
use crate::problem::{Failure, problem_of};
use crate::state::Api;

/// Revoke several keys of a workspace: at once, and for good. An identifier that is no key of the workspace is
/// a result with status `error`; the others are revoked all the same. With `dry_run` nothing is changed, and the
/// results say what would be: which keys they are, and when they were last used.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/bulk-revoke", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = BulkRevoke,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = BulkRevoked, description = "A result for each"), WriteProblems))]
pub(crate) async fn bulk_revoke_workspace_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<BulkRevoke>,
) -> Result<Json<BulkRevoked>, Failure> {
    answer(&api, &ctx, Whose::Workspace(&slug), input).await
}

/// Revoke several personal keys: at once, and for good. An identifier that is no personal key of the caller's is a
/// result with status `error`; the others are revoked all the same. With `dry_run` nothing is changed.
#[utoipa::path(post, path = "/api/v1/me/keys/bulk-revoke", tag = "keys", security(("session" = [])),
    request_body = BulkRevoke,
    responses((status = 200, body = BulkRevoked, description = "A result for each"), WriteProblems))]
pub(crate) async fn bulk_revoke_personal_keys(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Body(input): Body<BulkRevoke>,
) -> Result<Json<BulkRevoked>, Failure> {
    answer(&api, &ctx, Whose::Personal, input).await
}

async fn answer(
    api: &Api,
    ctx: &Ctx,
    whose: Whose<'_>,
    input: BulkRevoke,
) -> Result<Json<BulkRevoked>, Failure> {
    let BulkRevoke { ids, reason, dry_run } = input;
    let request_id = ctx.request.id.to_string();
    let results = if dry_run {
        let found = preview_bulk_revoke(&api.service, ctx, whose, &ids, reason).await?;
        ids.into_iter().zip(found).map(|(id, found)| previewed(id, found, &request_id)).collect()
    } else {
        let ended = bulk_revoke(&api.service, ctx, whose, &ids, reason).await?;
        ids.into_iter().zip(ended.results).map(|(id, ended)| revoked(id, ended, &request_id)).collect()
    };
    Ok(Json(BulkRevoked { dry_run, results }))
}

fn revoked(id: String, ended: Result<(), Refusal>, request_id: &str) -> BulkResult {
    match ended {
        Ok(()) => BulkResult { id, status: "revoked".to_owned(), ..BulkResult::default() },
        Err(refusal) => error(id, refusal, request_id),
    }
}

/// A key that is revoked already would stay as it is, and says so.
fn previewed(id: String, found: Result<KeyRow, Refusal>, request_id: &str) -> BulkResult {
    let row = match found {
        Ok(row) => row,
        Err(refusal) => return error(id, refusal, request_id),
    };
    let status = if row.key.revoked.is_some() { "revoked" } else { "would_revoke" };
    BulkResult {
        id,
        status: status.to_owned(),
        problem: None,
        name: Some(row.key.name.to_string()),
        owner: Some(row.owner.as_ref().map(Principal::from)),
        last_used_at: Some(row.last_use.at),
        last_used_ip: Some(row.last_use.ip.map(|ip| ip.to_string())),
    }
}

fn error(id: String, refusal: Refusal, request_id: &str) -> BulkResult {
    let problem = Some(problem_of(refusal, request_id));
    BulkResult { id, status: "error".to_owned(), problem, ..BulkResult::default() }
}
