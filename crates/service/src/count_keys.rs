//! How many keys of a workspace work, and how many of them are about to end: what a list of workspaces says of each.

use keyward_core::permission;
use keyward_storage::{StaleCount, StaleReason};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::list_stale_keys::{COUNTED_MAX, UNUSED_DAYS_DEFAULT, of_workspace};
use crate::refusal::Refusal;

/// How many keys of a workspace there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCounts {
    /// Those that work.
    pub live: StaleCount,
    /// Those of them that end within a week.
    pub ends_soon: StaleCount,
}

/// Counts the keys of a workspace, a thousand at most of each sort. `None`: the caller's role may not see them.
pub async fn count_keys(service: &Service, ctx: &Ctx, slug: &str) -> Result<Option<KeyCounts>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    if access.require(permission::KEYS_READ).is_err() {
        return Ok(None);
    }
    let live = tx.live_keys(ctx.now, COUNTED_MAX).await?;
    let soon = of_workspace(StaleReason::ExpiresSoon, UNUSED_DAYS_DEFAULT, ctx.now);
    Ok(Some(KeyCounts {
        live: StaleCount { keys: live, more: live == COUNTED_MAX },
        ends_soon: tx.count_stale_keys(&soon, COUNTED_MAX).await?,
    }))
}
