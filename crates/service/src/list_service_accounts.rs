//! Look at the service accounts of a workspace.

use keyward_core::permission;
use keyward_storage::{Page, ServiceAccountRow};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::service_account;

/// Service accounts, the oldest first. `shared`: only those that stand alone, or only those of keys.
pub async fn list_service_accounts(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    shared: Option<bool>,
    page: &Page,
) -> Result<Vec<ServiceAccountRow>, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::KEYS_READ)?;
    Ok(tx.service_accounts(access.workspace.id, shared, page).await?)
}

/// One service account.
pub async fn get_service_account(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
) -> Result<ServiceAccountRow, Refusal> {
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::KEYS_READ)?;
    service_account::find(tx.as_mut(), id).await
}
