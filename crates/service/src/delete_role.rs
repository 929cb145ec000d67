//! Delete a role of the workspace's own. Members who have it hold nothing from then on, and neither do their
//! personal keys, until somebody gives them another.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::permission;
use keyward_storage::Changed;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::role;
use crate::update_role::own_role;

/// Deletes a role, if it still has the version `if_version`, where that is given.
pub async fn delete_role(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    if_version: Option<u64>,
) -> Result<(), Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_MANAGE)?;
    let role = own_role(service, tx.as_mut(), &access, id).await?;
    if if_version.is_some_and(|version| version != role.version) {
        return Err(Refusal::PreconditionFailed);
    }
    if !tx.delete_role(role.id, ctx.now).await? {
        return Err(Refusal::NotFound(role::ROLE));
    }
    tx.record_change(Changed::Role(role.id)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::RoleDeleted,
        target: role.id.to_string(),
        before: Some(role::describe(&role)),
        after: None,
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(())
}
