//! The pages, one file each.

pub(crate) mod accept_invitation;
pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod billing;
pub(crate) mod home;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod missing;
pub(crate) mod new_workspace;
pub(crate) mod roles;
pub(crate) mod security;
pub(crate) mod service_accounts;
pub(crate) mod set_up;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod vaults;
pub(crate) mod webhooks;

use axum::http::header::SET_COOKIE;
use axum::response::Response;
use keyward_service::ctx::Ctx;
use keyward_service::refusal::Refusal;
use keyward_service::sign_in::SignedIn;
use keyward_web::session_cookie;

use crate::Console;
use crate::address::safe_next;
use crate::respond::go_to;
use crate::stop::Stop;

/// Takes somebody who is signed in now on to where they wanted to go, with their cookie.
fn welcome(console: &Console, ctx: &Ctx, signed_in: &SignedIn, next: &str) -> Result<Response, Stop> {
    let cookie = session_cookie(&signed_in.token).ok_or_else(|| {
        let refusal = Refusal::Internal("the cookie is no header".to_owned());
        Stop::because(console, &refusal, Some(ctx.request.id))
    })?;
    let mut response = go_to(safe_next(next).unwrap_or("/"));
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}
