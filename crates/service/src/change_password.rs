//! Change one's own password. Whoever else is signed in as one is so no more.

use keyward_core::audit::AuditAction;
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::person::{Password, Person};
use keyward_storage::SystemReason;
use serde_json::json;

use crate::Service;
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;
use crate::sign_in::{note_refusal, write_down_change};

/// Changes the password of the person who is signed in, who proves by the present one that they are who they are. All
/// other sessions of theirs end. Returns how many that were.
pub async fn change_password(
    service: &Service,
    ctx: &Ctx,
    current: String,
    new: String,
) -> Result<u32, Refusal> {
    let Caller::Session { session, person } = &ctx.caller else {
        return ctx.signed_in().map(|_| 0);
    };
    let new = Password::choose("new_password", new)?;
    let old_hash = prove(service, ctx, person, current).await?;
    let hash = service.passwords.hash(new).await?;
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    if !tx.replace_password(person.id, &old_hash, &hash).await? {
        let message = "the password was changed by somebody else meanwhile; sign in again";
        return Err(Refusal::Conflict(message.to_owned()));
    }
    let ended = tx.end_other_sessions(person.id, *session).await?;
    let after = Some(json!({ "sessions_ended": ended }));
    write_down_change(ctx, tx.as_mut(), person, AuditAction::PasswordChanged, None, after).await?;
    tx.commit().await?;
    Ok(ended)
}

/// The hash of the present password, if that is the one. Who took over a session gets no more tries than who signs in.
async fn prove(service: &Service, ctx: &Ctx, person: &Person, current: String) -> Result<String, Refusal> {
    let wrong = || FieldError::new("current_password", FieldCode::Invalid, "it is not your password");
    let attempt = service.lockout.attempt(person.email.as_str(), ctx.request.ip, ctx.now)?;
    let mut look = service.store.view_system(SystemReason::Authenticate).await?;
    let hash = look.credentials(&person.email).await?.ok_or(Refusal::Unauthenticated)?.password_hash;
    drop(look);
    let right = match Password::present(current) {
        Some(current) => service.passwords.matches(current, Some(hash.clone())).await?,
        None => false,
    };
    if right {
        attempt.found_right();
        return Ok(hash);
    }
    attempt.found_wrong();
    note_refusal(service, ctx, person);
    Err(wrong().into())
}
