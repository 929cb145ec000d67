//! A workspace's general settings, and what the pages beside them share.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::permission;
use keyward_service::list::{Page, Position};
use keyward_service::refusal::Refusal;
use keyward_service::update_workspace::{WorkspaceEdit, update_workspace};

use crate::Console;
use crate::form::{Field, FormPage, Group, Outcome};
use crate::note::Note;
use crate::position::read;
use crate::respond::{go_saying, go_to, page_after};
use crate::shell::Tab;
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Sent};

/// Rows of one page.
const PAGE_LEN: u32 = 50;

/// `GET /w/{slug}`
pub(crate) async fn front(member: Member, at: At) -> Result<Response, Stop> {
    let place = member.place(&slug(at))?;
    Ok(go_to(&format!("/w/{}/keys", place.workspace.slug)))
}

/// `GET /w/{slug}/settings`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let form = general(&console, &member, &slug(at), None)?;
    Ok(page_after(form.shell.note, &form))
}

/// `POST /w/{slug}/settings`
pub(crate) async fn rename(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let name = form.one("name").to_owned();
    let edit = WorkspaceEdit { name: Some(name.clone()), ..WorkspaceEdit::default() };
    match update_workspace(&console.service, &member.ctx, &slug, edit).await {
        Ok(_) => Ok(go_saying(Note::WorkspaceRenamed, &format!("/w/{slug}/settings"))),
        Err(refusal) => match Outcome::from(refusal) {
            Outcome::Again(wrong) => Ok(general(&console, &member, &slug, Some(&name))?.show_again(wrong)),
            Outcome::LinkGone => Err(member.stop(Reason::Missing)),
            Outcome::Broken(refusal) => Err(member.refused(&refusal)),
        },
    }
}

fn general(console: &Console, member: &Member, slug: &str, written: Option<&str>) -> Result<FormPage, Stop> {
    let place = member.place(slug)?;
    let word = &console.service.profile.product.workspace_word;
    let shell = member.shell_in(&place.workspace, Tab::General);
    let token = Field { kind: "hidden", ..Field::text("form_token", "", shell.token()) };
    let name = written.unwrap_or(place.workspace.name.as_str());
    let field = Field::text("name", format!("Name of the {word}"), name);
    Ok(FormPage {
        shell,
        heading: "General".to_owned(),
        intro: vec![format!("Its slug, {slug}, stands in the addresses of the API and stays as it is.")],
        action: format!("/w/{slug}/settings"),
        groups: vec![Group {
            legend: String::new(),
            fields: vec![token, Field { required: true, autocomplete: "off", ..field }],
        }],
        submit: "Rename",
        complaints: Vec::new(),
        otherwise: None,
    })
}

pub(super) fn slug(at: At) -> String {
    at.slug.unwrap_or_default()
}

/// The part of a list that an address asks for, with one row more, which tells whether there are more.
pub(super) fn part(member: &Member, query: &crate::visitor::Pairs) -> Result<Page, Stop> {
    let after = match query.one("after") {
        "" => None,
        text => {
            let bad = || member.stop(Reason::BadForm(StatusCode::UNPROCESSABLE_ENTITY));
            Some(read(text).ok_or_else(bad)?)
        }
    };
    Ok(Page { limit: PAGE_LEN + 1, after })
}

/// Cuts the row that was too many, and says where the list goes on.
pub(super) fn cut<R>(rows: &mut Vec<R>, position: impl Fn(&R) -> Position) -> Option<Position> {
    let more = rows.len() > PAGE_LEN as usize;
    rows.truncate(PAGE_LEN as usize);
    rows.last().filter(|_| more).map(position)
}

pub(super) fn allowed<T>(member: &Member, found: Result<T, Refusal>) -> Result<T, Stop> {
    found.map_err(|refusal| member.refused(&refusal))
}

/// What a permission of Keyward's own is called.
pub(crate) fn permission_title(name: &str) -> &str {
    permission::ALL.iter().find(|(known, _)| *known == name).map_or("", |(_, title)| title)
}
