//! `/signout`: the session ends now, in the store and in the browser.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use keyward_service::sign_out::sign_out;
use keyward_web::clear_session_cookie;

use crate::Console;
use crate::respond::go_home;
use crate::stop::Stop;
use crate::visitor::Visitor;

/// `GET /signout`: a link signs nobody out, since any site can have one.
pub(crate) async fn show() -> Response {
    go_home(None)
}

/// `POST /signout`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    Visitor(ctx): Visitor,
) -> Result<Response, Stop> {
    let ended = sign_out(&console.service, &ctx).await;
    ended.map_err(|refusal| Stop::because(&console, &refusal, Some(ctx.request.id)))?;
    Ok(go_home(Some(clear_session_cookie())))
}
