//! Revoke several keys at once (CYC-8), with a result for each; or only say what would happen.

use keyward_core::audit::AuditHome;
use keyward_core::change::Epoch;
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::grace::GraceSeconds;
use keyward_core::permission;
use keyward_storage::{KeyRow, Tenant, Tx};

use crate::Service;
use crate::access::{self, Mode};
use crate::ctx::Ctx;
use crate::get_key::{self, Whose};
use crate::refusal::Refusal;
use crate::revoke_key::{end, parse_reason};

/// Most keys of one bulk revocation: one transaction, which others wait for.
const BULK_MAX: usize = 1_000;

/// What became of a bulk revocation.
#[derive(Debug)]
pub struct BulkRevoked {
    /// For each identifier whether its key is revoked now, or why there is none.
    pub results: Vec<Result<(), Refusal>>,
    /// The last of the changes that revoked them, or a later one: a node that has applied it accepts none of the keys.
    pub epoch: Epoch,
    /// How much longer than five seconds a node that is cut off may accept them.
    pub grace: GraceSeconds,
}

/// Revokes several keys. Either all that can be revoked are, or (if the store fails) none.
pub async fn bulk_revoke(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    ids: &[String],
    reason: Option<String>,
) -> Result<BulkRevoked, Refusal> {
    let reason = parse_reason(reason)?;
    let (mut tx, home, grace) = open(service, ctx, whose, Mode::Write).await?;
    check_count(ids)?;
    let mut ended = Vec::new();
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        results.push(match find(tx.as_mut(), home, id).await? {
            Ok(row) if row.key.revoked.is_some() => Ok(()),
            Ok(row) => {
                ended.push(end(ctx, tx.as_mut(), row, home, reason.clone()).await?);
                Ok(())
            }
            Err(refusal) => Err(refusal),
        });
    }
    let epoch = tx.commit().await?;
    // A line each: whoever restores a backup looks for them.
    for key in ended {
        tracing::info!(%key, epoch = epoch.0, "key revoked");
    }
    service.nodes.catch_up(epoch).await;
    Ok(BulkRevoked { results, epoch, grace })
}

/// What [`bulk_revoke`] would find, with the same checks: for each identifier the key as it is, or why there is
/// none. Nothing is changed.
pub async fn preview_bulk_revoke(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    ids: &[String],
    reason: Option<String>,
) -> Result<Vec<Result<KeyRow, Refusal>>, Refusal> {
    parse_reason(reason)?;
    let (mut tx, home, _) = open(service, ctx, whose, Mode::Read).await?;
    check_count(ids)?;
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        results.push(find(tx.as_mut(), home, id).await?);
    }
    Ok(results)
}

async fn open(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    mode: Mode,
) -> Result<(Box<dyn Tx>, AuditHome, GraceSeconds), Refusal> {
    match whose {
        Whose::Workspace(slug) => {
            let (tx, access) = access::enter(service, ctx, slug, mode).await?;
            access.require(permission::SETTINGS_MANAGE)?;
            let grace = access.workspace.grace.in_force(ctx.now);
            Ok((tx, AuditHome::Workspace(access.workspace.id), grace))
        }
        Whose::Personal => {
            let person = ctx.signed_in()?.id;
            let tx = match mode {
                Mode::Read => service.store.view(Tenant::person(person)).await?,
                Mode::Write => service.store.begin(Tenant::person(person)).await?,
            };
            // A person's keys belong to no workspace, and none gives nodes grace for them.
            Ok((tx, AuditHome::Person(person), GraceSeconds::NONE))
        }
    }
}

/// The key, or that there is none: a result. Anything else is the store's fault, and ends the whole.
async fn find(tx: &mut dyn Tx, home: AuditHome, id: &str) -> Result<Result<KeyRow, Refusal>, Refusal> {
    let found = match home {
        AuditHome::Workspace(workspace) => get_key::of_workspace(tx, &workspace, id).await,
        AuditHome::Person(_) => match id.parse() {
            Ok(id) => get_key::of_person(tx, id).await,
            Err(_) => Err(Refusal::NotFound(get_key::KEY)),
        },
    };
    match found {
        Ok(_) | Err(Refusal::NotFound(_)) => Ok(found),
        Err(refusal) => Err(refusal),
    }
}

fn check_count(ids: &[String]) -> Result<(), Refusal> {
    if ids.is_empty() {
        return Err(FieldError::new("ids", FieldCode::Required, "give at least one identifier").into());
    }
    if ids.len() > BULK_MAX {
        let message = format!("give at most {BULK_MAX} identifiers");
        return Err(FieldError::new("ids", FieldCode::TooLarge, message).into());
    }
    Ok(())
}
