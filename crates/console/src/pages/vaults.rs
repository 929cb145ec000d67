//! `/w/{slug}/vaults`: places for secrets that people want to be shown again. Each time somebody is shown one, the audit
//! log tells it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use keyward_core::permission;
use keyward_service::create_vault::{NewVault, create_vault};
use keyward_service::delete_vault::delete_vault;
use keyward_service::delete_vault_secret::delete_vault_secret;
use keyward_service::list::{Page, Vault, VaultSecret};
use keyward_service::list_vaults::{get_vault, list_vault_secrets, list_vaults};
use keyward_service::refusal::Refusal;
use keyward_service::reveal_vault_secret::reveal_vault_secret;
use keyward_service::store_vault_secret::{NewSecret, store_vault_secret};
use keyward_service::vault::{SECRETS_MAX, VAULTS_MAX, status_of_key};
use zeroize::Zeroizing;

use super::members::again;
use super::settings::{allowed, slug};
use crate::Console;
use crate::note::Note;
use crate::pages::keys::status_of;
use crate::respond::{go_saying, page, page_after, page_with_cookie};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{At, Member, Sent};
use crate::when::When;

/// All of a workspace: it cannot have more.
pub(super) const ALL: Page = Page { limit: VAULTS_MAX, after: None };
/// All of a vault.
const ALL_SECRETS: Page = Page { limit: SECRETS_MAX, after: None };

#[derive(Template)]
#[template(path = "vaults/list.html")]
struct ListPage {
    shell: Shell,
    slug: String,
    vaults: Vec<Vault>,
    manages: bool,
    name: String,
    description: String,
    complaints: Vec<String>,
}

/// `GET /w/{slug}/vaults`
pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let list = load_all(&console, &member, &slug(at)).await?;
    Ok(page_after(list.shell.note, &list))
}

async fn load_all(console: &Console, member: &Member, slug: &str) -> Result<ListPage, Stop> {
    let place = member.place(slug)?;
    let vaults = allowed(member, list_vaults(&console.service, &member.ctx, slug, &ALL).await)?;
    Ok(ListPage {
        shell: member.shell_in(&place.workspace, Tab::Vaults),
        slug: slug.to_owned(),
        vaults,
        manages: member.may(console, slug, permission::VAULTS_MANAGE),
        name: String::new(),
        description: String::new(),
        complaints: Vec::new(),
    })
}

/// `POST /w/{slug}/vaults`: makes one.
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let (name, about) = (form.one("name").trim().to_owned(), form.one("description").trim().to_owned());
    let description = Some(about.clone()).filter(|text| !text.is_empty());
    let wanted = NewVault { name: name.clone(), description };
    match create_vault(&console.service, &member.ctx, &slug, wanted).await {
        Ok(vault) => Ok(go_saying(Note::VaultSaved, &format!("/w/{slug}/vaults/{}", vault.id))),
        Err(refusal) => {
            let wrong = again(&member, refusal)?;
            let status = wrong.status;
            let list = load_all(&console, &member, &slug).await?;
            Ok(page(status, &ListPage { name, description: about, complaints: wrong.all(), ..list }))
        }
    }
}

/// A secret, but for itself.
struct Kept {
    id: String,
    name: String,
    stored: When,
    by: String,
    /// The key that it is of: its identifier and status.
    of_key: Option<(String, crate::pages::keys::Status)>,
}

impl Kept {
    fn of(console: &Console, secret: &VaultSecret, now: Timestamp) -> Self {
        let of_key = secret
            .of_key
            .as_ref()
            .map(|key| (key.id.to_string(), status_of(&console.service.profile, status_of_key(key, now))));
        Self {
            id: secret.id.to_string(),
            name: secret.name.to_string(),
            stored: When::near(secret.created_at, now),
            by: secret.created_by.name.to_string(),
            of_key,
        }
    }
}

#[derive(Template)]
#[template(path = "vaults/show.html")]
struct VaultPage {
    shell: Shell,
    slug: String,
    vault: Vault,
    secrets: Vec<Kept>,
    manages: bool,
    reveals: bool,
    /// The name and the text of a secret that somebody asked to see.
    revealed: Option<(String, Zeroizing<String>)>,
    complaints: Vec<String>,
}

