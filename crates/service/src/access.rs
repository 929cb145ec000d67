//! Entering a workspace: is it in the caller's reach, and what may the caller do there? Checked inside the
//! operation's own transaction, so that nobody acts on a right that was taken away meanwhile.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use keyward_core::catalogue::Catalogue;
use keyward_core::decision::{check_alive, check_network};
use keyward_core::grant::{Grant, Grants, Pattern, Rights, Rule, Wanted};
use keyward_core::id::WorkspaceId;
use keyward_core::key::{Belongs, Key};
use keyward_core::profile::Profile;
use keyward_core::role::{HeldRole, RoleName, RoleRef};
use keyward_core::workspace::{Slug, Workspace};
use keyward_storage::{Tenant, Tx};

use crate::Service;
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;
use crate::upgrade::plan_lacks_keys;

const WORKSPACE: &str = "the workspace";

/// What a caller may do in a workspace.
#[derive(Debug)]
pub struct Access {
    /// Where.
    pub workspace: Workspace,
    /// What the person is there, and what that gives. `None`: a workspace's key.
    role: Option<(HeldRole, Grants)>,
    /// The calling key's own grants. `None`: no key, or one that inherits.
    own: Option<Grants>,
    by_key: bool,
    profile: Arc<Profile>,
}

/// How an operation uses its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It only looks.
    Read,
    /// It may write.
    Write,
}

/// Opens a transaction on the workspace of a slug and checks that it is in the caller's reach. What is not
/// looks as if it were not there.
pub async fn enter(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    mode: Mode,
) -> Result<(Box<dyn Tx>, Access), Refusal> {
    match ctx.caller {
        Caller::Nobody => return Err(Refusal::Unauthenticated),
        Caller::Operator => {
            let message = "the operator's credential only sets plans; sign in, or use an API key";
            return Err(Refusal::Forbidden(message.to_owned()));
        }
        Caller::Session { .. } | Caller::Key { .. } => {}
    }
    let slug = Slug::parse(slug).ok_or(Refusal::NotFound(WORKSPACE))?;
    let id = locate(service, ctx, &slug).await?;
    let tenant = Tenant { workspace: Some(id), person: ctx.person_id() };
    let mut tx = match mode {
        Mode::Read => service.store.view(tenant).await?,
        Mode::Write => service.store.begin(tenant).await?,
    };
    let access = check(service, ctx, id, tx.as_mut()).await?;
    Ok((tx, access))
}

/// The identifier behind a slug, among what the caller sees.
async fn locate(service: &Service, ctx: &Ctx, slug: &Slug) -> Result<WorkspaceId, Refusal> {
    let mut tx = service.store.view(ctx.tenant()).await?;
    let workspace = tx.workspace_by_slug(slug).await?.ok_or(Refusal::NotFound(WORKSPACE))?;
    Ok(workspace.id)
}

async fn check(service: &Service, ctx: &Ctx, id: WorkspaceId, tx: &mut dyn Tx) -> Result<Access, Refusal> {
    let workspace = tx.workspace(id).await?.ok_or(Refusal::NotFound(WORKSPACE))?;
    let role = role_in(service, ctx, id, tx).await?;
    let own = match ctx.key() {
        Some(key) => own_grants(service, ctx, key, &workspace, tx).await?,
        None => None,
    };
    Ok(Access { workspace, role, own, by_key: ctx.key().is_some(), profile: service.profile.clone() })
}

/// The live role of the person who asks. Who is no member has no reach.
async fn role_in(
    service: &Service,
    ctx: &Ctx,
    id: WorkspaceId,
    tx: &mut dyn Tx,
) -> Result<Option<(HeldRole, Grants)>, Refusal> {
    let Some(person) = ctx.person() else { return Ok(None) };
    let member = tx.member(id, person.id).await?.ok_or(Refusal::NotFound(WORKSPACE))?;
    if member.is_suspended() {
        return Err(Refusal::NotFound(WORKSPACE));
    }
    let grants = role_grants(&service.profile, &member.role);
    Ok(Some((member.role, grants)))
}

