//! Look at the nodes that decide.

use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::permission;
use keyward_storage::SystemReason;

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::nodes::NodeReport;
use crate::refusal::Refusal;

/// The last change of the store, and what every node has made of it: as a receipt says it, for whoever may get one.
pub async fn list_nodes(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
) -> Result<(Epoch, Vec<NodeReport>), Refusal> {
    let (_, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let last = service.store.view_system(SystemReason::Feed).await?.last_epoch().await?;
    Ok((last, service.nodes.report(last, GraceSeconds::NONE).await))
}
