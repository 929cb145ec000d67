//! Saving the secret of a new key in a vault: `POST …/keys/{id}/store` asks, and then does it. The secret comes from the
//! page that shows it, and goes back to nobody.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::key::KeyKind;
use keyward_core::permission;
use keyward_service::list::Vault;
use keyward_service::list_vaults::list_vaults;
use keyward_service::refusal::Refusal;
use keyward_service::store_vault_secret::{NewSecret, store_vault_secret};
use zeroize::Zeroizing;

use super::Shelf;
use super::details::{self, under};
use super::form::Choice;
use crate::Console;
use crate::note::Note;
use crate::pages::members::again;
use crate::pages::vaults::ALL;
use crate::respond::{go_saying, go_to};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Sent};

/// Vaults that the secret of a new key can be saved in: those of the workspace, for whoever may fill them.
pub(super) async fn vaults(console: &Console, member: &Member, shelf: &Shelf) -> Result<Vec<Choice>, Stop> {
    let (Some(slug), KeyKind::Workspace) = (&shelf.slug, shelf.kind) else { return Ok(Vec::new()) };
    if !member.may(console, slug, permission::VAULTS_MANAGE) {
        return Ok(Vec::new());
    }
    match list_vaults(&console.service, &member.ctx, slug, &ALL).await {
        Ok(vaults) => Ok(vaults.iter().map(choice).collect()),
        // Whoever may not see them is offered none.
        Err(Refusal::Forbidden(_)) => Ok(Vec::new()),
        Err(refusal) => Err(member.refused(&refusal)),
    }
}

fn choice(vault: &Vault) -> Choice {
    Choice { value: vault.id.to_string(), words: vault.name.to_string(), chosen: false }
}

/// The question, which carries the secret on.
#[derive(Template)]
#[template(path = "keys/store.html")]
struct Question {
    address: String,
    token: String,
    product: String,
    name: String,
    vault: Choice,
    secret: Zeroizing<String>,
    complaints: Vec<String>,
}

/// `POST …/keys/{id}/store`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let Some(slug) = shelf.slug.clone() else { return Err(member.stop(Reason::Missing)) };
    let row = shelf.key(&console, &member, &at.id).await?;
    let offered = vaults(&console, &member, &shelf).await?;
    let wanted = form.one("vault");
    let Some(vault) = offered.into_iter().find(|vault| vault.value == wanted) else {
        return Err(member.stop(Reason::BadForm(StatusCode::UNPROCESSABLE_ENTITY)));
    };
    let question = |complaints| -> Result<Question, Stop> {
        Ok(Question {
            address: format!("{}/{}", shelf.base, row.key.id),
            token: shelf.shell(&member)?.token().to_owned(),
            product: console.service.profile.product.name.to_string(),
            name: row.key.name.to_string(),
            vault: vault.clone(),
            secret: Zeroizing::new(form.one("secret").to_owned()),
            complaints,
        })
    };
    if !form.has("sure") {
        let dialog = details::written(&member, &question(Vec::new())?)?;
        let cookie = Some(Note::KeyCreated.cookie());
        return under(&console, &member, &shelf, row, StatusCode::OK, dialog, cookie).await;
    }
    let new =
        NewSecret { name: row.key.name.to_string(), secret: Zeroizing::new(form.one("secret").to_owned()) };
    match store_vault_secret(&console.service, &member.ctx, &slug, &vault.value, new).await {
        Ok(_) => Ok(go_saying(Note::KeyStored, &shelf.base)),
        Err(refusal) => {
            let wrong = again(&member, refusal)?;
            let status = wrong.status;
            let dialog = details::written(&member, &question(wrong.all())?)?;
            under(&console, &member, &shelf, row, status, dialog, Some(Note::KeyCreated.cookie())).await
        }
    }
}

/// `GET …/keys/{id}/store`: where a browser comes to that loads the address by itself. The secret is not there any more.
pub(crate) async fn back(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    Ok(go_to(&format!("{}/{}", shelf.base, row.key.id)))
}
