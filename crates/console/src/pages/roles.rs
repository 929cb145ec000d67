//! `/w/{slug}/roles`: what members may be. Those of the workspace's own are made, edited and deleted here, with the same
//! scopes and rules as keys.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::field::FieldError;
use keyward_core::permission;
use keyward_service::create_role::{NewRole, create_role};
use keyward_service::delete_role::delete_role;
use keyward_service::list_roles::list_roles;
use keyward_service::refusal::Refusal;
use keyward_service::role::Role;
use keyward_service::update_role::{RoleEdit, update_role};

use super::keys::role_form::{self, RoleForm};
use super::members::again;
use super::settings::{allowed, slug};
use crate::Console;
use crate::html::Html;
use crate::note::Note;
use crate::respond::{go_saying, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Pairs, Sent};

#[derive(Template)]
#[template(path = "roles.html")]
struct RolesPage {
    shell: Shell,
    slug: String,
    roles: Vec<Role>,
    manages: bool,
}

/// `GET /w/{slug}/roles`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let place = member.place(&slug)?;
    let roles = allowed(&member, list_roles(&console.service, &member.ctx, &slug).await)?;
    let shell = member.shell_in(&place.workspace, Tab::Roles);
    let manages = member.may(&console, &slug, permission::MEMBERS_MANAGE);
    Ok(page_after(shell.note, &RolesPage { shell, slug, roles, manages }))
}

/// A page with the form of a role.
#[derive(Template)]
#[template(path = "role.html")]
struct RolePage {
    shell: Shell,
    slug: String,
    title: String,
    form: Html,
    /// The identifier and version of a role that can be deleted.
    old: Option<(String, u64)>,
    complaints: Vec<String>,
}

/// `GET /w/{slug}/roles/new`
pub(crate) async fn begin(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    show_form(&console, &member, &slug(at), None, &RoleForm::default(), Wrong::none())
}

/// `POST /w/{slug}/roles/new`
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let written = RoleForm::read(&form);
    let (scopes, rules) = written.grant(&console.service.profile.catalogue);
    let role = NewRole { name: written.name(), description: written.description(), scopes, rules };
    match create_role(&console.service, &member.ctx, &slug, role).await {
        Ok(_) => Ok(go_saying(Note::RoleSaved, &format!("/w/{slug}/roles"))),
        Err(refusal) => show_form(&console, &member, &slug, None, &written, Wrong::of(&member, refusal)?),
    }
}

/// `GET /w/{slug}/roles/{id}`
pub(crate) async fn edit(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    let role = find(&console, &member, &slug, &id).await?;
    show_form(&console, &member, &slug, Some(&role), &RoleForm::of(&role), Wrong::none())
}

/// `POST /w/{slug}/roles/{id}`
pub(crate) async fn save(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    let role = find(&console, &member, &slug, &id).await?;
    let written = RoleForm::read(&form);
    let (scopes, rules) = written.grant(&console.service.profile.catalogue);
    let edit = RoleEdit {
        name: Some(written.name()),
        description: Some(written.description()),
        scopes: Some(scopes),
        rules: Some(rules),
        if_version: Some(version(&form)),
    };
    match update_role(&console.service, &member.ctx, &slug, &id, edit).await {
        Ok(_) => Ok(go_saying(Note::RoleSaved, &format!("/w/{slug}/roles"))),
        Err(refusal) => {
            show_form(&console, &member, &slug, Some(&role), &written, Wrong::of(&member, refusal)?)
        }
    }
}

/// `POST /w/{slug}/roles/{id}/delete`
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    match delete_role(&console.service, &member.ctx, &slug, &id, Some(version(&form))).await {
        Ok(()) => Ok(go_saying(Note::RoleDeleted, &format!("/w/{slug}/roles"))),
        Err(refusal) => {
            let role = find(&console, &member, &slug, &id).await?;
            let wrong = Wrong::of(&member, refusal)?;
            show_form(&console, &member, &slug, Some(&role), &RoleForm::of(&role), wrong)
        }
    }
}

fn version(form: &Pairs) -> u64 {
    // The version of nothing: a form of ours always has one.
    form.one("once").parse().unwrap_or(0)
}

async fn find(console: &Console, member: &Member, slug: &str, id: &str) -> Result<Role, Stop> {
    let roles = allowed(member, list_roles(&console.service, &member.ctx, slug).await)?;
    let own = roles.into_iter().find(|role| !role.is_of_profile() && role.id.to_string() == id);
    own.ok_or_else(|| member.stop(Reason::Missing))
}

/// What is wrong with a form: its status, complaints about fields, and about none.
struct Wrong {
    status: StatusCode,
    fields: Vec<FieldError>,
    general: Vec<String>,
}

impl Wrong {
    const fn none() -> Self {
        Self { status: StatusCode::OK, fields: Vec::new(), general: Vec::new() }
    }

    fn of(member: &Member, refusal: Refusal) -> Result<Self, Stop> {
        if let Refusal::Invalid(fields) = refusal {
            return Ok(Self { status: StatusCode::UNPROCESSABLE_ENTITY, fields, general: Vec::new() });
        }
        let wrong = again(member, refusal)?;
        Ok(Self { status: wrong.status, fields: Vec::new(), general: wrong.all() })
    }
}

fn show_form(
    console: &Console,
    member: &Member,
    slug: &str,
    old: Option<&Role>,
    written: &RoleForm,
    wrong: Wrong,
) -> Result<Response, Stop> {
    let place = member.place(slug)?;
    let base = format!("/w/{slug}/roles");
    let form = role_form::form(console, member, slug, &base, old, written, &wrong.fields);
    let content = Html::of(&form).map_err(|_| member.stop(Reason::Broken(Some(member.ctx.request.id))))?;
    let role_page = RolePage {
        shell: member.shell_in(&place.workspace, Tab::Roles),
        slug: slug.to_owned(),
        title: old.map_or_else(|| "New role".to_owned(), |role| role.title.to_string()),
        form: content,
        old: old.map(|role| (role.id.to_string(), role.version)),
        complaints: wrong.general,
    };
    Ok(page(wrong.status, &role_page))
}
