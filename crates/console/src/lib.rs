//! Keyward's console: pages that the server writes, with a style sheet and one small script, all embedded.
//! Every step works without the script. Nothing is asked of any other host.
//!
//! Deliberately absent: rules of its own (the service decides, as for the API), SQL, and inline scripts or
//! styles, which the pages' own policy forbids.

mod address;
mod assets;
mod deed;
mod form;
mod form_token;
mod html;
mod note;
mod pages;
mod position;
mod respond;
mod shell;
mod stop;
#[cfg(test)]
mod tests;
mod visitor;
mod when;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use ipnet::IpNet;
use keyward_service::Service;

use crate::pages::keys::{bulk, create, details, edit, list, revoke, rotate};
use crate::pages::{accept_invitation, home, missing, new_workspace, set_up, settings, sign_in, sign_out};

/// Longest form. A key has 128 patterns of 200 characters, 50 networks and 256 scopes; percent-encoding makes three of
/// each character of some.
const FORM_LEN_MAX: usize = 128 * 1024;

/// What the pages share.
pub struct Console {
    /// What Keyward does.
    pub service: Arc<Service>,
    /// Peers whose `X-Forwarded-…` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("trusted_proxies", &self.trusted_proxies).finish_non_exhaustive()
    }
}

/// The console's routes, and the answer to every path that nobody has. To be merged with the API's, inside
/// of the layer that puts a [`keyward_core::id::RequestId`] and of the server that puts a
/// [`keyward_web::Peer`] into every request.
pub fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/setup", get(set_up::show).post(set_up::submit))
        .route("/invitation", get(accept_invitation::show).post(accept_invitation::submit))
        .route("/signin", get(sign_in::show).post(sign_in::submit))
        .route("/signout", get(sign_out::show).post(sign_out::submit))
        .route("/workspaces", get(home::list))
        .route("/workspaces/new", get(new_workspace::show).post(new_workspace::submit))
        .route("/w/{slug}", get(settings::front))
        .route("/w/{slug}/settings", get(settings::show).post(settings::rename))
        .route("/w/{slug}/members", get(settings::members))
        .route("/w/{slug}/roles", get(settings::roles))
        .route("/w/{slug}/service-accounts", get(settings::service_accounts))
        .route("/w/{slug}/billing", get(settings::billing))
        .route("/w/{slug}/audit", get(settings::audit))
        .merge(keys("/w/{slug}/keys"))
        .merge(keys("/account/keys"))
        .route("/assets/{file}", get(assets::serve))
        .fallback(missing::show)
        .layer(DefaultBodyLimit::max(FORM_LEN_MAX))
        .with_state(console)
}

/// The pages of keys, at one of their two addresses.
fn keys(base: &str) -> Router<Arc<Console>> {
    Router::new()
        .route(base, get(list::show))
        .route(&format!("{base}/new"), get(create::show).post(create::submit))
        .route(&format!("{base}/revoke"), get(bulk::ask).post(bulk::submit))
        .route(&format!("{base}/{{id}}"), get(details::show))
        .route(&format!("{base}/{{id}}/edit"), get(edit::show).post(edit::submit))
        .route(&format!("{base}/{{id}}/revoke"), get(revoke::ask).post(revoke::submit))
        .route(&format!("{base}/{{id}}/rotate"), get(rotate::ask).post(rotate::submit))
        .route(&format!("{base}/{{id}}/rotate/finish"), post(rotate::finish))
        .route(&format!("{base}/{{id}}/rotate/cancel"), post(rotate::cancel))
}
