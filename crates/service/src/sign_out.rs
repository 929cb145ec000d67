//! Sign out: the session ends now, in the store.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_storage::SystemReason;

use crate::Service;
use crate::audit::{self, Deed};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

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
    let deed = Deed {
        home: AuditHome::Person(person.id),
        action: AuditAction::SessionEnded,
        target: person.id.to_string(),
        before: None,
        after: None,
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(())
}
