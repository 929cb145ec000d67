//! Whom a notice of a key goes to: people, never what only a program reads.

use keyward_core::grant::{Grants, Rights, Wanted};
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key};
use keyward_core::permission::SETTINGS_MANAGE;
use keyward_core::role::RoleRef;
use keyward_storage::Tx;

use crate::Service;
use crate::letter::Reason;
use crate::refusal::Refusal;
use crate::role::CUSTOM_ROLES_MAX;

/// Most people who are told of one key that nobody looks after: enough that somebody reads it, and few enough that a
/// large workspace is not flooded.
const MANAGERS_MAX: u32 = 10;

/// Who is told of a key: the owner, if they still may do something where the key works; otherwise, of a workspace's key,
/// those who manage the workspace. Nobody who is suspended or has left.
pub(crate) async fn recipients(
    service: &Service,
    tx: &mut dyn Tx,
    key: &Key,
) -> Result<Vec<(UserId, Reason)>, Refusal> {
    let owner = match &key.belongs {
        Belongs::ToPerson { owner, .. } => Some(*owner),
        Belongs::ToWorkspace { owner, .. } => *owner,
    };
    if let Some(owner) = owner
        && looks_after(tx, key, owner).await?
    {
        return Ok(vec![(owner, Reason::Owner)]);
    }
    match &key.belongs {
        Belongs::ToPerson { .. } => Ok(Vec::new()),
        Belongs::ToWorkspace { workspace, .. } => {
            let managers = managers(service, tx, *workspace).await?;
            Ok(managers.into_iter().map(|manager| (manager, Reason::Manager)).collect())
        }
    }
}

/// Whether an owner is there, where the key works.
async fn looks_after(tx: &mut dyn Tx, key: &Key, owner: UserId) -> Result<bool, Refusal> {
    let places = match &key.belongs {
        Belongs::ToWorkspace { workspace, .. } => std::slice::from_ref(workspace),
        Belongs::ToPerson { workspaces: Some(workspaces), .. } => workspaces.as_slice(),
        Belongs::ToPerson { workspaces: None, .. } => {
            let is_there = tx.person(owner).await?.is_some_and(|person| person.suspended_at.is_none());
            return Ok(is_there && !tx.places(owner, 1).await?.is_empty());
        }
    };
    for place in places {
        if tx.member(*place, owner).await?.is_some_and(|member| !member.is_suspended()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Some of those who manage a workspace: of the profile's roles first, then of the workspace's own.
async fn managers(
    service: &Service,
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
) -> Result<Vec<UserId>, Refusal> {
    let catalogue = &service.profile.catalogue;
    let manages = |grants: &Grants| {
        Rights { own: None, role: Some(grants) }.allow(Wanted::new(catalogue, SETTINGS_MANAGE), None)
    };
    let of_profile = service.profile.roles().iter().filter(|role| manages(&role.grants));
    let mut roles: Vec<RoleRef> = of_profile.map(|role| RoleRef::OfProfile(role.name.clone())).collect();
    let own = tx.roles(workspace, CUSTOM_ROLES_MAX).await?.into_iter();
    let own = own.filter(|role| manages(&Grants::compile(catalogue, &role.grant)));
    roles.extend(own.map(|role| RoleRef::Custom(role.id)));
    let mut people = Vec::new();
    for role in roles {
        let room = MANAGERS_MAX.saturating_sub(u32::try_from(people.len()).unwrap_or(u32::MAX));
        if room == 0 {
            break;
        }
        people.extend(tx.holders(workspace, &role, room).await?.into_iter().map(|member| member.user));
    }
    Ok(people)
}
