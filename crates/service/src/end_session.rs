//! End one's own sessions, wherever they are: one, or all but the present one.

use keyward_core::audit::AuditAction;
use keyward_core::id::SessionId;
use keyward_storage::SystemReason;
use serde_json::json;

use crate::Service;
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;
use crate::sign_in::write_down_change;

const SESSION: &str = "the session";

/// Ends a session of the person who is signed in. It may be the present one.
pub async fn end_session(service: &Service, ctx: &Ctx, id: &str) -> Result<(), Refusal> {
    let person = ctx.signed_in()?;
    let id: SessionId = id.parse().map_err(|_| Refusal::NotFound(SESSION))?;
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    if !tx.end_session(person.id, id).await? {
        return Err(Refusal::NotFound(SESSION));
    }
    let before = Some(json!({ "session_id": id.to_string() }));
    write_down_change(ctx, tx.as_mut(), person, AuditAction::SessionEnded, before, None).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends all sessions of the person who is signed in but the present one. Returns how many.
pub async fn end_other_sessions(service: &Service, ctx: &Ctx) -> Result<u32, Refusal> {
    let Caller::Session { session, person } = &ctx.caller else {
        return ctx.signed_in().map(|_| 0);
    };
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    let ended = tx.end_other_sessions(person.id, *session).await?;
    let after = Some(json!({ "sessions_ended": ended }));
    write_down_change(ctx, tx.as_mut(), person, AuditAction::SessionEnded, None, after).await?;
    tx.commit().await?;
    Ok(ended)
}
