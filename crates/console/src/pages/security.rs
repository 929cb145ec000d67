//! `/w/{slug}/security`: what bounds the keys of a workspace: who may create, how long a key lives at most, from where it works,
//! how long nodes that are cut off go on accepting it. Who manages the workspace chooses all but the first here.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::field::FieldError;
use keyward_core::grace::GraceSeconds;
use keyward_core::grant::{Grants, Rights, Wanted};
use keyward_core::key::ALLOWED_CIDRS_MAX;
use keyward_core::lifetime::LifetimeDays;
use keyward_core::permission;
use keyward_core::workspace::Workspace;
use keyward_service::list_roles::list_roles;
use keyward_service::refusal::Refusal;
use keyward_service::role::Role;
use keyward_service::update_workspace::{WorkspaceEdit, update_workspace};

use super::keys::words;
use super::settings::{allowed, slug};
use crate::Console;
use crate::form::sentence;
use crate::note::Note;
use crate::respond::{go_saying, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Pairs, Sent};
use crate::when::{When, span};

/// How long nodes that are cut off go on.
struct Grace {
    /// What is chosen, or was written.
    written: String,
    /// Whether any is chosen.
    is_some: bool,
    /// A longer one that was chosen before, and until when some node may go by it.
    earlier: Option<(u16, When)>,
    complaints: Vec<String>,
}

/// How long a key lives at most, in this workspace.
struct Lifetime {
    /// How many days are chosen, or what was written. Empty: as many as the product allows.
    written: String,
    complaints: Vec<String>,
}

/// From which networks keys open the workspace.
struct Networks {
    /// One a line: what is chosen, or what was written.
    written: String,
    complaints: Vec<String>,
}

/// What somebody has chosen, as they wrote it: one of the page's forms.
enum Chosen {
    Grace(String),
    Lifetime(String),
    Networks(String),
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
    /// Whether whoever looks may choose.
    may_choose: bool,
    /// The longest life of a key, as the product says.
    longest: String,
    lifetime: Lifetime,
    networks: Networks,
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

/// `POST /w/{slug}/security`: chooses what one of its forms is about.
pub(crate) async fn change(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let bad = || member.stop(Reason::BadForm(StatusCode::BAD_REQUEST));
    let chosen = Chosen::read(&form).ok_or_else(bad)?;
    match update_workspace(&console.service, &member.ctx, &slug, chosen.edit()).await {
        Ok(_) => Ok(go_saying(chosen.note(), &format!("/w/{slug}/security"))),
        // Only what was written can be mended by writing it again.
        Err(Refusal::Invalid(errors)) => {
            let mut loaded = load(&console, &member, slug).await?;
            let complaints = errors.iter().map(|error| chosen.complaint(error)).collect();
            match chosen {
                Chosen::Grace(written) => loaded.grace = Grace { written, complaints, ..loaded.grace },
                Chosen::Lifetime(written) => loaded.lifetime = Lifetime { written, complaints },
                Chosen::Networks(written) => loaded.networks = Networks { written, complaints },
            }
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &loaded))
        }
        Err(refusal) => Err(member.refused(&refusal)),
    }
}

impl Chosen {
    /// What a form is about. `None`: it is none of this page's.
    fn read(form: &Pairs) -> Option<Self> {
        let written =
            |field| form.has(field).then(|| form.one(field).replace("\r\n", "\n").trim().to_owned());
        let grace = written("grace_seconds").map(Self::Grace);
        let lifetime = || written("lifetime_days").map(Self::Lifetime);
        let networks = || written("networks").map(Self::Networks);
        grace.or_else(lifetime).or_else(networks)
    }

    /// What is no number is as little a choice as one that is too large: the service says which there are.
    fn edit(&self) -> WorkspaceEdit {
        let number = |text: &str| text.parse().unwrap_or(u64::MAX);
        let nothing = WorkspaceEdit::default();
        match self {
            Self::Grace(text) => WorkspaceEdit { grace_seconds: Some(number(text)), ..nothing },
            Self::Lifetime(text) => {
                let days = (!text.is_empty()).then(|| number(text));
                WorkspaceEdit { key_lifetime_days_max: Some(days), ..nothing }
            }
            Self::Networks(text) => WorkspaceEdit { allowed_cidrs: Some(words(text)), ..nothing },
        }
    }

    const fn note(&self) -> Note {
        match self {
            Self::Grace(_) => Note::GraceChosen,
            Self::Lifetime(_) => Note::LifetimeChosen,
            Self::Networks(_) => Note::NetworksChosen,
        }
    }

    /// What is wrong, and with which of several.
    fn complaint(&self, error: &FieldError) -> String {
        let place = error.field.split(['[', ']']).nth(1).and_then(|digits| digits.parse::<usize>().ok());
        match (self, place) {
            (Self::Networks(text), Some(place)) => {
                let one = words(text).into_iter().nth(place).unwrap_or_default();
                sentence(&format!("{one}: {}", error.message))
            }
            _ => sentence(&error.message),
        }
    }
}

async fn load(console: &Console, member: &Member, slug: String) -> Result<SecurityPage, Stop> {
    let place = member.place(&slug)?;
    let roles = allowed(member, list_roles(&console.service, &member.ctx, &slug).await)?;
    Ok(SecurityPage {
        shell: member.shell_in(&place.workspace, Tab::Security),
        roles: roles.iter().map(|role| creator(console, role)).collect(),
        may_choose: member.may(console, &slug, permission::SETTINGS_MANAGE),
        longest: span(console.service.profile.keys.expiry.max_seconds),
        lifetime: lifetime(&place.workspace),
        networks: networks(&place.workspace),
        grace: grace(member, &place.workspace),
        slug,
    })
}

fn lifetime(workspace: &Workspace) -> Lifetime {
    let written = workspace.key_lifetime_max.map(|most| most.get().to_string()).unwrap_or_default();
    Lifetime { written, complaints: Vec::new() }
}

fn networks(workspace: &Workspace) -> Networks {
    let all: Vec<String> = workspace.allowed_cidrs.iter().map(ToString::to_string).collect();
    Networks { written: all.join("\n"), complaints: Vec::new() }
}

fn grace(member: &Member, workspace: &Workspace) -> Grace {
    let (now, chosen) = (member.ctx.now, workspace.grace);
    let earlier = chosen.earlier.filter(|earlier| now < earlier.until && earlier.seconds > chosen.seconds);
    Grace {
        written: chosen.seconds.to_string(),
        is_some: chosen.seconds.is_some(),
        earlier: earlier.map(|earlier| (earlier.seconds.get(), When::near(earlier.until, now))),
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
