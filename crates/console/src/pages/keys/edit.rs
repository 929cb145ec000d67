//! Editing a key: `GET` and `POST …/keys/{id}/edit`. Its secret, kind and end stay.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::field::FieldError;
use keyward_core::key::KeyKind;
use keyward_service::list::{KeyRow, Page};
use keyward_service::list_members::list_members;
use keyward_service::prepare_key::Offer;
use keyward_service::refusal::Refusal;
use keyward_service::update_key::{KeyEdit, update_key};

use super::Shelf;
use super::details::written;
use super::draft::Draft;
use super::form::{Choice, KeyForm, Part};
use super::list::{MayCreate, may_create};
use crate::Console;
use crate::html::Html;
use crate::note::Note;
use crate::respond::{go_saying, page};
use crate::shell::Shell;
use crate::stop::Stop;
use crate::visitor::{At, Member, Sent};

/// Members that the menu of owners offers. With more, the API and the command line take an identifier.
const OWNERS_MAX: u32 = 200;

#[derive(Template)]
#[template(path = "keys/step.html")]
struct EditPage {
    shell: Shell,
    title: String,
    step: Option<(usize, usize)>,
    content: Html,
}

/// `GET …/keys/{id}/edit`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    let draft = Draft::of(&row);
    show_form(&console, &member, &shelf, &row, draft, &[], row.key.version).await
}

/// `POST …/keys/{id}/edit`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    let draft = Draft::read(&form);
    // The form carries the version that it was made from: nobody overwrites what somebody else has changed meanwhile.
    let version = form.one("once").parse().unwrap_or(0);
    let edit = match edit(&draft, &row, &console, version) {
        Ok(edit) => edit,
        Err(error) => return show_form(&console, &member, &shelf, &row, draft, &[error], version).await,
    };
    match update_key(&console.service, &member.ctx, shelf.whose(), &at.id, edit).await {
        Ok(row) => Ok(go_saying(Note::KeySaved, &format!("{}/{}", shelf.base, row.key.id))),
        Err(Refusal::Invalid(errors)) => {
            show_form(&console, &member, &shelf, &row, draft, &errors, version).await
        }
        Err(refusal) => Err(member.refused(&refusal)),
    }
}

/// Only what was changed is asked for: an owner who may describe a key and no more can still do that.
fn edit(draft: &Draft, row: &KeyRow, console: &Console, version: u64) -> Result<KeyEdit, FieldError> {
    let before = Draft::of(row);
    let inherits = console.service.profile.keys.inherit && row.key.kind() == KeyKind::Personal;
    let changed = |is: bool| is.then_some(());
    let grant = draft.scopes != before.scopes || draft.rules != before.rules || !draft.only.is_empty();
    let grant = changed(grant && !inherits);
    Ok(KeyEdit {
        name: Some(draft.name.clone()),
        description: Some(Some(draft.description.clone()).filter(|text| !text.is_empty())),
        owner: changed(draft.owner != before.owner && !draft.owner.is_empty()).map(|()| draft.owner.clone()),
        scopes: grant.map(|()| draft.whole_scopes()),
        rules: grant.map(|()| draft.new_rules()),
        allowed_cidrs: changed(draft.cidrs() != before.cidrs()).map(|()| draft.cidrs()),
        requests_per_minute: match draft.rate()? {
            rate if draft.requests_per_minute != before.requests_per_minute => Some(rate),
            _ => None,
        },
        if_version: Some(version),
        ..KeyEdit::default()
    })
}

async fn show_form(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    row: &KeyRow,
    draft: Draft,
    wrong: &[FieldError],
    version: u64,
) -> Result<Response, Stop> {
    let nothing_held = || vec![false; console.service.profile.catalogue.scopes().len()];
    let offer = match may_create(console, member, shelf).await? {
        MayCreate::Yes(offer) => offer,
        MayCreate::PlanLacks(_) | MayCreate::No(_) => Offer { held: nothing_held(), lifetime_max: None },
    };
    let address = format!("{}/{}", shelf.base, row.key.id);
    let owners = owners(console, member, shelf, &draft).await?;
    let form = KeyForm::with(console, member, shelf, &offer, Part::Edit, version.to_string(), draft);
    let form = KeyForm {
        action: format!("{address}/edit"),
        heading: format!("Edit {}", row.key.name),
        submit: "Save".to_owned(),
        cancel: address,
        workspaces: Vec::new(),
        owners,
        ..form
    };
    let form = form.complaining(wrong);
    let content = written(member, &form)?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = form.heading.clone();
    Ok(page(status, &EditPage { shell: shelf.shell(member)?, title, step: None, content }))
}

/// Members who may look after the key. Whoever may not see them changes no owner.
async fn owners(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    draft: &Draft,
) -> Result<Vec<Choice>, Stop> {
    let (Some(slug), KeyKind::Workspace) = (&shelf.slug, shelf.kind) else { return Ok(Vec::new()) };
    let page = Page { limit: OWNERS_MAX, after: None };
    let members = match list_members(&console.service, &member.ctx, slug, &page).await {
        Ok(members) => members,
        Err(Refusal::Forbidden(_)) => return Ok(Vec::new()),
        Err(refusal) => return Err(member.refused(&refusal)),
    };
    let nobody = draft.owner.is_empty().then(|| Choice {
        value: String::new(),
        words: "Nobody".to_owned(),
        chosen: true,
    });
    let choices = members.iter().map(|one| {
        let id = one.user.to_string();
        Choice { chosen: id == draft.owner, value: id, words: format!("{} ({})", one.name, one.email) }
    });
    Ok(nobody.into_iter().chain(choices).collect())
}
