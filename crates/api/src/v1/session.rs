//! `/api/v1/session`: sign in, sign out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keyward_core::secret::PlainSecret;
use keyward_service::refusal::Refusal;
use keyward_service::sign_in::SignedIn;
use keyward_service::{sign_in as signing_in, sign_out as signing_out};
use keyward_web::{clear_session_cookie, session_cookie};
use keyward_wire::session::{Me, SignIn};

use super::me;
use crate::extract::{Arriving, Body, Whoever};
use crate::openapi::WriteProblems;
use crate::problem::Failure;
use crate::state::Api;

/// Sign in with address and password. The answer sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Me, description = "Signed in"), WriteProblems))]
pub(crate) async fn sign_in(
    State(api): State<Arc<Api>>,
    Arriving(ctx): Arriving,
    Body(input): Body<SignIn>,
) -> Result<Response, Failure> {
    let signed_in = signing_in::sign_in(&api.service, &ctx, &input.email, input.password).await?;
    welcome(&api, signed_in, StatusCode::OK).await
}

/// Sign out. The session ends at once, everywhere.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", security(("session" = [])),
    responses((status = 204, description = "Signed out"), WriteProblems))]
pub(crate) async fn sign_out(
    State(api): State<Arc<Api>>,
    Whoever(ctx): Whoever,
) -> Result<Response, Failure> {
    signing_out::sign_out(&api.service, &ctx).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, clear_session_cookie())]).into_response())
}

/// Answers somebody who is signed in now.
pub(super) async fn welcome(api: &Api, signed_in: SignedIn, status: StatusCode) -> Result<Response, Failure> {
    let (person, places) = keyward_service::me::me(&api.service, &signed_in.ctx).await?;
    let headers = cookie_headers(&signed_in.token)?;
    Ok((status, headers, Json(me::shape(&person, &places))).into_response())
}

fn cookie_headers(token: &PlainSecret) -> Result<HeaderMap, Failure> {
    let cookie =
        session_cookie(token).ok_or_else(|| Refusal::Internal("the cookie is no header".to_owned()))?;
    Ok(HeaderMap::from_iter([(SET_COOKIE, cookie)]))
}
