//! Accept an invitation: join the workspace and be signed in. Somebody who has an account already proves it
//! with its password.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grant::{Rights, Wanted};
use keyward_core::id::UserId;
use keyward_core::permission;
use keyward_core::person::{DisplayName, Password, Person};
use keyward_core::secret::{PlainSecret, PresentedSecret};
use keyward_storage::{Changed, Credentials, Invitation, StoreError, SystemReason, Tx, Unique};
use serde_json::json;

use crate::Service;
use crate::access;
use crate::audit::{self, Deed};
use crate::ctx::{Caller, Ctx, person_principal};
use crate::invite_member::check_seats;
use crate::refusal::Refusal;
use crate::role;
use crate::sign_in::{SignedIn, note_refusal, open_session};

const INVITATION: &str = "the invitation";

/// What somebody who accepts wrote.
#[derive(Debug)]
pub struct Acceptance {
    /// What the link held.
    pub token: String,
    /// What others shall see.
    pub name: String,
    /// The password to sign in with.
    pub password: String,
}

/// Accepts an invitation.
pub async fn accept_invitation(service: &Service, ctx: &Ctx, input: Acceptance) -> Result<SignedIn, Refusal> {
    let token = PresentedSecret::parse(&input.token).ok_or(Refusal::NotFound(INVITATION))?.digest();
    let mut look = service.store.view_system(SystemReason::Authenticate).await?;
    let invitation = look.invitation_by_token(&token, ctx.now).await?.ok_or(Refusal::NotFound(INVITATION))?;
    let known = look.credentials(&invitation.email).await?;
    drop(look);
    // Whether or not the address is known: an answer must not tell who has an account.
    check_shape(&input)?;
    let credentials = match known {
        Some(known) => {
            prove(service, ctx, &known, input.password).await?;
            known
        }
        None => new_person(service, ctx, &invitation, &input.name, input.password).await?,
    };
    join(service, ctx, &invitation, credentials).await
}

fn check_shape(input: &Acceptance) -> Result<(), Refusal> {
    let mut complaints = Complaints::new();
    complaints.take(DisplayName::parse("name", &input.name));
    complaints.take(Password::choose("password", input.password.clone()));
    complaints.finish().map_err(Refusal::Invalid)
}

async fn prove(service: &Service, ctx: &Ctx, known: &Credentials, password: String) -> Result<(), Refusal> {
    let password = Password::present(password).ok_or(Refusal::WrongCredentials)?;
    let attempt = service.lockout.attempt(known.person.email.as_str(), ctx.request.ip, ctx.now)?;
    let right = service.passwords.matches(password, Some(known.password_hash.clone())).await?;
    if right && known.person.suspended_at.is_none() {
        attempt.found_right();
        return Ok(());
    }
    attempt.found_wrong();
    note_refusal(service, ctx, &known.person);
    Err(Refusal::WrongCredentials)
}

async fn new_person(
    service: &Service,
    ctx: &Ctx,
    invitation: &Invitation,
    name: &str,
    password: String,
) -> Result<Credentials, Refusal> {
    let mut complaints = Complaints::new();
    let name = complaints.take(DisplayName::parse("name", name));
    let password = complaints.take(Password::choose("password", password));
    complaints.finish().map_err(Refusal::Invalid)?;
    let (Some(name), Some(password)) = (name, password) else {
        return Err(FieldError::new("name", FieldCode::Required, "give a name and a password").into());
    };
    let (ms, random) = ctx.id_parts()?;
    let person = Person {
        id: UserId::new(ms, random),
        email: invitation.email.clone(),
        name,
        suspended_at: None,
        created_at: ctx.now,
    };
    Ok(Credentials { person, password_hash: service.passwords.hash(password).await? })
}

async fn join(
    service: &Service,
    ctx: &Ctx,
    invitation: &Invitation,
    credentials: Credentials,
) -> Result<SignedIn, Refusal> {
    let workspace = invitation.workspace;
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    if !tx.use_invitation(invitation.id).await? {
        return Err(Refusal::NotFound(INVITATION));
    }
    check_inviter(service, tx.as_mut(), invitation).await?;
    let place = tx.workspace(workspace).await?.ok_or(Refusal::NotFound(INVITATION))?;
    check_seats(service, tx.as_mut(), &place, 0).await?;
    let person = credentials.person.clone();
    keep_person(tx.as_mut(), &credentials).await?;
    let role = &invitation.role;
    match tx.insert_membership(workspace, person.id, role, ctx.now).await {
        Err(StoreError::Duplicate(Unique::Membership)) => {
            return Err(Refusal::Conflict("you are a member of this workspace already; sign in".to_owned()));
        }
        other => other?,
    }
    tx.record_change(Changed::Membership(workspace, person.id)).await?;
    let joined = tx.member(workspace, person.id).await?.ok_or(Refusal::NotFound(INVITATION))?;
    let deed = Deed {
        home: AuditHome::Workspace(workspace),
        action: AuditAction::MemberJoined,
        target: person.id.to_string(),
        before: None,
        after: Some(json!({ "role": joined.role.name.as_str(), "email": person.email.as_str() })),
    };
    audit::write_as(ctx, tx.as_mut(), person_principal(&person), deed).await?;
    let (session, token): (_, PlainSecret) = open_session(ctx, tx.as_mut(), &person).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(SignedIn { ctx: Ctx { caller: Caller::Session { session, person }, ..ctx.clone() }, token })
}

/// An invitation is worth what its maker may give now: nobody comes back, or gets others in, by one that they
/// made before they were removed or demoted.
async fn check_inviter(service: &Service, tx: &mut dyn Tx, invitation: &Invitation) -> Result<(), Refusal> {
    let inviter = tx.member(invitation.workspace, invitation.created_by).await?;
    let inviter = inviter.filter(|inviter| !inviter.is_suspended());
    let given = role::grant_of(&service.profile, tx, &invitation.role).await?;
    let (Some(inviter), Some(given)) = (inviter, given) else { return Err(Refusal::NotFound(INVITATION)) };
    let catalogue = &service.profile.catalogue;
    let held = access::role_grants(&service.profile, &inviter.role);
    let rights = Rights { own: None, role: Some(&held) };
    let may_invite = rights.allow(Wanted::new(catalogue, permission::MEMBERS_INVITE), None);
    if may_invite && access::covers(catalogue, &rights, &given) {
        return Ok(());
    }
    Err(Refusal::NotFound(INVITATION))
}

/// Keeps the person, unless they were there before.
async fn keep_person(tx: &mut dyn Tx, credentials: &Credentials) -> Result<(), Refusal> {
    if tx.person(credentials.person.id).await?.is_some() {
        return Ok(());
    }
    match tx.insert_person(credentials).await {
        Err(StoreError::Duplicate(Unique::PersonEmail)) => {
            Err(Refusal::Conflict("somebody with this address signed up meanwhile; try again".to_owned()))
        }
        other => {
            other?;
            Ok(tx.record_change(Changed::Person(credentials.person.id)).await?)
        }
    }
}
