//! `/w/{slug}/service-accounts`: what keys act as. Those that stand alone are made, edited, disabled and deleted here.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::permission;
use keyward_service::create_service_account::create_service_account;
use keyward_service::delete_service_account::delete_service_account;
use keyward_service::list::{Position, ServiceAccountRow, SortValue};
use keyward_service::list_service_accounts::{get_service_account, list_service_accounts};
use keyward_service::refusal::Refusal;
use keyward_service::update_service_account::{ServiceAccountEdit, update_service_account};

use super::members::again;
use super::settings::{allowed, cut, part, slug};
use crate::Console;
use crate::form::{Field, FormPage, Group, Wrong};
use crate::note::Note;
use crate::position::written;
use crate::respond::{go_saying, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member, Query, Sent};

#[derive(Template)]
#[template(path = "service_accounts.html")]
struct AccountsPage {
    shell: Shell,
    slug: String,
    accounts: Vec<ServiceAccountRow>,
    next: Option<String>,
    manages: bool,
}

/// `GET /w/{slug}/service-accounts`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(query): Query,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let place = member.place(&slug)?;
    let asked = part(&member, &query)?;
    let found = list_service_accounts(&console.service, &member.ctx, &slug, None, &asked).await;
    let mut accounts = allowed(&member, found)?;
    let next = cut(&mut accounts, |row: &ServiceAccountRow| Position {
        value: SortValue::Number(row.created_at.as_microsecond()),
        id: row.account.id.to_bytes(),
    });
    let next = next.map(|place| format!("/w/{slug}/service-accounts?after={}", written(&place)));
    let shell = member.shell_in(&place.workspace, Tab::ServiceAccounts);
    let manages = member.may(&console, &slug, permission::SETTINGS_MANAGE);
    Ok(page_after(shell.note, &AccountsPage { shell, slug, accounts, next, manages }))
}

/// `GET /w/{slug}/service-accounts/new`
pub(crate) async fn begin(member: Member, at: At) -> Result<Response, Stop> {
    Ok(new_form(&member, &slug(at), "", "")?.show())
}

/// `POST /w/{slug}/service-accounts/new`
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let (name, about) = (form.one("name").trim(), form.one("description").trim());
    let description = Some(about.to_owned()).filter(|text| !text.is_empty());
    match create_service_account(&console.service, &member.ctx, &slug, name, description).await {
        Ok(_) => Ok(go_saying(Note::AccountSaved, &format!("/w/{slug}/service-accounts"))),
        Err(refusal) => Ok(new_form(&member, &slug, name, about)?.show_again(again(&member, refusal)?)),
    }
}

fn new_form(member: &Member, slug: &str, name: &str, about: &str) -> Result<FormPage, Stop> {
    let place = member.place(slug)?;
    let shell = member.shell_in(&place.workspace, Tab::ServiceAccounts);
    let token = Field { kind: "hidden", ..Field::text("form_token", "", shell.token()) };
    let hint = "What the audit log calls it, such as deployer.";
    let name = Field {
        required: true,
        autocomplete: "off",
        hint: Some(hint.to_owned()),
        verbatim: true,
        ..Field::text("name", "Name", name)
    };
    let about = Field { autocomplete: "off", ..Field::text("description", "Description (optional)", about) };
    Ok(FormPage {
        shell,
        heading: "New service account".to_owned(),
        intro: vec![
            "Several keys can act as one that stands alone, and it stays when a key ends.".to_owned(),
        ],
        action: format!("/w/{slug}/service-accounts/new"),
        groups: vec![Group { legend: String::new(), fields: vec![token, name, about] }],
        submit: "Create service account",
        complaints: Vec::new(),
        otherwise: None,
    })
}

#[derive(Template)]
#[template(path = "service_account.html")]
struct AccountPage {
    shell: Shell,
    slug: String,
    row: ServiceAccountRow,
    complaints: Vec<String>,
    /// Whether it is asked whether to delete it.
    deleting: bool,
}

/// `GET /w/{slug}/service-accounts/{id}`
pub(crate) async fn edit(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    Ok(page(StatusCode::OK, &one(&console, &member, at).await?))
}

/// `GET /w/{slug}/service-accounts/{id}/delete`
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let account = one(&console, &member, at).await?;
    Ok(page(StatusCode::OK, &AccountPage { deleting: true, ..account }))
}

async fn one(console: &Console, member: &Member, at: At) -> Result<AccountPage, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    let place = member.place(&slug)?;
    let row = allowed(member, get_service_account(&console.service, &member.ctx, &slug, &id).await)?;
    let shell = member.shell_in(&place.workspace, Tab::ServiceAccounts);
    Ok(AccountPage { shell, slug, row, complaints: Vec::new(), deleting: false })
}

/// `POST /w/{slug}/service-accounts/{id}`: another name or description, disabled, or no longer.
pub(crate) async fn save(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let disabled = match form.one("disabled") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let about = form.one("description").trim().to_owned();
    let is_edit = form.has("name");
    let edit = ServiceAccountEdit {
        name: is_edit.then(|| form.one("name").trim().to_owned()),
        description: is_edit.then(|| Some(about).filter(|text| !text.is_empty())),
        disabled,
        if_version: Some(version(&form)),
    };
    let place = slug(at.clone());
    let saved = update_service_account(&console.service, &member.ctx, &place, &at.id, edit).await;
    finish(&console, &member, at, saved.map(drop), Note::AccountSaved).await
}

/// `POST /w/{slug}/service-accounts/{id}/delete`
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let place = slug(at.clone());
    let version = Some(version(&form));
    let deleted = delete_service_account(&console.service, &member.ctx, &place, &at.id, version).await;
    finish(&console, &member, at, deleted, Note::AccountDeleted).await
}

fn version(form: &crate::visitor::Pairs) -> u64 {
    // The version of nothing: a form of ours always has one.
    form.one("version").parse().unwrap_or(0)
}

async fn finish(
    console: &Console,
    member: &Member,
    at: At,
    done: Result<(), Refusal>,
    note: Note,
) -> Result<Response, Stop> {
    let list = format!("/w/{}/service-accounts", slug(at.clone()));
    match done {
        Ok(()) => Ok(go_saying(note, &list)),
        Err(refusal) => {
            let wrong: Wrong = again(member, refusal)?;
            let status = wrong.status;
            let account = AccountPage { complaints: wrong.all(), ..one(console, member, at).await? };
            Ok(page(status, &account))
        }
    }
}
