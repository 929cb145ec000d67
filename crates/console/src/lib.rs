//! Keyward's console: pages that the server writes, with a style sheet and one small script, all embedded.
//! Every step works without the script. Nothing is asked of any other host.
//!
//! Deliberately absent: rules of its own (the service decides, as for the API), SQL, and inline scripts or
//! styles, which the pages' own policy forbids.

mod assets;
mod form;
mod pages;
mod respond;
mod stop;
#[cfg(test)]
mod tests;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use ipnet::IpNet;
use keyward_service::Service;

use crate::pages::{accept_invitation, home, missing, set_up, sign_in, sign_out};

/// Longest form. The fields together have bounds of some 2 KiB; percent-encoding makes that 6.
const FORM_LEN_MAX: usize = 16 * 1024;

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
        .route("/assets/{file}", get(assets::serve))
        .fallback(missing::show)
        .layer(DefaultBodyLimit::max(FORM_LEN_MAX))
        .with_state(console)
}
