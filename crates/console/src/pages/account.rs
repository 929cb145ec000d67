//! `/account`: one's own name, password, and where one is signed in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keyward_core::person::PASSWORD_CHARS_MIN;
use keyward_service::change_password::change_password;
use keyward_service::end_session::end_other_sessions;
use keyward_service::list_sessions::list_sessions;
use keyward_service::refusal::Refusal;
use keyward_service::update_me::update_me;

use super::members::again;
use crate::Console;
use crate::note::Note;
use crate::respond::{go_saying, go_to, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::Stop;
use crate::visitor::{Member, Sent};
use crate::when::When;

/// Where somebody is signed in.
struct Place {
    program: String,
    ip: Option<String>,
    since: When,
    ends: When,
    /// Whether it is this browser.
    is_here: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    name: String,
    email: String,
    places: Vec<Place>,
    /// What is wrong with the name, and with the passwords.
    about_name: Vec<String>,
    about_password: Vec<String>,
}

/// `GET /account`
pub(crate) async fn show(State(console): State<Arc<Console>>, member: Member) -> Result<Response, Stop> {
    let account = load(&console, &member).await?;
    Ok(page_after(account.shell.note, &account))
}

async fn load(console: &Console, member: &Member) -> Result<AccountPage, Stop> {
    let listed = list_sessions(&console.service, &member.ctx).await;
    let sessions = listed.map_err(|refusal| member.refused(&refusal))?;
    let now = member.ctx.now;
    let places = sessions.all.into_iter().map(|session| Place {
        program: session.user_agent.as_deref().unwrap_or("A program that gave no name").to_owned(),
        ip: session.ip.map(|ip| ip.to_string()),
        since: When::near(session.created_at, now),
        ends: When::near(session.expires_at, now),
        is_here: session.id == sessions.present,
    });
    Ok(AccountPage {
        shell: member.shell(Tab::Account),
        name: member.person.name.to_string(),
        email: member.person.email.to_string(),
        places: places.collect(),
        about_name: Vec::new(),
        about_password: Vec::new(),
    })
}

/// `POST /account/name`
pub(crate) async fn rename(
    State(console): State<Arc<Console>>,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let name = form.one("name").to_owned();
    match update_me(&console.service, &member.ctx, Some(&name)).await {
        Ok(_) => Ok(go_saying(Note::PersonRenamed, "/account")),
        Err(refusal) => {
            let wrong = again(&member, refusal)?;
            let status = wrong.status;
            let account = load(&console, &member).await?;
            Ok(page(status, &AccountPage { name, about_name: wrong.all(), ..account }))
        }
    }
}

/// `POST /account/password`
pub(crate) async fn change(
    State(console): State<Arc<Console>>,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let (current, new) = (form.one("current").to_owned(), form.one("password").to_owned());
    match change_password(&console.service, &member.ctx, current, new).await {
        Ok(_) => Ok(go_saying(Note::PasswordChanged, "/account")),
        Err(refusal) => {
            let wrong = again(&member, refusal)?;
            let status = wrong.status;
            Ok(page(status, &AccountPage { about_password: wrong.all(), ..load(&console, &member).await? }))
        }
    }
}

/// `POST /account/sessions`: signs out elsewhere.
pub(crate) async fn end_others(
    State(console): State<Arc<Console>>,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let ended = end_other_sessions(&console.service, &member.ctx).await;
    ended.map_err(|refusal: Refusal| member.refused(&refusal))?;
    Ok(go_saying(Note::SignedOutElsewhere, "/account"))
}

/// `GET /account/name`, `/account/password`, `/account/sessions`: where a browser comes to that loads one of these again.
pub(crate) async fn back(_: Member) -> Response {
    go_to("/account")
}
