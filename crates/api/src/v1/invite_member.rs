//! `POST /api/v1/{slug}/invitations`: invite somebody by a link.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use keyward_wire::member::{CreateInvitation, CreatedInvitation};

use crate::extract::{Asking, At, Body};
use crate::idempotency::Secrets;
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Invite somebody. The answer holds the link, this once; hand it over yourself.
#[utoipa::path(post, path = "/api/v1/{slug}/invitations", tag = "workspaces", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    request_body = CreateInvitation,
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 201, body = CreatedInvitation<'static>, description = "Invited"), WriteProblems))]
pub(crate) async fn invite_member(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
    Body(input): Body<CreateInvitation>,
) -> Result<Response, Failure> {
    let invited =
        keyward_service::invite_member::invite_member(&api.service, &ctx, &slug, &input.email, &input.role)
            .await?;
    let token = invited.token.expose();
    // Behind `#`: browsers send it to nobody, so it reaches no log.
    let url = format!("{}/invitation#{token}", api.service.public_url);
    let shape = CreatedInvitation {
        id: invited.id.to_string(),
        email: invited.email.to_string(),
        role: invited.role.to_string(),
        token,
        url: &url,
        expires_at: invited.expires_at,
    };
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let secrets = Extension(Secrets(CreatedInvitation::SECRETS));
    Ok((StatusCode::CREATED, headers, secrets, Json(shape)).into_response())
}
