//! Give a member another role, suspend them, or end that. Their personal keys follow at once: they act with the
//! live role (CYB-1).

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::id::UserId;
use keyward_core::permission;
use keyward_core::role::{HeldRole, RoleName, RoleRef};
use keyward_storage::{Changed, Member, Tx};
use serde_json::json;

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::role::{self, Role};

pub(crate) const MEMBER: &str = "the member";

/// What to change of a member. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct MemberEdit {
    /// The name or identifier of their role.
    pub role: Option<String>,
    /// Whether they may do nothing in the workspace.
    pub suspended: Option<bool>,
    /// The only version that may be changed.
    pub if_version: Option<String>,
}

/// The version of a member: all that can be edited of one.
pub fn version(member: &Member) -> String {
    let suspended = if member.suspended_at.is_some() { "~suspended" } else { "" };
    format!("{}{suspended}", member.role.which)
}

/// Edits a member.
pub async fn update_member(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    user: &str,
    edit: MemberEdit,
) -> Result<Member, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_MANAGE)?;
    let mut member = find(tx.as_mut(), &access, user).await?;
    if edit.if_version.is_some_and(|expected| expected != version(&member)) {
        return Err(Refusal::PreconditionFailed);
    }
    check_outranks(service, &access, &member.role)?;
    if let Some(role) = edit.role {
        let role = role::named(&service.profile, tx.as_mut(), access.workspace.id, &role).await??;
        member = give(service, ctx, tx.as_mut(), &access, member, role).await?;
    }
    if let Some(suspended) = edit.suspended {
        member = suspend(service, ctx, tx.as_mut(), &access, member, suspended).await?;
    }
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(member)
}

async fn give(
    service: &Service,
    ctx: &Ctx,
    tx: &mut dyn Tx,
    access: &Access,
    member: Member,
    role: Role,
) -> Result<Member, Refusal> {
    role::check_may_give(access, &role)?;
    if member.role.which == role.which {
        return Ok(member);
    }
    check_not_last(service, tx, access, &member).await?;
    tx.update_membership(access.workspace.id, member.user, &role.which).await?;
    let (before, after) =
        (json!({ "role": member.role.name.as_str() }), json!({ "role": role.name.as_str() }));
    write_down(ctx, tx, access, &member, AuditAction::MemberRoleChanged, before, after).await?;
    let grant = (!role.is_of_profile()).then_some(role.grant);
    Ok(Member { role: HeldRole { which: role.which, name: role.name, grant }, ..member })
}

async fn suspend(
    service: &Service,
    ctx: &Ctx,
    tx: &mut dyn Tx,
    access: &Access,
    member: Member,
    suspended: bool,
) -> Result<Member, Refusal> {
    if member.suspended_at.is_some() == suspended {
        return Ok(member);
    }
    if suspended && ctx.person_id() == Some(member.user) {
        return Err(Refusal::Conflict("you cannot suspend yourself; leave the workspace instead".to_owned()));
    }
    if suspended {
        check_not_last(service, tx, access, &member).await?;
    }
    let since = suspended.then_some(ctx.now);
    tx.suspend_membership(access.workspace.id, member.user, since).await?;
    let action = if suspended { AuditAction::MemberSuspended } else { AuditAction::MemberResumed };
    let (before, after) = (json!({ "suspended": !suspended }), json!({ "suspended": suspended }));
    write_down(ctx, tx, access, &member, action, before, after).await?;
    Ok(Member { suspended_at: since, ..member })
}

async fn write_down(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    access: &Access,
    member: &Member,
    action: AuditAction,
    before: serde_json::Value,
    after: serde_json::Value,
) -> Result<(), Refusal> {
    let workspace = access.workspace.id;
    tx.record_change(Changed::Membership(workspace, member.user)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(workspace),
        action,
        target: member.user.to_string(),
        before: Some(before),
        after: Some(after),
    };
    audit::write(ctx, tx, deed).await
}

/// A member of the workspace that was entered.
pub(crate) async fn find(tx: &mut dyn Tx, access: &Access, user: &str) -> Result<Member, Refusal> {
    let user: UserId = user.parse().map_err(|_| Refusal::NotFound(MEMBER))?;
    tx.member(access.workspace.id, user).await?.ok_or(Refusal::NotFound(MEMBER))
}

/// Nobody touches a member who holds more than they do.
pub(crate) fn check_outranks(service: &Service, access: &Access, theirs: &HeldRole) -> Result<(), Refusal> {
    let held = match &theirs.which {
        RoleRef::OfProfile(name) => service.profile.role(name).map(|role| &role.grant),
        RoleRef::Custom(_) => theirs.grant.as_ref(),
    };
    // A role that is not there any more gives nothing, so everybody outranks it.
    if held.is_none_or(|grant| access.covers(grant)) {
        return Ok(());
    }
    Err(Refusal::Forbidden(format!("the member's role \"{}\" holds more than yours", theirs.name)))
}

/// A workspace keeps at least one member of the first role, who can undo every mistake.
pub(crate) async fn check_not_last(
    service: &Service,
    tx: &mut dyn Tx,
    access: &Access,
    member: &Member,
) -> Result<(), Refusal> {
    let first: Option<&RoleName> = service.profile.roles().first().map(|role| &role.name);
    let has_first = matches!(&member.role.which, RoleRef::OfProfile(name) if first == Some(name));
    // Who is suspended is not counted, and so cannot be the last.
    if !has_first
        || member.is_suspended()
        || tx.members_with_role(access.workspace.id, &member.role.which, 2).await? > 1
    {
        return Ok(());
    }
    let role = &member.role.name;
    Err(Refusal::Conflict(format!(
        "this is the last \"{role}\" of the workspace; make somebody else \"{role}\" first"
    )))
}
