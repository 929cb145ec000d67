//! List keys that somebody should look at: what nobody needs any more, what never ends, what is used from elsewhere.

use jiff::{SignedDuration, Timestamp};
use keyward_core::permission;
use keyward_storage::{Found, KeyScope, Page, StaleCount, StaleFilter, StaleKey, StaleReason, Tenant, Tx};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::get_key::{Whose, check_paid, owner_or_itself};
use crate::refusal::Refusal;

/// Days without use after which a key counts as unused, where nobody says otherwise.
pub const UNUSED_DAYS_DEFAULT: u32 = 90;
/// The most that can be asked for: longer than any log is kept.
pub const UNUSED_DAYS_MAX: u32 = 3_650;
/// How long a network is new, and how long before its end a key ends soon.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Keys of a reason that are counted: whoever has more has work for a while.
pub(crate) const COUNTED_MAX: u32 = 1_000;

/// What is to be listed.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Keys of this reason. `None`: only how many there are of each.
    pub reason: Option<StaleReason>,
    /// Days without use after which a key counts as unused.
    pub unused_days: u32,
}

/// Keys that somebody should look at.
#[derive(Debug)]
pub struct Stale {
    /// How many there are of each reason.
    pub counts: Vec<(StaleReason, StaleCount)>,
    /// Those of the reason that was asked for.
    pub found: Found<StaleKey>,
}

/// Lists and counts them. Looking is bounded: a part may be short before the list has ended.
pub async fn list_stale_keys(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    wish: Wish,
    page: &Page,
) -> Result<Stale, Refusal> {
    let (mut tx, scope) = open(service, ctx, whose).await?;
    let filter = |reason| filter(scope, reason, wish.unused_days, ctx.now);
    let mut counts = Vec::new();
    for reason in StaleReason::ALL {
        counts.push((reason, tx.count_stale_keys(&filter(reason), COUNTED_MAX).await?));
    }
    let found = match wish.reason {
        Some(reason) => tx.stale_keys(&filter(reason), page).await?,
        None => Found { rows: Vec::new(), next: None },
    };
    Ok(Stale { counts, found })
}

async fn open(service: &Service, ctx: &Ctx, whose: Whose<'_>) -> Result<(Box<dyn Tx>, KeyScope), Refusal> {
    match whose {
        Whose::Workspace(slug) => {
            let (tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
            access.require(permission::KEYS_READ)?;
            Ok((tx, KeyScope::OfWorkspace))
        }
        Whose::Personal => {
            let person = owner_or_itself(service, ctx, None)?;
            check_paid(service, ctx).await?;
            Ok((service.store.view(Tenant::person(person)).await?, KeyScope::OfPerson))
        }
    }
}

/// What finds keys of a workspace for one reason.
pub(crate) fn of_workspace(reason: StaleReason, unused_days: u32, now: Timestamp) -> StaleFilter {
    filter(KeyScope::OfWorkspace, reason, unused_days, now)
}

fn filter(scope: KeyScope, reason: StaleReason, unused_days: u32, now: Timestamp) -> StaleFilter {
    let ago = |time: SignedDuration| now.checked_sub(time).unwrap_or(Timestamp::MIN);
    StaleFilter {
        scope,
        reason,
        now,
        unused_since: ago(SignedDuration::from_hours(24 * i64::from(unused_days))),
        new_since: ago(SOON),
        ends_until: now.checked_add(SOON).unwrap_or(Timestamp::MAX),
    }
}
