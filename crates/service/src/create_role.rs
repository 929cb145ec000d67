//! Make a role of the workspace's own, of the same rules as keys (CYC-1).

use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::field::Complaints;
use keyward_core::id::RoleId;
use keyward_core::permission;
use keyward_core::role::CustomRole;
use keyward_storage::{Changed, StoreError, Unique};

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::check_covered;
use crate::create_key::parse::{NewRule, parse_description, parse_grant};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::role::{self, CUSTOM_ROLES_MAX, Role};

/// A role that somebody asks for, as they wrote it.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Scopes of the catalogue.
    pub scopes: Vec<String>,
    /// Rules beside them.
    pub rules: Vec<NewRule>,
}

/// Makes a role. Nobody makes one that holds more than they do.
pub async fn create_role(service: &Service, ctx: &Ctx, slug: &str, input: NewRole) -> Result<Role, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::MEMBERS_MANAGE)?;
    let role = parse(service, ctx, input)?;
    check_covered(&role.grant, |rule| access.rights().cover(&service.profile.catalogue, rule))?;
    let workspace = access.workspace.id;
    if tx.roles(workspace, CUSTOM_ROLES_MAX).await?.len() >= CUSTOM_ROLES_MAX as usize {
        let message = format!("the workspace has {CUSTOM_ROLES_MAX} roles of its own; delete one first");
        return Err(Refusal::Conflict(message));
    }
    match tx.insert_role(workspace, &role).await {
        Err(StoreError::Duplicate(Unique::RoleName)) => return Err(role::name_taken(&role.name)),
        other => other?,
    }
    tx.record_change(Changed::Role(role.id)).await?;
    let deed = Deed {
        home: AuditHome::Workspace(workspace),
        action: AuditAction::RoleCreated,
        target: role.id.to_string(),
        before: None,
        after: Some(role::describe(&role)),
    };
    audit::write(ctx, tx.as_mut(), deed).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(role.into())
}

fn parse(service: &Service, ctx: &Ctx, input: NewRole) -> Result<CustomRole, Refusal> {
    let mut complaints = Complaints::new();
    let name = role::parse_name(&mut complaints, &service.profile, &input.name);
    let description = parse_description(&mut complaints, input.description);
    let catalogue = &service.profile.catalogue;
    let grant = parse_grant(&mut complaints, catalogue, false, &input.scopes, &input.rules);
    complaints.finish().map_err(Refusal::Invalid)?;
    let name = name.ok_or_else(|| Refusal::Internal("a name without a complaint is missing".to_owned()))?;
    let (ms, random) = ctx.id_parts()?;
    Ok(CustomRole { id: RoleId::new(ms, random), name, description, grant, created_at: ctx.now, version: 1 })
}
