//! Look at the open invitations of a workspace. What accepts them is told to nobody again.

use keyward_core::permission;
use keyward_core::person::Person;
use keyward_core::role::{RoleName, RoleRef};
use keyward_storage::{Invitation, Page, Tx};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// An open invitation, as lists show it.
#[derive(Debug)]
pub struct OpenInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// What the role is called. `None`: it is gone, and the invitation is worth nothing.
    pub role: Option<RoleName>,
    /// Who invited, if they are still there.
    pub by: Option<Person>,
}

/// Open invitations, those first that end first.
pub async fn list_invitations(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    page: &Page,
) -> Result<Vec<OpenInvitation>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::MEMBERS_INVITE)?;
    let mut open = Vec::new();
    for invitation in tx.invitations(access.workspace.id, ctx.now, page).await? {
        open.push(describe(service, tx.as_mut(), invitation).await?);
    }
    Ok(open)
}

async fn describe(
    service: &Service,
    tx: &mut dyn Tx,
    invitation: Invitation,
) -> Result<OpenInvitation, Refusal> {
    let role = match &invitation.role {
        RoleRef::OfProfile(name) => service.profile.role(name).map(|role| role.name.clone()),
        RoleRef::Custom(id) => tx.role(*id).await?.map(|role| role.name),
    };
    let by = tx.person(invitation.created_by).await?;
    Ok(OpenInvitation { invitation, role, by })
}
