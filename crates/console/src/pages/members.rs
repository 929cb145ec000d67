//! `/w/{slug}/members`: who is in a workspace; another role, suspending, removing.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::id::UserId;
use keyward_core::permission;
use keyward_core::profile::Profile;
use keyward_core::role::RoleRef;
use keyward_service::list::{KeyRow, KeySort, Member as Row, Page, Position, SortValue};
use keyward_service::list_keys::{Wish, list_workspace_keys};
use keyward_service::list_members::{get_member, list_members};
use keyward_service::list_roles::list_roles;
use keyward_service::refusal::Refusal;
use keyward_service::remove_member::remove_member;
use keyward_service::update_member::{MemberEdit, update_member, version};

use super::invitations::{Invitation, Link, Open, begin};
use super::settings::{allowed, cut, part, slug};
use crate::Console;
use crate::form::{Outcome, Wrong};
use crate::note::Note;
use crate::position::written;
use crate::respond::{go_saying, page, page_after};
use crate::shell::{Shell, Tab};
use crate::stop::{Reason, Stop};
use crate::visitor::{At, Member, Query, Sent};
use crate::when::When;

/// Keys that are named to whoever is about to remove their owner: as many as a person reads.
const KEYS_NAMED: u32 = 50;

/// Somebody in the workspace.
struct Person {
    id: String,
    name: String,
    email: String,
    role: String,
    joined: When,
    suspended: bool,
}

impl Person {
    fn of(profile: &Profile, row: &Row) -> Self {
        Self {
            id: row.user.to_string(),
            name: row.name.to_string(),
            email: row.email.to_string(),
            role: role_title(profile, row),
            joined: When::on(row.joined_at),
            suspended: row.is_suspended(),
        }
    }
}

fn role_title(profile: &Profile, row: &Row) -> String {
    let title = match &row.role.which {
        RoleRef::OfProfile(name) => profile.role(name).map(|role| role.title.to_string()),
        RoleRef::Custom(_) => None,
    };
    title.unwrap_or_else(|| row.role.name.to_string())
}

/// A role that somebody may be given: what is sent, what is read, whether they have it.
pub(super) struct Choice {
    pub(super) which: RoleRef,
    pub(super) value: String,
    pub(super) words: String,
    pub(super) chosen: bool,
}

pub(super) async fn roles(
    console: &Console,
    member: &Member,
    slug: &str,
    has: Option<&Row>,
) -> Result<Vec<Choice>, Stop> {
    let roles = allowed(member, list_roles(&console.service, &member.ctx, slug).await)?;
    let choice = |role: &keyward_service::role::Role| Choice {
        which: role.which.clone(),
        value: role.id.to_string(),
        words: role.title.to_string(),
        chosen: has.is_some_and(|row| row.role.which == role.which),
    };
    Ok(roles.iter().map(choice).collect())
}

#[derive(Template)]
#[template(path = "members.html")]
pub(super) struct MembersPage {
    shell: Shell,
    slug: String,
    people: Vec<Person>,
    next: Option<String>,
    /// Whether whoever looks may change and remove people.
    manages: bool,
    /// The form that invites, for those who may.
    pub(super) invite: Option<Invitation>,
    /// What was just made, with its link, once.
    pub(super) invited: Option<Link>,
    /// Invitations that nobody has accepted yet, for those who may invite.
    open: Vec<Open>,
}

/// `GET /w/{slug}/members`
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
    Query(query): Query,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let list = load(&console, &member, &slug, &part(&member, &query)?).await?;
    Ok(page_after(list.shell.note, &list))
}

pub(super) async fn load(
    console: &Console,
    member: &Member,
    slug: &str,
    asked: &Page,
) -> Result<MembersPage, Stop> {
    let place = member.place(slug)?;
    let mut rows = allowed(member, list_members(&console.service, &member.ctx, slug, asked).await)?;
    let next = cut(&mut rows, |row: &Row| Position {
        value: SortValue::Number(row.joined_at.as_microsecond()),
        id: row.user.to_bytes(),
    });
    let profile = &console.service.profile;
    let (invite, open) = begin(console, member, slug).await?;
    Ok(MembersPage {
        shell: member.shell_in(&place.workspace, Tab::Members),
        slug: slug.to_owned(),
        people: rows.iter().map(|row| Person::of(profile, row)).collect(),
        next: next.map(|place| format!("/w/{slug}/members?after={}", written(&place))),
        manages: member.may(console, slug, permission::MEMBERS_MANAGE),
        invite,
        invited: None,
        open,
    })
}

