//! Take an open invitation back: its link opens nothing any more.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::id::InvitationId;
use keyward_core::permission;
use keyward_storage::{Invitation, Tx};
use serde_json::json;

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::role;

const INVITATION: &str = "the invitation";

/// Withdraws an invitation, by those who may give its role.
pub async fn withdraw_invitation(service: &Service, ctx: &Ctx, slug: &str, id: &str) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_INVITE)?;
    let id: InvitationId = id.parse().map_err(|_| Refusal::NotFound(INVITATION))?;
    let found = tx.invitation(id, ctx.now).await?.ok_or(Refusal::NotFound(INVITATION))?;
    check_may_touch(service, tx.as_mut(), &access, &found).await?;
    if !tx.delete_invitation(found.id).await? {
        return Err(Refusal::NotFound(INVITATION));
    }
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::InvitationWithdrawn,
        target: found.id.to_string(),
        before: Some(json!({ "email": found.email.as_str() })),
        after: None,
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    tx.commit().await?;
    Ok(())
}

/// Nobody takes back or replaces an invitation that gives more than they hold: somebody higher made it.
pub(crate) async fn check_may_touch(
    service: &Service,
    tx: &mut dyn Tx,
    access: &Access,
    invitation: &Invitation,
) -> Result<(), Refusal> {
    match role::grant_of(&service.profile, tx, &invitation.role).await? {
        Some(given) if !access.covers(&given) => {
            let message = "the address is invited to a role that holds more than you do; only who holds as much may take that invitation back or replace it";
            Err(Refusal::Forbidden(message.to_owned()))
        }
        Some(_) | None => Ok(()),
    }
}
