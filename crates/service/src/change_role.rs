//! Give a member another role. Their personal keys follow at once: they act with the live role (CYB-1).

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::id::UserId;
use keyward_core::permission;
use keyward_core::role::{Role, RoleName};
use keyward_storage::{Changed, Member, Tx};
use serde_json::json;

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;

pub(crate) const MEMBER: &str = "the member";

/// Gives a member another role: only if they have the role `only_from` now, where that is given.
pub async fn change_role(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    user: &str,
    role: &str,
    only_from: Option<&RoleName>,
) -> Result<Member, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_MANAGE)?;
    let workspace = access.workspace.id;
    let member = find(tx.as_mut(), &access, user).await?;
    if only_from.is_some_and(|expected| *expected != member.role) {
        return Err(Refusal::PreconditionFailed);
    }
    let role = parse_role(service, role)?;
    check_outranks(service, &access, &member.role)?;
    check_may_give(&access, role)?;
    if member.role == role.name {
        tx.commit().await?;
        return Ok(member);
    }
    check_not_last(service, tx.as_mut(), &access, &member).await?;
    tx.update_membership(workspace, member.user, &role.name).await?;
    tx.record_change(Changed::Membership(workspace, member.user)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(workspace),
        action: AuditAction::MemberRoleChanged,
        target: member.user.to_string(),
        before: Some(json!({ "role": member.role.as_str() })),
        after: Some(json!({ "role": role.name.as_str() })),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(Member { role: role.name.clone(), ..member })
}

/// A member of the workspace that was entered.
pub(crate) async fn find(tx: &mut dyn Tx, access: &Access, user: &str) -> Result<Member, Refusal> {
    let user: UserId = user.parse().map_err(|_| Refusal::NotFound(MEMBER))?;
    tx.member(access.workspace.id, user).await?.ok_or(Refusal::NotFound(MEMBER))
}

/// A role of the profile, by its name.
pub(crate) fn parse_role<'a>(service: &'a Service, name: &str) -> Result<&'a Role, Refusal> {
    service.profile.role(&RoleName::new(name)).ok_or_else(|| {
        let names: Vec<&str> = service.profile.roles().iter().map(|role| role.name.as_str()).collect();
        FieldError::new("role", FieldCode::NotFound, format!("no such role; there are {}", names.join(", ")))
            .into()
    })
}

/// Nobody gives a role that holds more than they do.
pub(crate) fn check_may_give(access: &Access, role: &Role) -> Result<(), Refusal> {
    if access.covers_role(role) {
        return Ok(());
    }
    Err(Refusal::Forbidden(format!("the role \"{}\" holds more than you do; you cannot give it", role.name)))
}

/// Nobody touches a member who holds more than they do.
pub(crate) fn check_outranks(service: &Service, access: &Access, theirs: &RoleName) -> Result<(), Refusal> {
    // A role that the profile no longer has gives nothing, so everybody outranks it.
    let outranks = service.profile.role(theirs).is_none_or(|role| access.covers_role(role));
    if outranks {
        return Ok(());
    }
    Err(Refusal::Forbidden(format!("the member's role \"{theirs}\" holds more than yours")))
}

/// A workspace keeps at least one member of the first role, who can undo every mistake.
pub(crate) async fn check_not_last(
    service: &Service,
    tx: &mut dyn Tx,
    access: &Access,
    member: &Member,
) -> Result<(), Refusal> {
    let first = service.profile.roles().first().map(|role| &role.name);
    if first != Some(&member.role) || tx.members_with_role(access.workspace.id, &member.role).await? > 1 {
        return Ok(());
    }
    let role = &member.role;
    Err(Refusal::Conflict(format!(
        "this is the last \"{role}\" of the workspace; make somebody else \"{role}\" first"
    )))
}
