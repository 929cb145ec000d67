//! `POST /api/v1/invitations/accept`: join a workspace and be signed in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_service::accept_invitation::{Acceptance, accept_invitation as accepting};
use keyward_wire::member::AcceptInvitation;
use keyward_wire::session::Me;

use super::session::welcome;
use crate::extract::{Arriving, Body};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Accept an invitation. The answer sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "session", request_body = AcceptInvitation,
    responses((status = 201, body = Me, description = "Joined and signed in"), WriteProblems))]
pub(crate) async fn accept_invitation(
    State(api): State<Arc<Api>>,
    Arriving(ctx): Arriving,
    Body(input): Body<AcceptInvitation>,
) -> Result<Response, Failure> {
    let input = Acceptance { token: input.token, name: input.name, password: input.password };
    welcome(&api, accepting(&api.service, &ctx, input).await?, StatusCode::CREATED).await
}
