//! List keys, never their secrets.

use jiff::Timestamp;
use keyward_core::id::UserId;
use keyward_core::key::KeyStatus;
use keyward_core::permission;
use keyward_storage::{Found, KeyFilter, KeyRow, KeyScope, KeySort, Page, Tenant};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::get_key::{check_paid, owner_or_itself};
use crate::refusal::Refusal;

/// Which keys somebody wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Of which status.
    pub status: Option<KeyStatus>,
    /// Looked after by whom.
    pub owner: Option<UserId>,
    /// With what in their name or description.
    pub search: Option<String>,
    /// Not used since.
    pub last_used_before: Option<Timestamp>,
}

impl Wish {
    fn filter(self, scope: KeyScope, now: Timestamp) -> KeyFilter {
        let Self { status, owner, search, last_used_before } = self;
        KeyFilter { scope, status, owner, search, last_used_before, now }
    }
}

/// Keys of a workspace. A part may be short, or empty, before the list has ended.
pub async fn list_workspace_keys(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    wish: Wish,
    sort: KeySort,
    page: &Page,
) -> Result<Found<KeyRow>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::KEYS_READ)?;
    Ok(tx.keys(&wish.filter(KeyScope::OfWorkspace, ctx.now), sort, page).await?)
}

/// Personal keys of the person who asks, in such parts too.
pub async fn list_personal_keys(
    service: &Service,
    ctx: &Ctx,
    wish: Wish,
    sort: KeySort,
    page: &Page,
) -> Result<Found<KeyRow>, Refusal> {
    let person = owner_or_itself(service, ctx, None)?;
    check_paid(service, ctx).await?;
    let mut tx = service.store.view(Tenant::person(person)).await?;
    Ok(tx.keys(&wish.filter(KeyScope::OfPerson, ctx.now), sort, page).await?)
}
