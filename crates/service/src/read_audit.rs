//! Read the audit log (CVE-13): a workspace's by those with `audit:read`, a person's own by the person.

use keyward_core::audit::AuditHome;
use keyward_core::permission;
use keyward_storage::{AuditFilter, AuditLine, Page, Tenant, Tx};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::get_key::Whose;
use crate::refusal::Refusal;

/// Entries that an export reads at once: it takes the store's time in small parts. Long ones are fewer
/// (`keyward_storage::CHAIN_LEN_MAX`), so that it holds a few megabytes at most.
const EXPORT_PART: u32 = 500;

/// Some entries, the newest first.
pub async fn list_audit(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    filter: &AuditFilter,
    page: &Page,
) -> Result<Vec<AuditLine>, Refusal> {
    let (mut tx, home) = open(service, ctx, whose).await?;
    Ok(tx.audit_entries(home, filter, page).await?)
}

/// A part of an export.
#[derive(Debug, Default)]
pub struct Exported {
    /// Entries, in the order of the chain. None in a part that holds none of those that are wanted.
    pub lines: Vec<AuditLine>,
    /// The place to go on after. `None`: that was all.
    pub next: Option<u64>,
}

/// A part of an export: those of the entries after a place that are wanted. Each part asks anew whether the caller may.
pub async fn export_audit(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    filter: &AuditFilter,
    after: u64,
) -> Result<Exported, Refusal> {
    let (mut tx, home) = open(service, ctx, whose).await?;
    let mut lines = tx.audit_chain(home, after, EXPORT_PART).await?;
    let next = lines.last().map(|line| line.number);
    lines.retain(|line| filter.fits(line));
    Ok(Exported { lines, next })
}

/// Opens the log that is meant, for somebody who may read it.
pub(crate) async fn open(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
) -> Result<(Box<dyn Tx>, AuditHome), Refusal> {
    match whose {
        Whose::Workspace(slug) => {
            let (tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
            access.require(permission::AUDIT_READ)?;
            Ok((tx, AuditHome::Workspace(access.workspace.id)))
        }
        Whose::Personal => {
            let person = ctx.signed_in()?.id;
            let tx = service.store.view(Tenant::person(person)).await?;
            Ok((tx, AuditHome::Person(person)))
        }
    }
}
