//! `/w/{slug}/security`: what bounds the keys of a workspace, and where each bound is set: who may create, how long a key lives at
//! most, from where it works, how long nodes that are cut off go on accepting it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keyward_core::grace::GraceSeconds;
use keyward_core::grant::{Grants, Rights, Wanted};
use keyward_core::permission;
use keyward_core::workspace::Workspace;
use keyward_service::list_roles::list_roles;
use keyward_service::refusal::Refusal;
use keyward_service::role::Role;
use keyward_service::update_workspace::{WorkspaceEdit, update_workspace};

use super::members::again;
use super::settings::{allowed, slug};
use crate::Console;
use crate::note::Note;
use crate::respond::{go_saying, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member, Sent};
use crate::when::{When, span};

/// How long nodes that are cut off go on.
struct Grace {
    /// What is chosen, or was written.
    written: String,
    /// Whether any is chosen.
    is_some: bool,
    /// A longer one that was chosen before, and until when some node may go by it.
    earlier: Option<(u16, When)>,
    /// Whether whoever looks may choose it.
    may_choose: bool,
    complaints: Vec<String>,
}

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
    grace: Grace,
}

/// `GET /w/{slug}/security`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let loaded = load(&console, &member, slug(at)).await?;
    Ok(page_after(loaded.shell.note, &loaded))
}

/// `POST /w/{slug}/security`: chooses the grace of nodes that are cut off.
pub(crate) async fn change(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let written = form.one("grace_seconds").trim();
    // What is no number is as little a choice as one that is too large: the service says which there are.
    let seconds = written.parse().unwrap_or(u64::MAX);
    let edit = WorkspaceEdit { grace_seconds: Some(seconds), ..WorkspaceEdit::default() };
    match update_workspace(&console.service, &member.ctx, &slug, edit).await {
        Ok(_) => Ok(go_saying(Note::GraceChosen, &format!("/w/{slug}/security"))),
        // Only what was written can be mended by writing it again.
        Err(refusal @ Refusal::Invalid(_)) => {
            let wrong = again(&member, refusal)?;
            let status = wrong.status;
            let mut loaded = load(&console, &member, slug).await?;
            written.clone_into(&mut loaded.grace.written);
            loaded.grace.complaints = wrong.all();
            Ok(page(status, &loaded))
        }
        Err(refusal) => Err(member.refused(&refusal)),
    }
}

async fn load(console: &Console, member: &Member, slug: String) -> Result<SecurityPage, Stop> {
    let place = member.place(&slug)?;
    let roles = allowed(member, list_roles(&console.service, &member.ctx, &slug).await)?;
    Ok(SecurityPage {
        shell: member.shell_in(&place.workspace, Tab::Security),
        roles: roles.iter().map(|role| creator(console, role)).collect(),
        longest: span(console.service.profile.keys.expiry.max_seconds),
        grace: grace(console, member, &place.workspace),
        slug,
    })
}

fn grace(console: &Console, member: &Member, workspace: &Workspace) -> Grace {
    let (now, chosen) = (member.ctx.now, workspace.grace);
    let earlier = chosen.earlier.filter(|earlier| now < earlier.until && earlier.seconds > chosen.seconds);
    Grace {
        written: chosen.seconds.to_string(),
        is_some: chosen.seconds.is_some(),
        earlier: earlier.map(|earlier| (earlier.seconds.get(), When::near(earlier.until, now))),
        may_choose: member.may(console, workspace.slug.as_str(), permission::SETTINGS_MANAGE),
        complaints: Vec::new(),
    }
}

fn creator(console: &Console, role: &Role) -> Creator {
    let catalogue = &console.service.profile.catalogue;
    let grants = Grants::compile(catalogue, &role.grant);
    let rights = Rights { own: None, role: Some(&grants) };
    let may_create = rights.allow(Wanted::new(catalogue, permission::SETTINGS_MANAGE), None);
    Creator { title: role.title.to_string(), may_create }
}
