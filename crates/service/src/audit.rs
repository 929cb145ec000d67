//! Writing an operation down, in its own transaction. Every mutation passes here, so here it is also marked as done under
//! the claim of a request that may be sent again, and told to the workspace's webhooks.

use jiff::Timestamp;
use keyward_core::audit::{AuditAction, AuditEntry, AuditHome};
use keyward_core::id::{AuditId, RequestId};
use keyward_core::key::{Principal, PrincipalId};
use keyward_storage::Tx;
use serde_json::Value;

use crate::clock::unix_ms;
use crate::ctx::Ctx;
use crate::entropy;
use crate::event;
use crate::idempotency;
use crate::refusal::Refusal;

/// What was done to what.
#[derive(Debug)]
pub(crate) struct Deed {
    pub home: AuditHome,
    pub action: AuditAction,
    pub target: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Writes a deed of the caller down. Without this entry the transaction is not committed.
pub(crate) async fn write(ctx: &Ctx, tx: &mut dyn Tx, deed: Deed) -> Result<(), Refusal> {
    write_as(ctx, tx, ctx.principal()?, deed).await
}

/// Writes several deeds of the caller in one workspace down, in this order.
pub(crate) async fn write_all(ctx: &Ctx, tx: &mut dyn Tx, deeds: Vec<Deed>) -> Result<(), Refusal> {
    write_all_as(ctx, tx, &ctx.principal()?, deeds).await
}

/// Writes a deed of somebody down who is only now becoming known, such as by signing in.
pub(crate) async fn write_as(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    actor: Principal,
    deed: Deed,
) -> Result<(), Refusal> {
    write_all_as(ctx, tx, &actor, vec![deed]).await
}

async fn write_all_as(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    actor: &Principal,
    deeds: Vec<Deed>,
) -> Result<(), Refusal> {
    idempotency::commit(ctx, tx).await?;
    let mut entries = Vec::with_capacity(deeds.len());
    for deed in deeds {
        let entry = AuditEntry {
            id: ctx.audit_id()?,
            home: deed.home,
            at: ctx.now,
            actor: actor.clone(),
            action: deed.action,
            target: deed.target,
            before: deed.before.map(|value| value.to_string()),
            after: deed.after.map(|value| value.to_string()),
            ip: ctx.request.ip,
            user_agent: ctx.request.user_agent.clone(),
            request_id: ctx.request.id,
        };
        tx.append_audit(&entry).await?;
        entries.push(entry);
    }
    event::tell(tx, &entries).await
}

/// Writes a deed of Keyward's own down: what time brings about, and nobody asks for.
pub(crate) async fn write_by_system(tx: &mut dyn Tx, now: Timestamp, deed: Deed) -> Result<(), Refusal> {
    let ms = unix_ms(now);
    let entry = AuditEntry {
        id: AuditId::new(ms, entropy::bytes()?),
        home: deed.home,
        at: now,
        actor: Principal { id: PrincipalId::System, name: "keyward".into() },
        action: deed.action,
        target: deed.target,
        before: deed.before.map(|value| value.to_string()),
        after: deed.after.map(|value| value.to_string()),
        ip: None,
        user_agent: None,
        request_id: RequestId::new(ms, entropy::bytes()?),
    };
    tx.append_audit(&entry).await?;
    event::tell(tx, &[entry]).await
}
