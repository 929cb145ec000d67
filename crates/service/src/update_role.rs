//! Edit a role of the workspace's own. Its members' keys follow at the next question.

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::permission;
use keyward_core::role::{CustomRole, RoleRef};
use keyward_storage::{Changed, StoreError, Tx, Unique};

use crate::Service;
use crate::access::{self, Access, Mode};
use crate::audit::{self, Deed};
use crate::create_key::parse::{NewRule, parse_description, parse_grant};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::role::{self, Role};
use crate::update_key::check_widening;

/// What to change of a role. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct RoleEdit {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for. `Some(None)`: nothing is said any more.
    pub description: Option<Option<String>>,
    /// Scopes of the catalogue.
    pub scopes: Option<Vec<String>>,
    /// Rules beside them.
    pub rules: Option<Vec<NewRule>>,
    /// The only version that may be changed.
    pub if_version: Option<u64>,
}

/// Edits a role.
pub async fn update_role(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    edit: RoleEdit,
) -> Result<Role, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_MANAGE)?;
    let before = own_role(service, tx.as_mut(), &access, id).await?;
    if edit.if_version.is_some_and(|version| version != before.version) {
        return Err(Refusal::PreconditionFailed);
    }
    let mut after = apply(service, &before, edit)?;
    let catalogue = &service.profile.catalogue;
    check_widening(&before.grant, &after.grant, |rule| access.rights().cover(catalogue, rule))?;
    if after == before {
        tx.commit().await?;
        return Ok(before.into());
    }
    after.version += 1;
    match tx.update_role(&after).await {
        Err(StoreError::Duplicate(Unique::RoleName)) => return Err(role::name_taken(&after.name)),
        other => other?,
    }
    tx.record_change(Changed::Role(after.id)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(access.workspace.id),
        action: AuditAction::RoleUpdated,
        target: after.id.to_string(),
        before: Some(role::describe(&before)),
        after: Some(role::describe(&after)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(after.into())
}

/// A role that the workspace made, for somebody who may manage it: nobody touches one that holds more than they
/// do.
pub(crate) async fn own_role(
    service: &Service,
    tx: &mut dyn Tx,
    access: &Access,
    id: &str,
) -> Result<CustomRole, Refusal> {
    let found = role::by_id(&service.profile, tx, id).await?;
    let RoleRef::Custom(id) = found.which else {
        let message = format!("\"{}\" is a role that every workspace has; make one of your own", found.name);
        return Err(Refusal::Forbidden(message));
    };
    if !access.covers(&found.grant) {
        let message = format!("the role \"{}\" holds more than you do; you cannot change it", found.name);
        return Err(Refusal::Forbidden(message));
    }
    tx.role(id).await?.ok_or(Refusal::NotFound(role::ROLE))
}

fn apply(service: &Service, before: &CustomRole, edit: RoleEdit) -> Result<CustomRole, Refusal> {
    let mut complaints = Complaints::new();
    let mut after = before.clone();
    if let Some(name) = edit.name {
        after.name = role::parse_name(&mut complaints, &service.profile, &name).unwrap_or(after.name);
    }
    if let Some(description) = edit.description {
        after.description = parse_description(&mut complaints, description);
    }
    if edit.scopes.is_some() || edit.rules.is_some() {
        let present = &before.grant;
        let scopes = edit.scopes.unwrap_or_else(|| present.scopes.iter().map(ToString::to_string).collect());
        let rules = edit.rules.unwrap_or_else(|| present.rules.iter().map(NewRule::from).collect());
        let catalogue = &service.profile.catalogue;
        after.grant = parse_grant(&mut complaints, catalogue, false, &scopes, &rules);
    }
    complaints.finish().map_err(Refusal::Invalid)?;
    Ok(after)
}
