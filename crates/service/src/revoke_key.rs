//! Revoke a key: for good, and at once. Revoking it again changes nothing.

use jiff::Timestamp;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::change::Epoch;
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::id::KeyId;
use keyward_core::key::{Belongs, Key};
use keyward_core::permission;
use keyward_storage::{Changed, KeyRow, Tenant, Tx};
use serde_json::Value;

use crate::Service;
use crate::access::{self, Mode};
use crate::audit::{self, Deed};
use crate::create_key::describe;
use crate::ctx::Ctx;
use crate::get_key;
use crate::nodes::{NodeReport, NodeState};
use crate::refusal::Refusal;

/// Most keys of one bulk revocation: one transaction, which others wait for.
const BULK_MAX: usize = 1_000;
/// Longest reason: it is read in a list.
const REASON_CHARS_MAX: usize = 500;

/// What became of a revocation.
#[derive(Debug, Clone)]
pub struct Revoked {
    /// The key.
    pub id: KeyId,
    /// When it was revoked: the first time counts.
    pub at: Timestamp,
    /// The change that revoked it, or a later one.
    pub epoch: Epoch,
    /// Every node that decides.
    pub nodes: Vec<NodeReport>,
}

impl Revoked {
    /// Whether no node accepts the key any more.
    pub fn propagated(&self) -> bool {
        self.nodes.iter().all(|node| node.state != NodeState::Pending)
    }
}

/// Revokes a key of a workspace (CVE-16: by those who manage its settings).
pub async fn revoke_workspace_key(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    id: &str,
    reason: Option<String>,
) -> Result<Revoked, Refusal> {
    let reason = parse_reason(reason)?;
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    let row = get_key::of_workspace(tx.as_mut(), &access.workspace.id, id).await?;
    revoke(service, ctx, tx, row, AuditHome::Workspace(access.workspace.id), reason).await
}

/// Revokes a personal key of the person who asks. A personal key may revoke itself: whoever finds one can
/// end it.
pub async fn revoke_personal_key(
    service: &Service,
    ctx: &Ctx,
    id: &str,
    reason: Option<String>,
) -> Result<Revoked, Refusal> {
    let reason = parse_reason(reason)?;
    let id = id.parse().map_err(|_| Refusal::NotFound(get_key::KEY))?;
    let person = get_key::owner_or_itself(service, ctx, Some(id))?;
    let mut tx = service.store.begin(Tenant::person(person)).await?;
    let row = get_key::of_person(tx.as_mut(), id).await?;
    revoke(service, ctx, tx, row, AuditHome::Person(person), reason).await
}

async fn revoke(
    service: &Service,
    ctx: &Ctx,
    mut tx: Box<dyn Tx>,
    row: KeyRow,
    home: AuditHome,
    reason: Option<String>,
) -> Result<Revoked, Refusal> {
    if let Some(revocation) = &row.key.revoked {
        // What was read may belong to a commit that is still to come, and may fail: wait for it.
        let epoch = tx.commit().await?;
        return receipt(service, row.key.id, revocation.at, epoch).await;
    }
    let key = end(ctx, tx.as_mut(), row, home, reason).await?;
    let epoch = tx.commit().await?;
    tracing::info!(key = %key, epoch = epoch.0, "key revoked");
    receipt(service, key, ctx.now, epoch).await
}

/// Ends a live key, in the caller's transaction.
async fn end(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    row: KeyRow,
    home: AuditHome,
    reason: Option<String>,
) -> Result<KeyId, Refusal> {
    let before = describe(&row.key);
    let key: Key = row.key.revoke(ctx.now, ctx.principal()?);
    tx.update_key(&key).await?;
    if let Belongs::ToWorkspace { acts_as, .. } = &key.belongs {
        tx.delete_service_account(acts_as.id, ctx.now).await?;
    }
    let deed = Deed {
        home,
        action: AuditAction::KeyRevoked,
        target: key.id.to_string(),
        before: Some(before),
        after: Some(with_reason(describe(&key), reason)),
    };
    audit::write(ctx, tx, deed).await?;
    tx.record_change(Changed::Key(key.id)).await?;
    Ok(key.id)
}

/// Revokes several keys of a workspace at once (CYC-8), with a result for each. Either all that can be revoked
/// are, or (if the store fails) none.
pub async fn bulk_revoke_keys(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    ids: &[String],
    reason: Option<String>,
) -> Result<Vec<Result<(), Refusal>>, Refusal> {
    let reason = parse_reason(reason)?;
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Write).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    check_count(ids)?;
    let workspace = access.workspace.id;
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        let ended = match get_key::of_workspace(tx.as_mut(), &workspace, id).await {
            Ok(row) if row.key.revoked.is_some() => Ok(()),
            Ok(row) => {
                end(ctx, tx.as_mut(), row, AuditHome::Workspace(workspace), reason.clone()).await.map(drop)
            }
            Err(refusal) => Err(refusal),
        };
        match ended {
            // Not there: a result. Anything else is the store's fault, and ends the whole.
            Ok(()) | Err(Refusal::NotFound(_)) => results.push(ended),
            Err(refusal) => return Err(refusal),
        }
    }
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(results)
}

/// Says what [`bulk_revoke_keys`] would find, with the same checks, and changes nothing: for each identifier the
/// key as it is, or why there is none.
pub async fn preview_bulk_revoke(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    ids: &[String],
    reason: Option<String>,
) -> Result<Vec<Result<KeyRow, Refusal>>, Refusal> {
    parse_reason(reason)?;
    let (mut tx, access) = access::enter(service, ctx, slug, Mode::Read).await?;
    access.require(permission::SETTINGS_MANAGE)?;
    check_count(ids)?;
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        match get_key::of_workspace(tx.as_mut(), &access.workspace.id, id).await {
            result @ (Ok(_) | Err(Refusal::NotFound(_))) => results.push(result),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(results)
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

fn parse_reason(reason: Option<String>) -> Result<Option<String>, Refusal> {
    let too_long = reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX);
    if too_long {
        let message = format!("a reason has at most {REASON_CHARS_MAX} characters");
        return Err(FieldError::new("reason", FieldCode::TooLarge, message).into());
    }
    Ok(reason)
}

fn with_reason(mut after: Value, reason: Option<String>) -> Value {
    if let (Some(fields), Some(reason)) = (after.as_object_mut(), reason) {
        fields.insert("reason".to_owned(), Value::String(reason));
    }
    after
}

async fn receipt(service: &Service, id: KeyId, at: Timestamp, epoch: Epoch) -> Result<Revoked, Refusal> {
    service.nodes.catch_up(epoch).await;
    Ok(Revoked { id, at, epoch, nodes: service.nodes.report(epoch) })
}