/// `GET /w/{slug}/vaults/{id}`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let vault = load(&console, &member, &at).await?;
    Ok(page_after(vault.shell.note, &vault))
}

async fn load(console: &Console, member: &Member, at: &At) -> Result<VaultPage, Stop> {
    let (slug, service, ctx) = (slug(at.clone()), &console.service, &member.ctx);
    let place = member.place(&slug)?;
    let vault = allowed(member, get_vault(service, ctx, &slug, &at.id).await)?;
    let secrets = allowed(member, list_vault_secrets(service, ctx, &slug, &at.id, &ALL_SECRETS).await)?;
    Ok(VaultPage {
        shell: member.shell_in(&place.workspace, Tab::Vaults),
        vault,
        secrets: secrets.iter().map(|secret| Kept::of(console, secret, ctx.now)).collect(),
        manages: member.may(console, &slug, permission::VAULTS_MANAGE),
        reveals: member.may(console, &slug, permission::VAULTS_REVEAL),
        slug,
        revealed: None,
        complaints: Vec::new(),
    })
}

/// `POST /w/{slug}/vaults/{id}/secrets`: puts a secret into it.
pub(crate) async fn store(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at.clone());
    let new = NewSecret {
        name: form.one("name").trim().to_owned(),
        secret: Zeroizing::new(form.one("secret").to_owned()),
    };
    let stored = store_vault_secret(&console.service, &member.ctx, &slug, &at.id, new).await;
    finish(&console, &member, &at, stored.map(drop), Note::SecretStored).await
}

/// `POST /w/{slug}/vaults/{id}/secrets/{part}/reveal`: shows a secret, once for each time it is asked.
pub(crate) async fn reveal(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at.clone());
    let shown = reveal_vault_secret(&console.service, &member.ctx, &slug, &at.id, &at.part).await;
    match shown {
        Ok(shown) => {
            let revealed = Some((shown.secret.name.to_string(), shown.text));
            let vault = VaultPage { revealed, ..load(&console, &member, &at).await? };
            // The next page takes the cookie away: what a browser kept of this one is then gone.
            Ok(page_with_cookie(StatusCode::OK, &vault, Note::SecretRevealed.cookie()))
        }
        Err(refusal) => finish(&console, &member, &at, Err(refusal), Note::SecretRevealed).await,
    }
}

/// `POST /w/{slug}/vaults/{id}/secrets/{part}/delete`
pub(crate) async fn forget(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at.clone());
    let gone = delete_vault_secret(&console.service, &member.ctx, &slug, &at.id, &at.part).await;
    finish(&console, &member, &at, gone, Note::SecretDeleted).await
}

/// `POST /w/{slug}/vaults/{id}/delete`: an empty one.
pub(crate) async fn delete(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at.clone());
    // The version of nothing: a form of ours always has one.
    let version = form.one("version").parse().unwrap_or(0);
    match delete_vault(&console.service, &member.ctx, &slug, &at.id, Some(version)).await {
        Ok(()) => Ok(go_saying(Note::VaultDeleted, &format!("/w/{slug}/vaults"))),
        Err(refusal) => finish(&console, &member, &at, Err(refusal), Note::VaultDeleted).await,
    }
}

/// What a browser loads that goes to one of the addresses above by itself.
pub(crate) async fn back(member: Member, at: At) -> Response {
    let slug = slug(at.clone());
    let known = member.place(&slug).is_ok();
    crate::respond::go_to(&if known { format!("/w/{slug}/vaults/{}", at.id) } else { "/".to_owned() })
}

async fn finish(
    console: &Console,
    member: &Member,
    at: &At,
    done: Result<(), Refusal>,
    note: Note,
) -> Result<Response, Stop> {
    match done {
        Ok(()) => Ok(go_saying(note, &format!("/w/{}/vaults/{}", slug(at.clone()), at.id))),
        Err(refusal) => {
            let wrong = again(member, refusal)?;
            let status = wrong.status;
            Ok(page(status, &VaultPage { complaints: wrong.all(), ..load(console, member, at).await? }))
        }
    }
}
