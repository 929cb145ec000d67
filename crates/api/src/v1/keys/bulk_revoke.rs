//! `POST /api/v1/{slug}/keys/bulk-revoke`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_service::refusal::Refusal;
use keyward_service::revoke_key::bulk_revoke_keys;
use keyward_wire::key::{BulkResult, BulkRevoke, BulkRevoked};

use crate::extract::{Asking, At, Body};
use crate::openapi::WriteProblems;
use crate::problem::{Failure, problem_of};
use crate::state::Api;

/// Revoke several keys of a workspace: at once, and for good. An identifier that is no key of the workspace is
/// a result with status `error`; the others are revoked all the same.
#[utoipa::path(post, path = "/api/v1/{slug}/keys/bulk-revoke", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = BulkRevoke,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = BulkRevoked, description = "A result for each"), WriteProblems))]
pub(crate) async fn bulk_revoke(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<BulkRevoke>,
) -> Result<Json<BulkRevoked>, Failure> {
    let results = bulk_revoke_keys(&api.service, &ctx, &slug, &input.ids, input.reason).await?;
    let request_id = ctx.request.id.to_string();
    let result = |(id, result): (String, Result<(), Refusal>)| match result {
        Ok(()) => BulkResult { id, status: "revoked".to_owned(), problem: None },
        Err(refusal) => {
            BulkResult { id, status: "error".to_owned(), problem: Some(problem_of(refusal, &request_id)) }
        }
    };
    Ok(Json(BulkRevoked { results: input.ids.into_iter().zip(results).map(result).collect() }))
}
