//! Look at one key.

use keyward_core::id::KeyId;
use keyward_core::key::{Belongs, KeyKind};
use keyward_core::permission;
use keyward_storage::{KeyRow, Tenant, Tx};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;

pub(crate) const KEY: &str = "the key";

/// Among whose keys an identifier is looked for.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// A key of the workspace with this slug.
    Workspace(&'a str),
    /// A personal key of the person who asks.
    Personal,
}

/// A key of a workspace.
pub async fn get_workspace_key(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
) -> Result<KeyRow, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::KEYS_READ)?;
    of_workspace(tx.as_mut(), &access.workspace.id, id).await
}

/// A key of the person who asks. A personal key may look at itself; one that inherits, at all of its
/// owner's.
pub async fn get_personal_key(service: &Service, ctx: &Ctx, id: &str) -> Result<KeyRow, Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound(KEY))?;
    let person = owner_or_itself(service, ctx, Some(id))?;
    check_paid(service, ctx).await?;
    let mut tx = service.store.view(Tenant::person(person)).await?;
    of_person(tx.as_mut(), id).await
}

/// Who may look at whose personal keys: a signed-in person at their own; a key at itself, or at all of its
/// owner's if it acts with its owner's role.
pub(crate) fn owner_or_itself(
    service: &Service,
    ctx: &Ctx,
    id: Option<KeyId>,
) -> Result<keyward_core::id::UserId, Refusal> {
    match &ctx.caller {
        Caller::Session { person, .. } => Ok(person.id),
        Caller::Key { key, person: Some(person), .. }
            if service.profile.keys.inherit || id == Some(key.id) =>
        {
            Ok(person.id)
        }
        Caller::Key { key, .. } if key.kind() == KeyKind::Personal && id.is_some() => {
            Err(Refusal::NotFound(KEY))
        }
        Caller::Nobody => Err(Refusal::Unauthenticated),
        Caller::Key { .. } | Caller::Operator => {
            Err(Refusal::Forbidden("only a person who is signed in sees their personal keys".to_owned()))
        }
    }
}

/// A key that works nowhere for want of a plan does not look around either. A person may.
pub(crate) async fn check_paid(service: &Service, ctx: &Ctx) -> Result<(), Refusal> {
    if ctx.key().is_some() {
        crate::me::me(service, ctx).await?;
    }
    Ok(())
}

pub(crate) async fn of_workspace(
    tx: &mut dyn Tx,
    workspace: &keyward_core::id::WorkspaceId,
    id: &str,
) -> Result<KeyRow, Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound(KEY))?;
    let row = tx.key(id).await?.ok_or(Refusal::NotFound(KEY))?;
    match &row.key.belongs {
        Belongs::ToWorkspace { workspace: home, .. } if home == workspace => Ok(row),
        Belongs::ToWorkspace { .. } | Belongs::ToPerson { .. } => Err(Refusal::NotFound(KEY)),
    }
}

pub(crate) async fn of_person(tx: &mut dyn Tx, id: KeyId) -> Result<KeyRow, Refusal> {
    let row = tx.key(id).await?.ok_or(Refusal::NotFound(KEY))?;
    match row.key.kind() {
        KeyKind::Personal => Ok(row),
        KeyKind::Workspace => Err(Refusal::NotFound(KEY)),
    }
}

/// A key as the transaction that wrote it sees it.
pub(crate) async fn reload(tx: &mut dyn Tx, id: KeyId) -> Result<KeyRow, Refusal> {
    tx.key(id).await?.ok_or_else(|| Refusal::Internal(format!("{id} vanished while it was written")))
}
