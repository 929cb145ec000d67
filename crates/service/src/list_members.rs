//! List the people of a workspace.

use keyward_core::permission;
use keyward_storage::{Member, Page};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::update_member::find;

/// People of a workspace, never service accounts (CVE-9).
pub async fn list_members(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    page: &Page,
) -> Result<Vec<Member>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::MEMBERS_READ)?;
    Ok(tx.members(access.workspace.id, page).await?)
}

/// One of them.
pub async fn get_member(service: &Service, ctx: &Ctx, slug: &str, user: &str) -> Result<Member, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::MEMBERS_READ)?;
    find(tx.as_mut(), &access, user).await
}
