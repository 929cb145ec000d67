//! Revoke a key: for good, and at once. Revoking it again changes nothing.

use std::time::Duration;

use jiff::Timestamp;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::change::Epoch;
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::grace::GraceSeconds;
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

/// How long a program waits for all nodes: longer than a lease and what clocks differ by, after which none decides on
/// what was before.
pub const WAIT_MAX: Duration = Duration::from_secs(5);
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
    /// How much longer than five seconds a node that is cut off may accept the key.
    pub grace: GraceSeconds,
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
    let grace = access.workspace.grace.in_force(ctx.now);
    let home = AuditHome::Workspace(access.workspace.id);
    Revocation { home, reason, grace }.carry_out(service, ctx, tx, row).await
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
    // A person's key belongs to no workspace, and none gives nodes grace for it.
    let (home, grace) = (AuditHome::Person(person), GraceSeconds::NONE);
    Revocation { home, reason, grace }.carry_out(service, ctx, tx, row).await
}

/// What is to be done, and what nodes may make of it.
struct Revocation {
    home: AuditHome,
    reason: Option<String>,
    grace: GraceSeconds,
}

impl Revocation {
    async fn carry_out(
        self,
        service: &Service,
        ctx: &Ctx,
        mut tx: Box<dyn Tx>,
        row: KeyRow,
    ) -> Result<Revoked, Refusal> {
        let Self { home, reason, grace } = self;
        let (id, at) = if let Some(before) = &row.key.revoked {
            (row.key.id, before.at)
        } else {
            (end(ctx, tx.as_mut(), row, home, reason).await?, ctx.now)
        };
        // Also where nothing was written: what was read may belong to a commit that is still to come, and may fail.
        let epoch = tx.commit().await?;
        tracing::info!(key = %id, epoch = epoch.0, "key revoked");
        service.nodes.catch_up(epoch).await;
        Ok(Revoked { id, at, epoch, nodes: service.nodes.report(epoch, grace).await, grace })
    }
}

/// Waits until no node accepts the key any more: each has applied it, or decides nothing. Gives up after `at_most`.
pub async fn wait_until_propagated(service: &Service, revoked: Revoked, at_most: Duration) -> Revoked {
    let nodes = service.nodes.settle(revoked.epoch, revoked.grace, at_most).await;
    Revoked { nodes, ..revoked }
}

/// Ends a live key, in the caller's transaction.
pub(crate) async fn end(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    row: KeyRow,
    home: AuditHome,
    reason: Option<String>,
) -> Result<KeyId, Refusal> {
    let before = describe(&row.key);
    let key: Key = row.key.revoke(ctx.now, ctx.principal()?);
    tx.update_key(&key).await?;
    if let Belongs::ToWorkspace { acts_as, .. } = &key.belongs
        && !acts_as.shared
    {
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

pub(crate) fn parse_reason(reason: Option<String>) -> Result<Option<String>, Refusal> {
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
