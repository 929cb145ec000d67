//! Sign out: the session ends now, in the store.

use keyward_core::audit::AuditAction;
use keyward_storage::SystemReason;

use crate::Service;
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;
use crate::sign_in::write_down;

/// Ends the caller's session. Without one there is nothing to end, and that is no mistake. With a key it is one: a key
/// counts more than the session beside it, which would live on though its owner was told that it ended.
pub async fn sign_out(service: &Service, ctx: &Ctx) -> Result<(), Refusal> {
    let (session, person) = match &ctx.caller {
        Caller::Session { session, person } => (session, person),
        Caller::Nobody => return Ok(()),
        Caller::Key { .. } | Caller::Operator => return ctx.signed_in().map(drop),
    };
    let mut tx = service.store.begin_system(SystemReason::Authenticate).await?;
    tx.delete_session(*session).await?;
    write_down(ctx, tx.as_mut(), person, AuditAction::SessionEnded).await?;
    tx.commit().await?;
    Ok(())
}
