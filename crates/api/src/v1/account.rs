//! `/api/v1/me/…`: one's own account: name, password, and where one is signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use keyward_service::list::Session as Row;
use keyward_service::{change_password as changing, end_session as ending};
use keyward_wire::page::Page;
use keyward_wire::session::{ChangePassword, EndedSessions, Me, OwnSession, UpdateMe};

use super::me;
use crate::extract::{Asking, At, Body, Query};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// Change your name.
#[utoipa::path(patch, path = "/api/v1/me", tag = "session", security(("session" = [])), request_body = UpdateMe,
    responses((status = 200, body = Me, description = "Who you are"), WriteProblems))]
pub(crate) async fn update_me(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Body(input): Body<UpdateMe>,
) -> Result<Json<Me>, Failure> {
    let person = keyward_service::update_me::update_me(&api.service, &ctx, input.name.as_deref()).await?;
    let (_, places) = keyward_service::me::me(&api.service, &ctx).await?;
    Ok(Json(me::shape(&person, &places)))
}

/// Change your password. All your other sessions end. Too many wrong ones in `current_password` wait as at sign-in.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "session", security(("session" = [])), request_body = ChangePassword,
    responses((status = 200, body = EndedSessions, description = "Changed"), WriteProblems))]
pub(crate) async fn change_password(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Body(input): Body<ChangePassword>,
) -> Result<Json<EndedSessions>, Failure> {
    let ChangePassword { current_password, new_password } = input;
    let ended = changing::change_password(&api.service, &ctx, current_password, new_password).await?;
    Ok(Json(EndedSessions { sessions_ended: ended }))
}

/// Where you are signed in, the newest session first. There are 200 at most, in one part.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "session", security(("session" = [])),
    responses((status = 200, body = Page<OwnSession>, description = "Your sessions"), ReadProblems))]
pub(crate) async fn list_sessions(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    Query(query): Query,
) -> Result<Json<Page<OwnSession>>, Failure> {
    query.finish()?;
    let own = keyward_service::list_sessions::list_sessions(&api.service, &ctx).await?;
    let items = own.all.iter().map(|row| shape(row, row.id == own.present)).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// End a session of yours, wherever it is.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{session_id}", tag = "session", security(("session" = [])),
    params(("session_id" = String, Path, description = "The session")),
    responses((status = 204, description = "Ended"), WriteProblems))]
pub(crate) async fn end_session(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<StatusCode, Failure> {
    ending::end_session(&api.service, &ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all your sessions but this one.
#[utoipa::path(post, path = "/api/v1/me/sessions/end-others", tag = "session", security(("session" = [])),
    responses((status = 200, body = EndedSessions, description = "Ended"), WriteProblems))]
pub(crate) async fn end_other_sessions(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
) -> Result<Json<EndedSessions>, Failure> {
    let ended = ending::end_other_sessions(&api.service, &ctx).await?;
    Ok(Json(EndedSessions { sessions_ended: ended }))
}

fn shape(row: &Row, is_present: bool) -> OwnSession {
    OwnSession {
        id: row.id.to_string(),
        present: is_present,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        ip: row.ip.map(|ip| ip.to_string()),
        user_agent: row.user_agent.as_deref().map(str::to_owned),
    }
}
