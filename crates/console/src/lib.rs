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

use crate::pages::keys::{bulk, clean_up, create, details, edit, list, revoke, rotate, store, usage};
use crate::pages::{
    accept_invitation, account, audit, billing, home, invitations, members, missing, new_workspace, roles,
    security, service_accounts, set_up, settings, sign_in, sign_out, vaults, webhooks,
};

/// Longest form. A key has 128 patterns of 200 characters, 50 networks and 256 scopes; percent-encoding makes three of
/// each character of some.
const FORM_LEN_MAX: usize = 128 * 1024;

/// What the pages share.
pub struct Console {
    /// What Keyward does.
    pub service: Arc<Service>,
    /// Peers whose `X-Forwarded-…` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The product's own page, where plans are bought; `{slug}` in it stands for the workspace.
    pub upgrade_url: Option<Box<str>>,
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
        .route("/account", get(account::show))
        .route("/account/name", get(account::back).post(account::rename))
        .route("/account/password", get(account::back).post(account::change))
        .route("/account/sessions", get(account::back).post(account::end_others))
        .route("/w/{slug}", get(settings::front))
        .route("/w/{slug}/settings", get(settings::show).post(settings::rename))
        .route("/w/{slug}/members", get(members::show).post(invitations::invite))
        .route("/w/{slug}/members/{id}", get(members::edit).post(members::change))
        .route("/w/{slug}/members/{id}/remove", get(members::ask).post(members::remove))
        .route("/w/{slug}/invitations/{id}/withdraw", get(invitations::back).post(invitations::withdraw))
        .route("/w/{slug}/roles", get(roles::show))
        .route("/w/{slug}/roles/new", get(roles::begin).post(roles::create))
        .route("/w/{slug}/roles/{id}", get(roles::edit).post(roles::save))
        .route("/w/{slug}/roles/{id}/delete", post(roles::delete))
        .route("/w/{slug}/service-accounts", get(service_accounts::show))
        .route("/w/{slug}/service-accounts/new", get(service_accounts::begin).post(service_accounts::create))
        .route("/w/{slug}/service-accounts/{id}", get(service_accounts::edit).post(service_accounts::save))
        .route(
            "/w/{slug}/service-accounts/{id}/delete",
            get(service_accounts::ask).post(service_accounts::delete),
        )
        .route("/w/{slug}/security", get(security::show).post(security::change))
        .route("/w/{slug}/billing", get(billing::show))
        .route("/w/{slug}/audit", get(audit::show))
        .route("/w/{slug}/audit/verify", get(audit::verify))
        .route("/w/{slug}/audit/export", get(audit::export))
        .merge(webhooks("/w/{slug}/webhooks"))
        .merge(vaults("/w/{slug}/vaults"))
        .merge(keys("/w/{slug}/keys"))
        .merge(keys("/account/keys"))
        .route("/assets/{file}", get(assets::serve))
        .fallback(missing::show)
        .layer(DefaultBodyLimit::max(FORM_LEN_MAX))
        .with_state(console)
}

/// The pages of webhooks.
fn webhooks(base: &str) -> Router<Arc<Console>> {
    let one = |rest: &str| format!("{base}/{{id}}{rest}");
    Router::new()
        .route(base, get(webhooks::list))
        .route(&format!("{base}/new"), get(webhooks::begin).post(webhooks::create))
        .route(&one(""), get(webhooks::show).post(webhooks::switch))
        .route(&one("/edit"), get(webhooks::edit).post(webhooks::save))
        .route(&one("/delete"), get(webhooks::ask).post(webhooks::delete))
        .route(&one("/test"), post(webhooks::test))
        .route(&one("/rotate"), post(webhooks::rotate))
        .route(&one("/deliveries/{part}"), get(webhooks::delivery).post(webhooks::resend))
}

/// The pages of vaults.
fn vaults(base: &str) -> Router<Arc<Console>> {
    let one = |rest: &str| format!("{base}/{{id}}{rest}");
    Router::new()
        .route(base, get(vaults::list).post(vaults::create))
        .route(&one(""), get(vaults::show))
        .route(&one("/delete"), get(vaults::back).post(vaults::delete))
        .route(&one("/secrets"), get(vaults::back).post(vaults::store))
        .route(&one("/secrets/{part}/reveal"), get(vaults::back).post(vaults::reveal))
        .route(&one("/secrets/{part}/delete"), get(vaults::back).post(vaults::forget))
}

/// The pages of keys, at one of their two addresses.
fn keys(base: &str) -> Router<Arc<Console>> {
    Router::new()
        .route(base, get(list::show))
        .route(&format!("{base}/new"), get(create::show).post(create::submit))
        .route(&format!("{base}/revoke"), get(bulk::ask).post(bulk::submit))
        .route(&format!("{base}/clean-up"), get(clean_up::show))
        .route(&format!("{base}/{{id}}"), get(details::show))
        .route(&format!("{base}/{{id}}/usage"), get(usage::show))
        .route(&format!("{base}/{{id}}/edit"), get(edit::show).post(edit::submit))
        .route(&format!("{base}/{{id}}/revoke"), get(revoke::ask).post(revoke::submit))
        .route(&format!("{base}/{{id}}/store"), get(store::back).post(store::submit))
        .route(&format!("{base}/{{id}}/rotate"), get(rotate::ask).post(rotate::submit))
        .route(&format!("{base}/{{id}}/rotate/finish"), post(rotate::finish))
        .route(&format!("{base}/{{id}}/rotate/cancel"), post(rotate::cancel))
}
