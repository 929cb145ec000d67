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
    /// The longest life of a key.
    longest: String,
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
    let page_of = SecurityPage {
        shell: member.shell_in(&place.workspace, Tab::Security),
        roles: roles.iter().map(|role| creator(&console, role)).collect(),
        longest: span(console.service.profile.keys.expiry.max_seconds),
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
