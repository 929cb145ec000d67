//! One webhook: how it does, its deliveries, and what can be done with it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::permission;
use keyward_core::webhook::DeliveryStatus;
use keyward_service::delete_webhook::delete_webhook;
use keyward_service::list::{Delivery, DeliveryFilter, Page, Position, SortValue};
use keyward_service::list_webhooks::{get_webhook, list_deliveries};
use keyward_service::refusal::Refusal;
use keyward_service::rotate_webhook_secret::rotate_webhook_secret;
use keyward_service::test_webhook::test_webhook;
use keyward_service::update_webhook::{WebhookEdit, update_webhook};
use keyward_service::webhook::WithSecret;

use super::Hook;
use super::deliveries::Sending;
use crate::Console;
use crate::note::Note;
use crate::pages::keys::once::{self, Turn};
use crate::pages::members::again;
use crate::pages::settings::{allowed, cut, part, slug};
use crate::position::written;
use crate::respond::{go_saying, page, page_after, page_with_cookie};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member, Pairs, Query, Sent};

#[derive(Template)]
#[template(path = "webhooks/show.html")]
struct HookPage {
    shell: Shell,
    slug: String,
    hook: Hook,
    manages: bool,
    /// The number of the form that rotates.
    once: String,
    /// A new secret, in clear this once.
    secret: Option<String>,
    status: String,
    sendings: Vec<Sending>,
    next: Option<String>,
    complaints: Vec<String>,
    deleting: bool,
}

/// `GET /w/{slug}/webhooks/{id}`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(query): Query,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let hook = load(&console, &member, &slug(at), &id, &query).await?;
    Ok(page_after(hook.shell.note, &hook))
}

/// `GET /w/{slug}/webhooks/{id}/delete`
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let hook = load(&console, &member, &slug(at), &id, &Pairs::default()).await?;
    Ok(page(StatusCode::OK, &HookPage { deleting: true, ..hook }))
}

async fn load(
    console: &Console,
    member: &Member,
    slug: &str,
    id: &str,
    query: &Pairs,
) -> Result<HookPage, Stop> {
    let place = member.place(slug)?;
    let (service, ctx) = (&console.service, &member.ctx);
    let webhook = allowed(member, get_webhook(service, ctx, slug, id).await)?;
    let status = query.one("status").to_owned();
    let filter = DeliveryFilter { status: DeliveryStatus::parse(&status), ..DeliveryFilter::default() };
    let asked: Page = part(member, query)?;
    let mut rows = allowed(member, list_deliveries(service, ctx, slug, id, &filter, &asked).await)?;
    let next = cut(&mut rows, |row: &Delivery| Position {
        value: SortValue::Number(i64::try_from(row.number).unwrap_or(i64::MAX)),
        id: row.id.to_bytes(),
    });
    let filters = format!("status={}", crate::address::encoded(&status));
    Ok(HookPage {
        shell: member.shell_in(&place.workspace, Tab::Webhooks),
        slug: slug.to_owned(),
        hook: Hook::of(&webhook, ctx.now),
        manages: member.may(console, slug, permission::SETTINGS_MANAGE),
        once: once::draw(member)?,
        secret: None,
        status,
        sendings: rows.iter().map(|row| Sending::of(row, ctx.now)).collect(),
        next: next.map(|place| format!("/w/{slug}/webhooks/{id}?{filters}&after={}", written(&place))),
        complaints: Vec::new(),
        deleting: false,
    })
}

/// The page with a new secret on it, this once. It sets a cookie that the next page takes away.
pub(super) async fn show_secret(
    console: &Console,
    member: &Member,
    slug: &str,
    made: &WithSecret,
) -> Result<Response, Stop> {
    let hook = load(console, member, slug, &made.webhook.id.to_string(), &Pairs::default()).await?;
    let hook = HookPage { secret: Some(made.secret.to_string()), ..hook };
    Ok(page_with_cookie(StatusCode::CREATED, &hook, Note::WebhookSaved.cookie()))
}

/// `POST /w/{slug}/webhooks/{id}`: disabled, or no longer.
pub(crate) async fn switch(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let disabled = Some(form.one("disabled") == "yes");
    let edit = WebhookEdit { disabled, if_version: Some(version(&form)), ..WebhookEdit::default() };
    let place = slug(at.clone());
    let switched = update_webhook(&console.service, &member.ctx, &place, &at.id, edit).await;
    finish(&console, &member, &at, switched.map(drop), Note::WebhookSaved).await
}

/// `POST /w/{slug}/webhooks/{id}/test`
pub(crate) async fn test(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let place = slug(at.clone());
    let sent = test_webhook(&console.service, &member.ctx, &place, &at.id).await;
    finish(&console, &member, &at, sent.map(drop), Note::WebhookTested).await
}

/// `POST /w/{slug}/webhooks/{id}/rotate`
pub(crate) async fn rotate(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let place = slug(at.clone());
    let address = format!("/w/{place}/webhooks/{}", at.id);
    let ctx = match once::take(&console, &member, &format!("{address}/rotate"), form.one(once::FIELD)).await?
    {
        Turn::First(ctx) => ctx,
        Turn::Again(address) => return Ok(go_saying(Note::WebhookBefore, &address)),
    };
    match rotate_webhook_secret(&console.service, &ctx, &place, &at.id, None).await {
        Ok(made) => {
            once::done(&console, &ctx, &address).await;
            show_secret(&console, &member, &place, &made).await
        }
        Err(refusal) => {
            once::undone(&console, &ctx).await;
            finish(&console, &member, &at, Err(refusal), Note::WebhookSaved).await
        }
    }
}

/// `POST /w/{slug}/webhooks/{id}/delete`
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let place = slug(at.clone());
    match delete_webhook(&console.service, &member.ctx, &place, &at.id, Some(version(&form))).await {
        Ok(()) => Ok(go_saying(Note::WebhookDeleted, &format!("/w/{place}/webhooks"))),
        Err(refusal) => finish(&console, &member, &at, Err(refusal), Note::WebhookDeleted).await,
    }
}

fn version(form: &Pairs) -> u64 {
    // The version of nothing: a form of ours always has one.
    form.one("version").parse().unwrap_or(0)
}

async fn finish(
    console: &Console,
    member: &Member,
    at: &At,
    done: Result<(), Refusal>,
    note: Note,
) -> Result<Response, Stop> {
    let place = slug(at.clone());
    match done {
        Ok(()) => Ok(go_saying(note, &format!("/w/{place}/webhooks/{}", at.id))),
        Err(refusal) => {
            let wrong = again(member, refusal)?;
            let status = wrong.status;
            let hook = load(console, member, &place, &at.id, &Pairs::default()).await?;
            Ok(page(status, &HookPage { complaints: wrong.all(), ..hook }))
        }
    }
}
