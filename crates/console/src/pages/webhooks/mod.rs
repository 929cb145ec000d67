//! `/w/{slug}/webhooks`: addresses that are told of the workspace's events, and what became of telling them.

mod deliveries;
mod form;
mod show;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::permission;
use keyward_core::webhook::Disabled;
use keyward_service::list::{Page, Webhook};
use keyward_service::list_webhooks::list_webhooks;
use std::sync::Arc;

pub(crate) use self::deliveries::{delivery, resend};
pub(crate) use self::form::{begin, create, edit, save};
pub(crate) use self::show::{ask, delete, rotate, show, switch, test};
use super::settings::{allowed, slug};
use crate::Console;
use crate::respond::page_after;
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member};
use crate::when::When;

/// All of a workspace: it cannot have more.
const ALL: Page = Page { limit: keyward_service::event::WEBHOOKS_MAX, after: None };

/// A webhook, as pages show it.
struct Hook {
    id: String,
    url: String,
    description: Option<String>,
    /// `None`: all kinds of events.
    events: Option<Vec<&'static str>>,
    /// The class and the words of how it does.
    state: (&'static str, String),
    is_disabled: bool,
    waiting: u32,
    dropped: u64,
    succeeded: Option<When>,
    created: When,
    /// Until when the secret before signs too.
    rotating: Option<When>,
    version: u64,
}

impl Hook {
    fn of(webhook: &Webhook, now: Timestamp) -> Self {
        let kinds = webhook.kinds.as_ref();
        Self {
            id: webhook.id.to_string(),
            url: webhook.url.to_string(),
            description: webhook.description.as_deref().map(ToOwned::to_owned),
            events: kinds.map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect()),
            state: state(webhook, now),
            is_disabled: webhook.disabled.is_some(),
            waiting: webhook.health.waiting,
            dropped: webhook.health.dropped,
            succeeded: webhook.health.succeeded_at.map(|at| When::near(at, now)),
            created: When::on(webhook.created_at),
            rotating: webhook
                .old_secret
                .as_ref()
                .filter(|old| old.ends_at > now)
                .map(|old| When::near(old.ends_at, now)),
            version: webhook.version,
        }
    }
}

fn state(webhook: &Webhook, now: Timestamp) -> (&'static str, String) {
    match (&webhook.disabled, webhook.health.failing_since) {
        (Some((_, Disabled::Asked)), _) => ("revoked", "Disabled".to_owned()),
        (Some((_, Disabled::Failing)), _) => {
            ("revoked", "Disabled: it took nothing for three days".to_owned())
        }
        (Some((_, Disabled::Gone)), _) => ("revoked", "Disabled: it answered 410 Gone".to_owned()),
        (None, Some(since)) => ("expired", format!("Failing, first {}", When::near(since, now).short)),
        (None, None) => ("active", "Active".to_owned()),
    }
}

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct ListPage {
    shell: Shell,
    slug: String,
    hooks: Vec<Hook>,
    manages: bool,
}

/// `GET /w/{slug}/webhooks`
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let place = member.place(&slug)?;
    let hooks = allowed(&member, list_webhooks(&console.service, &member.ctx, &slug, &ALL).await)?;
    let shell = member.shell_in(&place.workspace, Tab::Webhooks);
    let hooks = hooks.iter().map(|one| Hook::of(one, member.ctx.now)).collect();
    let manages = member.may(&console, &slug, permission::SETTINGS_MANAGE);
    Ok(page_after(shell.note, &ListPage { shell, slug, hooks, manages }))
}

/// A kind of event, as a box to tick.
struct Kind {
    name: &'static str,
    chosen: bool,
}

fn kinds(chosen: &[String]) -> Vec<Kind> {
    let kind = |kind: EventKind| Kind {
        name: kind.as_str(),
        chosen: chosen.iter().any(|name| name == kind.as_str()),
    };
    EventKind::ALL.into_iter().map(kind).collect()
}

/// Status of a page with a form in it.
const fn status(is_wrong: bool) -> StatusCode {
    if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}
