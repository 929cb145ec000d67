//! Look at the roles of a workspace.

use keyward_core::permission;

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::role::{self, Role};

/// All roles: the profile's in its order, then the workspace's own by name. There are few, so that they are
/// whole.
pub async fn list_roles(service: &Service, ctx: &Ctx, slug: &str) -> Result<Vec<Role>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::MEMBERS_READ)?;
    role::all(&service.profile, tx.as_mut(), access.workspace.id).await
}

/// One role.
pub async fn get_role(service: &Service, ctx: &Ctx, slug: &str, id: &str) -> Result<Role, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::MEMBERS_READ)?;
    role::by_id(&service.profile, tx.as_mut(), id).await
}
