//! Look at a workspace.

use keyward_core::role::RoleName;
use keyward_core::workspace::Workspace;

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// A workspace in the caller's reach, and what the caller is there.
pub async fn get_workspace(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
) -> Result<(Workspace, Option<RoleName>), Refusal> {
    let (_, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    let role = access.role_name().cloned();
    Ok((access.workspace, role))
}
