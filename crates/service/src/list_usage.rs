//! Read what became of the uses of a key (CYB-12). Whoever may look at the key may: a workspace's key those with
//! `keys:read` there, a personal key its owner alone, wherever it was used.

use jiff::Timestamp;
use keyward_core::permission;
use keyward_storage::{Found, KeyRow, Page, Tenant, Tx, UsageEntry, UsageFilter, UsageGap};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::get_key::{KEY, Whose, check_paid, of_person, of_workspace, owner_or_itself};
use crate::refusal::Refusal;

/// Gaps that are told with an answer: the latest ones.
const GAPS_MAX: u32 = 20;

/// Some uses of a key, and the times of which some may be missing.
#[derive(Debug)]
pub struct Usage {
    /// The uses, the newest first.
    pub found: Found<UsageEntry>,
    /// The gaps, the latest first.
    pub gaps: Vec<UsageGap>,
}

/// Some uses of a key.
pub async fn list_usage(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
    filter: &UsageFilter,
    page: &Page,
) -> Result<Usage, Refusal> {
    let (mut tx, row) = open(service, ctx, whose, id).await?;
    let found = tx.usage(row.key.id, filter, page).await?;
    let gaps = gaps(tx.as_mut(), &row, filter.from, filter.to.unwrap_or(Timestamp::MAX)).await?;
    Ok(Usage { found, gaps })
}

/// Opens a view of the key that is meant, for somebody who may look at it.
pub(crate) async fn open(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    id: &str,
) -> Result<(Box<dyn Tx>, KeyRow), Refusal> {
    match whose {
        Whose::Workspace(slug) => {
            let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
            access.require(permission::KEYS_READ)?;
            let row = of_workspace(tx.as_mut(), &access.workspace.id, id).await?;
            Ok((tx, row))
        }
        Whose::Personal => {
            let id = id.parse().map_err(|_| Refusal::NotFound(KEY))?;
            let person = owner_or_itself(service, ctx, Some(id))?;
            check_paid(service, ctx).await?;
            let mut tx = service.store.view(Tenant::person(person)).await?;
            let row = of_person(tx.as_mut(), id).await?;
            Ok((tx, row))
        }
    }
}

/// Times since the key was made of which uses may be missing.
pub(crate) async fn gaps(
    tx: &mut dyn Tx,
    row: &KeyRow,
    from: Option<Timestamp>,
    to: Timestamp,
) -> Result<Vec<UsageGap>, Refusal> {
    let made = row.key.created_at;
    Ok(tx.usage_gaps(from.map_or(made, |from| from.max(made)), to, GAPS_MAX).await?)
}
