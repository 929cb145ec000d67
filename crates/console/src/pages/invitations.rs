//! Invitations into a workspace, on the page of its members: made, listed while they are open, taken back. Its link is shown
//! once; another invitation of the same address takes the place of the one before, and has a new link.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::permission;
use keyward_service::invite_member::{Invited, invite_member};
use keyward_service::list::Page;
use keyward_service::list_invitations::{OpenInvitation, list_invitations};
use keyward_service::refusal::Refusal;
use keyward_service::withdraw_invitation::withdraw_invitation;

use super::keys::once::{self, Turn};
use super::members::{self, Choice, MembersPage};
use super::settings::{allowed, part, slug};
use crate::Console;
use crate::note::Note;
use crate::respond::{go_saying, go_to, page, page_with_cookie};
use crate::stop::Stop;
use crate::visitor::{At, Member, Pairs, Sent};
use crate::when::When;

/// Open invitations that are shown: as many as a workspace may have.
const OPEN_MAX: u32 = 200;

/// The form that invites.
pub(super) struct Invitation {
    /// The number of this form.
    pub(super) once: String,
    pub(super) email: String,
    pub(super) roles: Vec<Choice>,
    pub(super) complaints: Vec<String>,
}

/// An invitation that was just made, with its link.
pub(super) struct Link {
    pub(super) email: String,
    pub(super) url: String,
    pub(super) ends: When,
}

/// An invitation that nobody has accepted yet.
pub(super) struct Open {
    pub(super) id: String,
    pub(super) email: String,
    /// What is sent for the role, and what is read. `None`: it is gone, and the invitation is worth nothing.
    pub(super) role: Option<(String, String)>,
    pub(super) by: Option<String>,
    pub(super) ends: When,
    /// The number of the form that makes another link.
    pub(super) once: String,
}

/// The form and the open invitations, for those who may invite.
pub(super) async fn begin(
    console: &Console,
    member: &Member,
    slug: &str,
) -> Result<(Option<Invitation>, Vec<Open>), Stop> {
    if !member.may(console, slug, permission::MEMBERS_INVITE) {
        return Ok((None, Vec::new()));
    }
    let roles = members::roles(console, member, slug, None).await?;
    let all = Page { limit: OPEN_MAX, after: None };
    let found = allowed(member, list_invitations(&console.service, &member.ctx, slug, &all).await)?;
    let open = found.iter().map(|one| open(member, &roles, one)).collect::<Result<_, Stop>>()?;
    let form = Invitation { once: once::draw(member)?, email: String::new(), roles, complaints: Vec::new() };
    Ok((Some(form), open))
}

fn open(member: &Member, roles: &[Choice], found: &OpenInvitation) -> Result<Open, Stop> {
    let invitation = &found.invitation;
    let role = roles.iter().find(|role| role.which == invitation.role);
    Ok(Open {
        id: invitation.id.to_string(),
        email: invitation.email.to_string(),
        role: role.map(|role| (role.value.clone(), role.words.clone())),
        by: found.by.as_ref().map(|person| person.name.to_string()),
        ends: When::near(invitation.expires_at, member.ctx.now),
        once: once::draw(member)?,
    })
}

/// `POST /w/{slug}/members`: invites somebody, and shows the link that they need, once.
pub(crate) async fn invite(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, form }: Sent,
) -> Result<Response, Stop> {
    let slug = slug(at);
    let (email, role) = (form.one("email").trim().to_owned(), form.one("role").to_owned());
    let address = format!("/w/{slug}/members");
    let ctx = match once::take(&console, &member, &address, form.one(once::FIELD)).await? {
        Turn::First(ctx) => ctx,
        Turn::Again(address) => return Ok(go_saying(Note::InvitedBefore, &address)),
    };
    let invited = invite_member(&console.service, &ctx, &slug, &email, &role).await;
    match &invited {
        Ok(_) => once::done(&console, &ctx, &address).await,
        Err(_) => once::undone(&console, &ctx).await,
    }
    let first = part(&member, &Pairs::default())?;
    let mut list = members::load(&console, &member, &slug, &first).await?;
    match invited {
        Ok(invited) => {
            list.invited = Some(link(&console, &member, &invited));
            Ok(page_with_cookie(StatusCode::CREATED, &list, Note::gone()))
        }
        Err(refusal) => complaining(&member, list, email, &role, refusal),
    }
}

/// The list once more, with what was written into the form and what is wrong with it.
fn complaining(
    member: &Member,
    mut list: MembersPage,
    email: String,
    role: &str,
    refusal: Refusal,
) -> Result<Response, Stop> {
    let wrong = members::again(member, refusal)?;
    let status = wrong.status;
    list.invite = list.invite.map(|form| Invitation { email, complaints: wrong.all(), ..chosen(form, role) });
    Ok(page(status, &list))
}

fn chosen(mut form: Invitation, role: &str) -> Invitation {
    for choice in &mut form.roles {
        choice.chosen = choice.value == role;
    }
    form
}

fn link(console: &Console, member: &Member, invited: &Invited) -> Link {
    Link {
        email: invited.email.to_string(),
        url: format!("{}/invitation#{}", console.service.public_url, invited.token.expose()),
        ends: When::near(invited.expires_at, member.ctx.now),
    }
}

/// `GET /w/{slug}/invitations/{id}/withdraw`: loaded again, it leads to the list.
pub(crate) async fn back(member: Member, at: At) -> Result<Response, Stop> {
    let place = member.place(&slug(at))?;
    Ok(go_to(&format!("/w/{}/members", place.workspace.slug)))
}

/// `POST /w/{slug}/invitations/{id}/withdraw`
pub(crate) async fn withdraw(
    State(console): State<Arc<Console>>,
    at: At,
    Sent { member, .. }: Sent,
) -> Result<Response, Stop> {
    let id = at.id.clone();
    let slug = slug(at);
    allowed(&member, withdraw_invitation(&console.service, &member.ctx, &slug, &id).await)?;
    Ok(go_saying(Note::InvitationWithdrawn, &format!("/w/{slug}/members")))
}
