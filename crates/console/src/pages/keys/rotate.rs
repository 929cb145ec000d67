//! Rotating a key: `GET …/keys/{id}/rotate` asks how long the old secret lives on, `POST` shows the new one, once; then
//! `POST …/rotate/finish` or `…/rotate/cancel`.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_service::refusal::Refusal;
use keyward_service::rotate_key::{Ending, OVERLAP_SECONDS_MAX, end_rotation, rotate_key};

use super::Shelf;
use super::details::{under, written};
use super::form::Choice;
use super::once::{self, Turn};
use super::secret::SecretCard;
use super::store;
use crate::Console;
use crate::note::Note;
use crate::respond::go_saying;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Sent};
use crate::when::span;

/// Overlaps that the menu offers beside the profile's own.
const OVERLAPS: [u64; 5] = [0, 3_600, 86_400, 3 * 86_400, OVERLAP_SECONDS_MAX];

#[derive(Template)]
#[template(path = "keys/rotate.html")]
struct Question {
    address: String,
    token: String,
    once: String,
    name: String,
    overlaps: Vec<Choice>,
}

/// The dialog that shows the new secret.
#[derive(Template)]
#[template(path = "keys/dialog.html")]
struct DialogCard {
    title: String,
    content: crate::html::Html,
}

/// `GET …/keys/{id}/rotate`
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    let question = Question {
        address: format!("{}/{}", shelf.base, row.key.id),
        token: shelf.shell(&member)?.token().to_owned(),
        once: once::draw(&member)?,
        name: row.key.name.to_string(),
        overlaps: overlaps(console.service.profile.keys.rotation_overlap_seconds),
    };
    let dialog = written(&member, &question)?;
    under(&console, &member, &shelf, row, StatusCode::OK, dialog, None).await
}

fn overlaps(default: u64) -> Vec<Choice> {
    let mut all = OVERLAPS.to_vec();
    if !all.contains(&default) {
        all.push(default);
        all.sort_unstable();
    }
    let words = |seconds: u64| match seconds {
        0 => "Not at all: it ends now".to_owned(),
        seconds => span(seconds),
    };
    all.into_iter()
        .map(|seconds| Choice {
            value: seconds.to_string(),
            words: words(seconds),
            chosen: seconds == default,
        })
        .collect()
}

/// `POST …/keys/{id}/rotate`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let address = format!("{}/{}", shelf.base, at.id);
    let bad = || member.stop(Reason::BadForm(StatusCode::UNPROCESSABLE_ENTITY));
    let overlap: u64 = form.one("overlap").parse().map_err(|_| bad())?;
    let number = form.one(once::FIELD);
    let ctx = match once::take(&console, &member, &format!("{address}/rotate"), number).await? {
        Turn::First(ctx) => ctx,
        Turn::Again(address) => return Ok(go_saying(Note::KeyRotatedBefore, &address)),
    };
    let rotated = rotate_key(&console.service, &ctx, shelf.whose(), &at.id, Some(overlap)).await;
    let rotated = match rotated {
        Ok(rotated) => rotated,
        Err(refusal) => {
            once::undone(&console, &ctx).await;
            return Err(member.refused(&refusal));
        }
    };
    once::done(&console, &ctx, &address).await;
    let vaults = store::vaults(&console, &member, &shelf).await?;
    let card = SecretCard::new(&console, &member, &shelf, "The new secret", &rotated, vaults);
    let content = written(&member, &card)?;
    let dialog = written(&member, &DialogCard { title: card.heading.clone(), content })?;
    let row = shelf.key(&console, &member, &at.id).await?;
    let cookie = Some(Note::KeyRotated.cookie());
    under(&console, &member, &shelf, row, StatusCode::OK, dialog, cookie).await
}

/// `POST …/keys/{id}/rotate/finish`
pub(crate) async fn finish(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    end(&console, &member, &at, Ending::Finish, Note::RotationFinished).await
}

/// `POST …/keys/{id}/rotate/cancel`
pub(crate) async fn cancel(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    end(&console, &member, &at, Ending::Cancel, Note::RotationCancelled).await
}

async fn end(
    console: &Console,
    member: &Member,
    at: &At,
    ending: Ending,
    note: Note,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(console, member, at)?;
    let ended = end_rotation(&console.service, &member.ctx, shelf.whose(), &at.id, ending).await;
    let row = ended.map_err(|refusal: Refusal| member.refused(&refusal))?;
    Ok(go_saying(note, &format!("{}/{}", shelf.base, row.key.id)))
}
