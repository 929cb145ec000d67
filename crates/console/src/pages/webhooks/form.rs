//! A new webhook, and an edited one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keyward_service::create_webhook::{NewWebhook, create_webhook};
use keyward_service::list_webhooks::get_webhook;
use keyward_service::update_webhook::{WebhookEdit, update_webhook};

use super::show::show_secret;
use super::{Kind, kinds, status};
use crate::Console;
use crate::note::Note;
use crate::pages::keys::once::{self, Turn};
use crate::pages::members::again;
use crate::pages::settings::{allowed, slug};
use crate::respond::{go_saying, page};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member, Pairs, Sent};

/// What stands in the form.
#[derive(Default)]
struct Draft {
    url: String,
    description: String,
    /// None: all kinds.
    events: Vec<String>,
}

impl Draft {
    fn read(form: &Pairs) -> Self {
        Self {
            url: form.one("url").trim().to_owned(),
            description: form.one("description").trim().to_owned(),
            events: form.all("event"),
        }
    }

    fn about(&self) -> Option<String> {
        Some(self.description.clone()).filter(|text| !text.is_empty())
    }

    fn events(&self) -> Option<Vec<String>> {
        Some(self.events.clone()).filter(|names| !names.is_empty())
    }
}

#[derive(Template)]
#[template(path = "webhooks/form.html")]
struct FormPage {
    shell: Shell,
    slug: String,
    heading: String,
    action: String,
    cancel: String,
    submit: &'static str,
    /// The number of a new form, or the version of what is edited.
    once: String,
    url: String,
    description: String,
    kinds: Vec<Kind>,
    complaints: Vec<String>,
}

fn show_form(
    member: &Member,
    slug: &str,
    old: Option<&str>,
    once: String,
    draft: Draft,
    complaints: Vec<String>,
) -> Result<Response, Stop> {
    let place = member.place(slug)?;
    let base = format!("/w/{slug}/webhooks");
    let form = FormPage {
        shell: member.shell_in(&place.workspace, Tab::Webhooks),
        slug: slug.to_owned(),
        heading: if old.is_some() { "Edit webhook" } else { "New webhook" }.to_owned(),
        action: old.map_or_else(|| format!("{base}/new"), |id| format!("{base}/{id}/edit")),
        cancel: old.map_or_else(|| base.clone(), |id| format!("{base}/{id}")),
        submit: if old.is_some() { "Save" } else { "Create webhook" },
        once,
        kinds: kinds(&draft.events),
        url: draft.url,
        description: draft.description,
        complaints,
    };
    Ok(page(status(!form.complaints.is_empty()), &form))
}

/// `GET /w/{slug}/webhooks/new`
pub(crate) async fn begin(member: Member, at: At) -> Result<Response, Stop> {
    show_form(&member, &slug(at), None, once::draw(&member)?, Draft::default(), Vec::new())
}

/// `POST /w/{slug}/webhooks/new`
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let draft = Draft::read(&form);
    let address = format!("/w/{slug}/webhooks");
    let ctx = match once::take(&console, &member, &format!("{address}/new"), form.one(once::FIELD)).await? {
        Turn::First(ctx) => ctx,
        Turn::Again(address) => return Ok(go_saying(Note::WebhookBefore, &address)),
    };
    let wanted = NewWebhook { url: draft.url.clone(), description: draft.about(), events: draft.events() };
    match create_webhook(&console.service, &ctx, &slug, wanted).await {
        Ok(made) => {
            once::done(&console, &ctx, &format!("{address}/{}", made.webhook.id)).await;
            show_secret(&console, &member, &slug, &made).await
        }
        Err(refusal) => {
            once::undone(&console, &ctx).await;
            let wrong = again(&member, refusal)?.all();
            show_form(&member, &slug, None, once::draw(&member)?, draft, wrong)
        }
    }
}

/// `GET /w/{slug}/webhooks/{id}/edit`
pub(crate) async fn edit(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    let webhook = allowed(&member, get_webhook(&console.service, &member.ctx, &slug, &id).await)?;
    let names = webhook.kinds.unwrap_or_default();
    let draft = Draft {
        url: webhook.url.to_string(),
        description: webhook.description.as_deref().unwrap_or_default().to_owned(),
        events: names.iter().map(|kind| kind.as_str().to_owned()).collect(),
    };
    show_form(&member, &slug, Some(&id), webhook.version.to_string(), draft, Vec::new())
}

/// `POST /w/{slug}/webhooks/{id}/edit`
pub(crate) async fn save(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    let draft = Draft::read(&form);
    let version = form.one(once::FIELD).to_owned();
    let edit = WebhookEdit {
        url: Some(draft.url.clone()),
        description: Some(draft.about()),
        events: Some(draft.events()),
        disabled: None,
        // The version of nothing: a form of ours always has one.
        if_version: Some(version.parse().unwrap_or(0)),
    };
    match update_webhook(&console.service, &member.ctx, &slug, &id, edit).await {
        Ok(_) => Ok(go_saying(Note::WebhookSaved, &format!("/w/{slug}/webhooks/{id}"))),
        Err(refusal) => {
            let wrong = again(&member, refusal)?.all();
            show_form(&member, &slug, Some(&id), version, draft, wrong)
        }
    }
}
