//! Making a key: `GET` and `POST …/keys/new`. What was made is shown in the answer, once.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::field::FieldError;
use keyward_core::key::KeyKind;
use keyward_core::pages::CreateForm;
use keyward_service::create_key::{Created, NewKey, create_personal_key, create_workspace_key};
use keyward_service::ctx::Ctx;
use keyward_service::get_key::Whose;
use keyward_service::prepare_key::{Offer, check_new_key};
use keyward_service::refusal::Refusal;

use super::Shelf;
use super::draft::Draft;
use super::form::{KeyForm, Part, field_of};
use super::list::{MayCreate, below, may_create, under};
use super::once::{self, Turn};
use super::preset;
use super::secret::SecretCard;
use super::store;
use crate::Console;
use crate::html::Html;
use crate::note::Note;
use crate::respond::{go_saying, page, page_with_cookie};
use crate::shell::Shell;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Sent};

/// A page with a form, or with the secret of a key, on its own.
#[derive(Template)]
#[template(path = "keys/step.html")]
struct StepPage {
    shell: Shell,
    title: String,
    /// Which step this is, of so many.
    step: Option<(usize, usize)>,
    content: Html,
}

/// A dialog over the list.
#[derive(Template)]
#[template(path = "keys/dialog.html")]
struct DialogCard {
    title: String,
    content: Html,
}

/// `GET …/keys/new`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let offer = offer(&console, &member, &shelf).await?;
    let form =
        KeyForm::new(&console, &member, &shelf, &offer, first_part(&console, &shelf), once::draw(&member)?);
    show_form(&console, &member, &shelf, StatusCode::OK, &form).await
}

/// `POST …/keys/new`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let draft = Draft::read(&form);
    if form.has(preset::FIELD) {
        return choose(&console, &member, &shelf, draft, form.one(preset::FIELD)).await;
    }
    let wanted = draft.new_key(shelf.only());
    match form.one("step") {
        "back" => again(&console, &member, &shelf, draft, Part::Details, &[]).await,
        "details" => {
            let offer = offer(&console, &member, &shelf).await?;
            let wrong = details_errors(&console, &member, &shelf, &offer, wanted);
            let part = if wrong.is_empty() { Part::Scopes } else { Part::Details };
            again_with(&console, &member, &shelf, &offer, draft, part, &wrong).await
        }
        "scopes" | "whole" => {
            let part = if form.one("step") == "scopes" { Part::Scopes } else { Part::Whole };
            match wanted {
                Err(error) => again(&console, &member, &shelf, draft, part, &[error]).await,
                Ok(wanted) => {
                    let number = form.one(once::FIELD);
                    carry_out(&console, &member, &shelf, (draft, part), wanted, number).await
                }
            }
        }
        _ => Err(member.stop(Reason::BadForm(StatusCode::BAD_REQUEST))),
    }
}

/// The form once more, with several scopes ticked at once.
async fn choose(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    mut draft: Draft,
    chosen: &str,
) -> Result<Response, Stop> {
    let bad = || member.stop(Reason::BadForm(StatusCode::BAD_REQUEST));
    let choice = preset::Choice::read(chosen).ok_or_else(bad)?;
    let offer = offer(console, member, shelf).await?;
    choice.apply(&mut draft, &console.service.profile.catalogue, &offer);
    again_with(console, member, shelf, &offer, draft, choice.part, &[]).await
}

/// Makes the key, unless this very form was carried out before.
async fn carry_out(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    (draft, part): (Draft, Part),
    wanted: NewKey,
    number: &str,
) -> Result<Response, Stop> {
    let ctx = match once::take(console, member, &format!("{}/new", shelf.base), number).await? {
        Turn::First(ctx) => ctx,
        Turn::Again(address) => return Ok(go_saying(Note::KeyCreatedBefore, &address)),
    };
    match create(console, &ctx, shelf, wanted).await {
        Ok(created) => {
            once::done(console, &ctx, &format!("{}/{}", shelf.base, created.row.key.id)).await;
            show_secret(console, member, shelf, &created).await
        }
        Err(refusal) => {
            once::undone(console, &ctx).await;
            match refusal {
                Refusal::Invalid(errors) => again(console, member, shelf, draft, part, &errors).await,
                refusal => Err(member.refused(&refusal)),
            }
        }
    }
}

async fn create(console: &Console, ctx: &Ctx, shelf: &Shelf, wanted: NewKey) -> Result<Created, Refusal> {
    match shelf.whose() {
        Whose::Workspace(slug) => create_workspace_key(&console.service, ctx, slug, wanted).await,
        Whose::Personal => create_personal_key(&console.service, ctx, wanted).await,
    }
}

