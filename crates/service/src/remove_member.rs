//! Remove a member, or leave. Their personal keys stop working here at once; workspace keys that they looked
//! after go on, without an owner.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;
use keyward_storage::Changed;
use serde_json::json;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};

use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;
use crate::update_member::{check_not_last, check_outranks, find};

/// Most keys that the audit log names as left without an owner: somebody reads them. It tells the number of all.
const KEYS_TOLD_MAX: usize = 100;

/// Removes a member from a workspace.
pub async fn remove_member(service: &Service, ctx: &Ctx, slug: &str, user: &str) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    let workspace = access.workspace.id;
    let leaving = matches!(&ctx.caller, Caller::Session { person, .. } if person.id.to_string() == user);
    if !leaving {
        access.require(permission::MEMBERS_MANAGE)?;
    }
    let member = find(tx.as_mut(), &access, user).await?;
    if !leaving {
        check_outranks(service, &access, &member.role)?;
    }
    check_not_last(service, tx.as_mut(), &access, &member).await?;
    tx.delete_membership(workspace, member.user).await?;
    // No change is recorded of these keys: whom a workspace's key belongs to plays no part in a decision, and there may
    // be very many of them.
    let ownerless = tx.disown_keys(workspace, member.user).await?;
    tx.record_change(Changed::Membership(workspace, member.user)).await?;
    let first: Vec<String> = ownerless.iter().take(KEYS_TOLD_MAX).map(ToString::to_string).collect();
    let deed = Deed {
        home: AuditHome::Workspace(workspace),
        action: AuditAction::MemberRemoved,
        target: member.user.to_string(),
        before: Some(json!({ "role": member.role.name.as_str(), "email": member.email.as_str() })),
        after: Some(json!({
            "keys_left_without_owner": first,
            "keys_left_without_owner_count": ownerless.len(),
        })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(())
}
