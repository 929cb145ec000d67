//! `/w/{slug}/security`: what bounds the keys of a workspace, and where each bound is set: who may create, how long a key lives at
//! most, from where it works.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::grant::{Grants, Rights, Wanted};
use keyward_core::permission;
use keyward_service::list_roles::list_roles;
use keyward_service::role::Role;

use super::settings::{allowed, slug};
use crate::Console;
use crate::respond::page;
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member};
use crate::when::span;

/// A role, and whether who has it may create keys of the workspace.
struct Creator {
    title: String,
    may_create: bool,
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    shell: Shell,
    slug: String,
    roles: Vec<Creator>,
    /// Whether the product has keys of a workspace, and keys of people.
    has_workspace_keys: bool,
    has_personal_keys: bool,
    /// Whether keys may be created by programs.
    by_api: bool,
    /// The longest life of a key.
    longest: String,
    /// Whether a key may have no end.
    never: bool,
}

/// `GET /w/{slug}/security`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let place = member.place(&slug)?;
    let roles = allowed(&member, list_roles(&console.service, &member.ctx, &slug).await)?;
    let keys = &console.service.profile.keys;
    let page_of = SecurityPage {
        shell: member.shell_in(&place.workspace, Tab::Security),
        roles: roles.iter().map(|role| creator(&console, role)).collect(),
        has_workspace_keys: keys.kinds.workspace,
        has_personal_keys: keys.kinds.personal,
        by_api: keys.create_by_api,
        longest: span(keys.expiry.max_seconds),
        never: keys.expiry.never,
        slug,
    };
    Ok(page(StatusCode::OK, &page_of))
}

fn creator(console: &Console, role: &Role) -> Creator {
    let catalogue = &console.service.profile.catalogue;
    let grants = Grants::compile(catalogue, &role.grant);
    let rights = Rights { own: None, role: Some(&grants) };
    let may_create = rights.allow(Wanted::new(catalogue, permission::SETTINGS_MANAGE), None);
    Creator { title: role.title.to_string(), may_create }
}