/// What a member's role gives. One that is not there (any more) gives nothing: fail closed.
pub fn role_grants(profile: &Profile, role: &HeldRole) -> Grants {
    match (&role.which, &role.grant) {
        (RoleRef::OfProfile(name), _) => {
            profile.role(name).map(|role| role.grants.clone()).unwrap_or_default()
        }
        (RoleRef::Custom(_), Some(grant)) => Grants::compile(&profile.catalogue, grant),
        (RoleRef::Custom(_), None) => Grants::default(),
    }
}

/// The calling key's own grants, once it is sure that the key still lives and works here.
async fn own_grants(
    service: &Service,
    ctx: &Ctx,
    key: &Key,
    workspace: &Workspace,
    tx: &mut dyn Tx,
) -> Result<Option<Grants>, Refusal> {
    let present = tx.key(key.id).await?.ok_or(Refusal::NotFound(WORKSPACE))?.key;
    check_alive(present.revoked.is_some(), present.expires_at, ctx.now).map_err(|_| Refusal::InvalidKey)?;
    let in_reach = match &present.belongs {
        Belongs::ToWorkspace { workspace: home, .. } => *home == workspace.id,
        Belongs::ToPerson { workspaces, .. } => {
            workspaces.as_ref().is_none_or(|only| only.contains(&workspace.id))
        }
    };
    if !in_reach {
        return Err(Refusal::NotFound(WORKSPACE));
    }
    if !service.profile.plan_has_keys(&workspace.plan) {
        return Err(plan_lacks_keys(service, workspace));
    }
    check_networks(&present.allowed_cidrs, ctx.request.ip)?;
    check_networks(&workspace.allowed_cidrs, ctx.request.ip)?;
    let inherits = service.profile.keys.inherit && matches!(present.belongs, Belongs::ToPerson { .. });
    Ok((!inherits).then(|| Grants::compile(&service.profile.catalogue, &present.grant)))
}

/// A key that is limited to networks, or is used for a workspace that is, is refused from elsewhere, and from where it cannot
/// be told.
pub(crate) fn check_networks(allowed: &[IpNet], ip: Option<IpAddr>) -> Result<(), Refusal> {
    check_network(allowed, ip)
        .map_err(|_| Refusal::Forbidden("the API key may not be used from this network".to_owned()))
}

impl Access {
    /// What the caller may do here.
    pub fn rights(&self) -> Rights<'_> {
        Rights { own: self.own.as_ref(), role: self.role.as_ref().map(|(_, grants)| grants) }
    }

    /// Whether the caller may do the same as when this was asked before, and may make the same keys.
    pub(crate) fn has_rights_of(&self, before: &Self) -> bool {
        let (now, then) = (self.rights(), before.rights());
        let bounds = |access: &Self| access.workspace.key_lifetime_max;
        now.own == then.own && now.role == then.role && bounds(self) == bounds(before)
    }

    /// What the person is called there. `None`: a workspace's key.
    pub fn role_name(&self) -> Option<&RoleName> {
        self.role.as_ref().map(|(role, _)| &role.name)
    }

    /// Whether the caller may.
    pub fn may(&self, permission: &str) -> bool {
        self.rights().allow(Wanted::new(&self.profile.catalogue, permission), None)
    }

    /// Refuses unless the caller may.
    pub fn require(&self, permission: &str) -> Result<(), Refusal> {
        if self.may(permission) {
            return Ok(());
        }
        if self.by_key {
            return Err(Refusal::InsufficientScope { missing: permission.to_owned() });
        }
        let role = self.role_name().map_or("none", RoleName::as_str);
        Err(Refusal::Forbidden(format!("your role \"{role}\" lacks the permission \"{permission}\"")))
    }

    /// Whether the caller holds all that a grant gives.
    pub fn covers(&self, grant: &Grant) -> bool {
        covers(&self.profile.catalogue, &self.rights(), grant)
    }
}

/// Whether rights hold all that a grant gives.
pub(crate) fn covers(catalogue: &Catalogue, rights: &Rights<'_>, grant: &Grant) -> bool {
    let scopes = grant.scopes.iter().filter_map(|name| Pattern::parse(name).ok());
    let as_rules = scopes.map(|action| Rule { action, resources: [].into() });
    as_rules.chain(grant.rules.iter().cloned()).all(|rule| rights.cover(catalogue, &rule))
}
