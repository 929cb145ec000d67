//! Suspend a person everywhere, or end that: the operator's tool. Their sessions and personal keys stop at once;
//! nothing is deleted. A workspace suspends its own members (`update_member.rs`).

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::id::UserId;
use keyward_core::person::Person;
use keyward_storage::{Changed, SystemReason, Tx};
use serde_json::json;

use crate::Service;
use crate::audit::{self, Deed};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

const USER: &str = "the user";

/// A person, for the operator.
pub async fn get_user(service: &Service, ctx: &Ctx, id: &str) -> Result<Person, Refusal> {
    check_operator(ctx)?;
    let mut tx = service.store.view_system(SystemReason::Operate).await?;
    find(tx.as_mut(), id).await
}

/// Suspends a person or ends that.
pub async fn suspend_user(
    service: &Service,
    ctx: &Ctx,
    id: &str,
    suspended: Option<bool>,
) -> Result<Person, Refusal> {
    check_operator(ctx)?;
    let mut tx = service.store.begin_system(SystemReason::Operate).await?;
    let before = find(tx.as_mut(), id).await?;
    let Some(suspended) = suspended.filter(|suspended| *suspended != before.suspended_at.is_some()) else {
        tx.commit().await?;
        return Ok(before);
    };
    let after = Person { suspended_at: suspended.then_some(ctx.now), ..before };
    tx.suspend_person(after.id, after.suspended_at).await?;
    tx.record_change(Changed::Person(after.id)).await?;
    let deed = Deed {
        home: AuditHome::Person(after.id),
        action: if suspended { AuditAction::UserSuspended } else { AuditAction::UserResumed },
        target: after.id.to_string(),
        before: Some(json!({ "suspended": !suspended })),
        after: Some(json!({ "suspended": suspended })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(after)
}

fn check_operator(ctx: &Ctx) -> Result<(), Refusal> {
    match ctx.caller {
        Caller::Operator => Ok(()),
        Caller::Nobody => Err(Refusal::Unauthenticated),
        Caller::Session { .. } | Caller::Key { .. } => {
            let message =
                "only the operator of this deployment may do this; a workspace suspends its members";
            Err(Refusal::Forbidden(message.to_owned()))
        }
    }
}

async fn find(tx: &mut dyn Tx, id: &str) -> Result<Person, Refusal> {
    let id: UserId = id.parse().map_err(|_| Refusal::NotFound(USER))?;
    tx.person(id).await?.ok_or(Refusal::NotFound(USER))
}