/// What is wrong with the first step; the second is still to come.
fn details_errors(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    offer: &Offer,
    wanted: Result<NewKey, FieldError>,
) -> Vec<FieldError> {
    let checked = match wanted {
        Err(error) => return vec![error],
        Ok(wanted) => check_new_key(&console.service, &member.ctx, shelf.kind, offer, wanted),
    };
    match checked {
        Err(Refusal::Invalid(errors)) => {
            let is_ours = |error: &FieldError| !matches!(field_of(error), "scopes" | "rules");
            errors.into_iter().filter(is_ours).collect()
        }
        Ok(()) | Err(_) => Vec::new(),
    }
}

/// The form once more, with what was written.
async fn again(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    draft: Draft,
    part: Part,
    wrong: &[FieldError],
) -> Result<Response, Stop> {
    let offer = offer(console, member, shelf).await?;
    again_with(console, member, shelf, &offer, draft, part, wrong).await
}

/// The same where it is known already what may be asked of the key.
async fn again_with(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    offer: &Offer,
    draft: Draft,
    part: Part,
    wrong: &[FieldError],
) -> Result<Response, Stop> {
    let about_details = wrong.iter().any(|error| !matches!(field_of(error), "scopes" | "rules"));
    let part = if part == Part::Scopes && about_details { Part::Details } else { part };
    let form = KeyForm::with(console, member, shelf, offer, part, once::draw(member)?, draft);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    show_form(console, member, shelf, status, &form.complaining(wrong)).await
}

async fn offer(console: &Console, member: &Member, shelf: &Shelf) -> Result<Offer, Stop> {
    match may_create(console, member, shelf).await? {
        MayCreate::Yes(offer) => Ok(offer),
        MayCreate::PlanLacks(text) => Err(Stop::within(shelf.shell(member)?, Reason::PlanLacks(text))),
        MayCreate::No(text) => {
            Err(Stop::within(shelf.shell(member)?, Reason::Refused(StatusCode::FORBIDDEN, text)))
        }
    }
}

/// How the form is shown here: above the list only where the keys are one's own.
fn form_here(console: &Console, shelf: &Shelf) -> CreateForm {
    match console.service.profile.pages.create {
        CreateForm::AboveList if shelf.slug.is_some() => CreateForm::Dialog,
        form => form,
    }
}

/// Steps are for keys that have scopes to choose.
fn first_part(console: &Console, shelf: &Shelf) -> Part {
    let inherits = console.service.profile.keys.inherit && shelf.kind == KeyKind::Personal;
    match form_here(console, shelf) {
        CreateForm::Steps if !inherits => Part::Details,
        CreateForm::Steps | CreateForm::Dialog | CreateForm::AboveList => Part::Whole,
    }
}

async fn show_form(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    status: StatusCode,
    form: &KeyForm,
) -> Result<Response, Stop> {
    let content = written(member, form)?;
    match form_here(console, shelf) {
        CreateForm::AboveList => below(console, member, shelf, status, content).await,
        CreateForm::Dialog => {
            let dialog = written(member, &DialogCard { title: form.heading.clone(), content })?;
            under(console, member, shelf, status, dialog, None).await
        }
        CreateForm::Steps => {
            let title = form.heading.clone();
            let step = match form.part {
                Part::Details => Some((1, 3)),
                Part::Scopes => Some((2, 3)),
                Part::Whole | Part::Edit | Part::Role => None,
            };
            Ok(page(status, &StepPage { shell: shelf.shell(member)?, title, step, content }))
        }
    }
}

/// The page that shows the secret. It sets a cookie that the next page takes away: what a browser kept of this one is
/// then gone.
async fn show_secret(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    created: &Created,
) -> Result<Response, Stop> {
    let heading = &console.service.profile.pages.secret_heading;
    let vaults = store::vaults(console, member, shelf).await?;
    let card = SecretCard::new(console, member, shelf, heading, created, vaults);
    let content = written(member, &card)?;
    let title = card.heading.clone();
    if form_here(console, shelf) == CreateForm::Steps {
        let step = Some((3, 3));
        let step_page = StepPage { shell: shelf.shell(member)?, title, step, content };
        return Ok(page_with_cookie(StatusCode::CREATED, &step_page, Note::KeyCreated.cookie()));
    }
    let dialog = written(member, &DialogCard { title, content })?;
    let cookie = Some(Note::KeyCreated.cookie());
    under(console, member, shelf, StatusCode::CREATED, dialog, cookie).await
}

fn written(member: &Member, template: &impl Template) -> Result<Html, Stop> {
    Html::of(template).map_err(|error| {
        tracing::error!(%error, "a part of a page could not be written");
        member.stop(Reason::Broken(Some(member.ctx.request.id)))
    })
}