/// What a form can mend. Anything else is a page of its own.
pub(super) fn again(member: &Member, refusal: Refusal) -> Result<Wrong, Stop> {
    match Outcome::from(refusal) {
        Outcome::Again(wrong) => Ok(wrong),
        Outcome::LinkGone => Err(member.stop(Reason::Missing)),
        Outcome::Broken(refusal) => Err(member.refused(&refusal)),
    }
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    shell: Shell,
    slug: String,
    person: Person,
    roles: Vec<Choice>,
    version: String,
    complaints: Vec<String>,
    /// Whether it is whoever looks.
    is_me: bool,
    /// The keys that removing them affects, where that is asked.
    leaving: Option<Leaving>,
}

/// What removing somebody does to keys.
struct Leaving {
    /// Names and hints of the workspace's keys that they look after.
    keys: Vec<(String, String)>,
    more: bool,
    has_personal_keys: bool,
}

/// `GET /w/{slug}/members/{id}`
pub(crate) async fn edit(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let one = one(&console, &member, at).await?;
    Ok(page_after(one.shell.note, &one))
}

/// `GET /w/{slug}/members/{id}/remove`: asks, and shows the keys that it affects.
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    member: Member,
    at: At,
) -> Result<Response, Stop> {
    let user = at.id.clone();
    let page_of = one(&console, &member, at).await?;
    let leaving = leaving(&console, &member, &page_of.slug, &user).await?;
    Ok(page(StatusCode::OK, &MemberPage { leaving: Some(leaving), ..page_of }))
}

async fn one(console: &Console, member: &Member, at: At) -> Result<MemberPage, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    let place = member.place(&slug)?;
    let row = allowed(member, get_member(&console.service, &member.ctx, &slug, &id).await)?;
    Ok(MemberPage {
        shell: member.shell_in(&place.workspace, Tab::Members),
        person: Person::of(&console.service.profile, &row),
        roles: roles(console, member, &slug, Some(&row)).await?,
        version: version(&row),
        complaints: Vec::new(),
        is_me: row.user == member.person.id,
        leaving: None,
        slug,
    })
}

async fn leaving(console: &Console, member: &Member, slug: &str, user: &str) -> Result<Leaving, Stop> {
    let owner: UserId = user.parse().map_err(|_| member.stop(Reason::Missing))?;
    let kinds = console.service.profile.keys.kinds;
    let wish = Wish { owner: Some(owner), ..Wish::default() };
    let asked = Page { limit: KEYS_NAMED, after: None };
    let found =
        list_workspace_keys(&console.service, &member.ctx, slug, wish, KeySort::DEFAULT, &asked).await;
    let found = match found {
        Ok(found) => found,
        // Whoever may remove people and not see keys is not told of any.
        Err(Refusal::Forbidden(_)) => {
            return Ok(Leaving { keys: Vec::new(), more: false, has_personal_keys: kinds.personal });
        }
        Err(refusal) => return Err(member.refused(&refusal)),
    };
    let live = |row: &&KeyRow| row.key.revoked.is_none();
    let named = |row: &KeyRow| (row.key.name.to_string(), row.key.secret.hint.as_str().to_owned());
    Ok(Leaving {
        keys: found.rows.iter().filter(live).map(named).collect(),
        more: found.next.is_some(),
        has_personal_keys: kinds.personal,
    })
}

/// `POST /w/{slug}/members/{id}`: another role, suspended, or no longer.
pub(crate) async fn change(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let suspended = match form.one("suspended") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let edit = MemberEdit {
        role: Some(form.one("role").to_owned()).filter(|role| !role.is_empty()),
        suspended,
        if_version: Some(form.one("version").to_owned()),
    };
    let place = slug(at.clone());
    match update_member(&console.service, &member.ctx, &place, &at.id, edit).await {
        Ok(_) => Ok(go_saying(Note::MemberSaved, &format!("/w/{place}/members"))),
        Err(refusal) => complaining(&console, &member, at, refusal).await,
    }
}

/// `POST /w/{slug}/members/{id}/remove`
pub(crate) async fn remove(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let place = slug(at.clone());
    match remove_member(&console.service, &member.ctx, &place, &at.id).await {
        // Whoever has left sees nothing of it any more.
        Ok(()) if at.id == member.person.id.to_string() => Ok(go_saying(Note::MemberRemoved, "/workspaces")),
        Ok(()) => Ok(go_saying(Note::MemberRemoved, &format!("/w/{place}/members"))),
        Err(refusal) => complaining(&console, &member, at, refusal).await,
    }
}

async fn complaining(console: &Console, member: &Member, at: At, refusal: Refusal) -> Result<Response, Stop> {
    let wrong = again(member, refusal)?;
    let status = wrong.status;
    let page_of = MemberPage { complaints: wrong.all(), ..one(console, member, at).await? };
    Ok(page(status, &page_of))
}
