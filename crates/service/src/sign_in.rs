//! Sign in with address and password.

use jiff::SignedDuration;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::id::SessionId;
use keyward_core::person::{Email, Password, Person};
use keyward_core::secret::PlainSecret;
use keyward_storage::{Credentials, Session, SystemReason, Tx};
use serde_json::Value;

use crate::Service;
use crate::audit::{self, Deed};
use crate::ctx::{Caller, Ctx, person_principal};
use crate::entropy;
use crate::refusal::Refusal;

/// What tokens of sessions start with.
pub(crate) const TOKEN_PREFIX: &str = "kwsession_";
/// How long a session lasts, whatever happens in it.
pub const SESSION_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Workspaces that a sign-in is written down in: one transaction, which others wait for.
const PLACES_TOLD_MAX: u32 = 100;

/// Somebody who is signed in now.
#[derive(Debug)]
pub struct SignedIn {
    /// The request, now theirs.
    pub ctx: Ctx,
    /// What the cookie holds, this once.
    pub token: PlainSecret,
}

/// Signs somebody in. Unknown addresses and wrong passwords look the same and take as long, and too many of either wait
/// alike.
pub async fn sign_in(
    service: &Service,
    ctx: &Ctx,
    email: &str,
    password: String,
) -> Result<SignedIn, Refusal> {
    let password = Password::present(password).ok_or(Refusal::WrongCredentials)?;
    let attempt = service.lockout.attempt(email, ctx.request.ip, ctx.now)?;
    let known = match Email::parse("email", email) {
        Ok(email) => service.store.view_system(SystemReason::Authenticate).await?.credentials(&email).await?,
        Err(_) => None,
    };
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let right = service.passwords.matches(password, hash).await?;
    match known {
        Some(Credentials { person, .. }) if right && person.suspended_at.is_none() => {
            attempt.found_right();
            welcome(service, ctx, person).await
        }
        Some(Credentials { person, .. }) => {
            attempt.found_wrong();
            note_refusal(service, ctx, &person);
            Err(Refusal::WrongCredentials)
        }
        None => {
            attempt.found_wrong();
            Err(Refusal::WrongCredentials)
        }
    }
}

async fn welcome(service: &Service, ctx: &Ctx, person: Person) -> Result<SignedIn, Refusal> {
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    let (session, token) = open_session(ctx, tx.as_mut(), &person).await?;
    tx.commit().await?;
    Ok(SignedIn { ctx: Ctx { caller: Caller::Session { session, person }, ..ctx.clone() }, token })
}

/// Writes a refusal down beside the answer: waiting for it would tell by the clock which addresses are known.
/// At most as many are under way as passwords are compared at once.
pub(crate) fn note_refusal(service: &Service, ctx: &Ctx, person: &Person) {
    let (store, ctx, person) = (service.store.clone(), ctx.clone(), person.clone());
    tokio::spawn(async move {
        let written = async {
            let mut tx = store.begin_system(SystemReason::Authenticate).await?;
            write_down(&ctx, tx.as_mut(), &person, AuditAction::SessionRefused).await?;
            Ok::<_, Refusal>(tx.commit().await?)
        };
        if let Err(error) = written.await {
            tracing::error!(%error, "a refused sign-in could not be written into the audit log");
        }
    });
}

/// Begins a session, in the caller's transaction. One whose cookie came along ends: whoever put it there does not get into
/// the new one.
pub(crate) async fn open_session(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    person: &Person,
) -> Result<(SessionId, PlainSecret), Refusal> {
    end_replaced(ctx, tx).await?;
    let token = entropy::token(TOKEN_PREFIX)?;
    let (ms, random) = ctx.id_parts()?;
    let session = Session {
        id: SessionId::new(ms, random),
        user: person.id,
        token: token.digest(),
        created_at: ctx.now,
        expires_at: ctx.now + SignedDuration::from_secs(SESSION_SECONDS),
        ip: ctx.request.ip,
        user_agent: ctx.request.user_agent.clone(),
        last_used_at: None,
    };
    tx.insert_session(&session).await?;
    write_down(ctx, tx, person, AuditAction::SessionCreated).await?;
    Ok((session.id, token))
}

async fn end_replaced(ctx: &Ctx, tx: &mut dyn Tx) -> Result<(), Refusal> {
    let Some(token) = &ctx.request.session else { return Ok(()) };
    let Some((session, person)) = tx.session(token, ctx.now).await? else { return Ok(()) };
    tx.delete_session(session.id).await?;
    write_down(ctx, tx, &person, AuditAction::SessionEnded).await
}

/// Writes what a person does at the door into their own log and into those of the workspaces that they are in.
pub(crate) async fn write_down(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    person: &Person,
    action: AuditAction,
) -> Result<(), Refusal> {
    write_down_change(ctx, tx, person, action, None, None).await
}

/// The same of what changes something.
pub(crate) async fn write_down_change(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    person: &Person,
    action: AuditAction,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Refusal> {
    let places = tx.places(person.id, PLACES_TOLD_MAX).await?;
    let homes = places.into_iter().map(|place| AuditHome::Workspace(place.workspace.id));
    for home in std::iter::once(AuditHome::Person(person.id)).chain(homes) {
        let (before, after) = (before.clone(), after.clone());
        let deed = Deed { home, action, target: person.id.to_string(), before, after };
        audit::write_as(ctx, tx, person_principal(person), deed).await?;
    }
    Ok(())
}
