//! Ending a key from its own page: `GET …/keys/{id}/revoke` asks, and wants the name typed; `POST` does it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_service::get_key::Whose;
use keyward_service::list::KeyRow;
use keyward_service::refusal::Refusal;
use keyward_service::revoke_key::{revoke_personal_key, revoke_workspace_key, wait_until_propagated};

use super::Shelf;
use super::details::{self, under};
use crate::Console;
use crate::note::{InForce, Note};
use crate::respond::{go_saying, go_to};
use crate::stop::Stop;
use crate::visitor::{At, Member, Sent};
use crate::when::When;

/// How long the page waits for all nodes: where none is cut off they say within some 30 ms that they have applied it.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "keys/revoke.html")]
struct Question {
    address: String,
    token: String,
    word: String,
    name: String,
    used: Option<When>,
    ip: Option<String>,
    reason: String,
    complaint: Option<&'static str>,
}

impl Question {
    fn of(console: &Console, member: &Member, shelf: &Shelf, row: &KeyRow) -> Result<Self, Stop> {
        Ok(Self {
            address: format!("{}/{}", shelf.base, row.key.id),
            token: shelf.shell(member)?.token().to_owned(),
            word: console.service.profile.pages.revoke_word.to_string(),
            name: row.key.name.to_string(),
            used: row.last_use.at.map(|at| When::near(at, member.ctx.now)),
            ip: row.last_use.ip.map(|ip| ip.to_string()),
            reason: String::new(),
            complaint: None,
        })
    }
}

/// `GET …/keys/{id}/revoke`
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    if row.key.revoked.is_some() {
        return Ok(go_to(&format!("{}/{}", shelf.base, row.key.id)));
    }
    let question = Question::of(&console, &member, &shelf, &row)?;
    let dialog = details::written(&member, &question)?;
    under(&console, &member, &shelf, row, StatusCode::OK, dialog, None).await
}

/// `POST …/keys/{id}/revoke`
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let shelf = Shelf::at(&console, &member, &at)?;
    let row = shelf.key(&console, &member, &at.id).await?;
    // Two spaces look like one.
    let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if spaced(form.one("name")) != spaced(row.key.name.as_str()) {
        let question = Question {
            complaint: Some("This is not the name of the key. Nothing was changed."),
            reason: form.one("reason").to_owned(),
            ..Question::of(&console, &member, &shelf, &row)?
        };
        let dialog = details::written(&member, &question)?;
        return under(&console, &member, &shelf, row, StatusCode::UNPROCESSABLE_ENTITY, dialog, None).await;
    }
    let reason = Some(form.one("reason").trim().to_owned()).filter(|text| !text.is_empty());
    let ended = end(&console, &member, &shelf, &at.id, reason).await;
    let note = ended.map_err(|refusal| member.refused(&refusal))?;
    Ok(go_saying(note, &format!("{}/{}", shelf.base, row.key.id)))
}

/// Revokes a key, and waits a moment to be able to say on which nodes that is in force.
pub(super) async fn end(
    console: &Console,
    member: &Member,
    shelf: &Shelf,
    id: &str,
    reason: Option<String>,
) -> Result<Note, Refusal> {
    let (service, ctx) = (&console.service, &member.ctx);
    let revoked = match shelf.whose() {
        Whose::Workspace(slug) => revoke_workspace_key(service, ctx, slug, id, reason).await?,
        Whose::Personal => revoke_personal_key(service, ctx, id, reason).await?,
    };
    let revoked_at = Instant::now();
    let revoked = wait_until_propagated(service, revoked, WAIT_MAX).await;
    Ok(Note::KeyRevoked(InForce::of(&revoked.nodes, revoked.grace, revoked_at.elapsed())))
}
