//! Sending events to webhooks, but for the network: what is due, how it is signed, and what became of it.

use jiff::{SignedDuration, Timestamp};
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::webhook::{Disabled, is_given_up, put_off, retry_at};
use keyward_storage::{StoreError, SystemReason, Tx};

use crate::Service;
use crate::audit::{self, Deed};
use crate::entropy;
use crate::refusal::Refusal;
use crate::webhook;

pub use keyward_storage::{Attempt, Claimed, Outcome, WebhookTotals};

/// How long a delivery is this process's: longer than an attempt can take (`ATTEMPT_MAX` of the sender), so that two
/// processes never send one at the same time; short, since what a killed process had begun waits for it.
pub const LEASE: SignedDuration = SignedDuration::from_secs(20);
/// How long deliveries that have ended are kept to be looked at and sent again.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Deliveries that are swept away in one transaction: some milliseconds.
const SWEPT_AT_ONCE: u32 = 500;
/// Failing webhooks that are counted: a graph needs no more.
const FAILING_MAX: u32 = 1_000;
/// The status by which a receiver says that it wants nothing any more.
const GONE: u16 = 410;

/// A signed message.
#[derive(Debug)]
pub struct Signed {
    /// The header `webhook-id`: the event, the same whenever it is sent.
    pub id: String,
    /// The header `webhook-timestamp`: seconds since 1970.
    pub timestamp: String,
    /// The header `webhook-signature`: one for each secret, parted by spaces.
    pub signature: String,
}

/// What came of an attempt.
#[derive(Debug)]
pub struct Tried {
    /// What the log keeps of it.
    pub attempt: Attempt,
    /// Until when the receiver asked to be left alone (`Retry-After`, RFC 9110, section 10.2.3).
    pub left_alone_until: Option<Timestamp>,
}

/// Takes what is due, for a while.
pub async fn claim_due(service: &Service, limit: u32) -> Result<Vec<Claimed>, Refusal> {
    let now = service.clock.now();
    // A look that costs the writer nothing comes first: most often nothing is due.
    let due = service.store.view_system(SystemReason::Deliver).await?.webhook_totals(1).await?.due_since;
    if due.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    let mut tx = service.store.begin_system(SystemReason::Deliver).await?;
    let claimed = tx.claim_due(now, now + LEASE, limit, entropy::bytes()?).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Signs a message that is sent now. `Err` inside: its secret cannot be opened, and why.
pub fn sign(service: &Service, claimed: &Claimed, now: Timestamp) -> Result<Signed, String> {
    let secrets = webhook::open_secrets(&service.sealing, &claimed.webhook, now);
    let secrets = secrets.map_err(|why| format!("the signing secret cannot be opened: {why}; rotate it"))?;
    let id = claimed.event.to_string();
    let signatures: Result<Vec<String>, Refusal> =
        secrets.iter().map(|secret| secret.sign(&id, now, &claimed.payload)).collect();
    let signature = signatures.map_err(|refusal| refusal.to_string())?.join(" ");
    Ok(Signed { id, timestamp: now.as_second().to_string(), signature })
}

/// Writes an attempt down, decides whether there is another, and disables a webhook that is given up. `None`: somebody
/// else has the delivery by now.
pub async fn conclude(
    service: &Service,
    claimed: &Claimed,
    tried: &Tried,
) -> Result<Option<Outcome>, Refusal> {
    let now = service.clock.now();
    let [chance] = entropy::bytes::<1>()?;
    let attempt = &tried.attempt;
    let outcome = outcome(claimed, tried, now, chance);
    let mut tx = service.store.begin_system(SystemReason::Deliver).await?;
    if !tx.finish_delivery(claimed, attempt, outcome, now).await? {
        tx.commit().await?;
        return Ok(None);
    }
    if let Some(why) = disables(claimed, attempt, outcome, now) {
        disable(tx.as_mut(), claimed, why, now).await?;
    }
    tx.commit().await?;
    Ok(Some(outcome))
}

fn outcome(claimed: &Claimed, tried: &Tried, now: Timestamp, chance: u8) -> Outcome {
    let Tried { attempt, left_alone_until } = tried;
    match attempt.status {
        Some(200..=299) if attempt.error.is_none() => Outcome::Delivered,
        Some(GONE) => Outcome::GivenUp,
        _ => match retry_at(claimed.attempts.saturating_add(1), now, chance) {
            Some(at) => match left_alone_until.and_then(|asked| put_off(asked, now)) {
                Some(all_from) => Outcome::Later { at: at.max(all_from), all_from },
                None => Outcome::Again(at),
            },
            None => Outcome::GivenUp,
        },
    }
}

fn disables(claimed: &Claimed, attempt: &Attempt, outcome: Outcome, now: Timestamp) -> Option<Disabled> {
    match (outcome, attempt.status) {
        (Outcome::GivenUp, Some(GONE)) => Some(Disabled::Gone),
        (Outcome::GivenUp, _) if is_given_up(claimed.webhook.health.failing_since, now) => {
            Some(Disabled::Failing)
        }
        _ => None,
    }
}

async fn disable(tx: &mut dyn Tx, claimed: &Claimed, why: Disabled, now: Timestamp) -> Result<(), Refusal> {
    // As it is now: it may have been edited, enabled anew or disabled meanwhile.
    let Some(before) = tx.webhook(claimed.webhook.id).await?.filter(|webhook| webhook.disabled.is_none())
    else {
        return Ok(());
    };
    let mut after = before.clone();
    after.disabled = Some((now, why));
    after.version += 1;
    tx.update_webhook(&after, now).await?;
    let deed = Deed {
        home: AuditHome::Workspace(before.workspace),
        action: AuditAction::WebhookDisabled,
        target: before.id.to_string(),
        before: Some(webhook::describe(&before)),
        after: Some(webhook::describe(&after)),
    };
    audit::write_by_system(tx, now, deed).await?;
    tracing::warn!(webhook = %before.id, why = why.as_str(), "webhook disabled");
    Ok(())
}

/// Sweeps away what ended long ago, and what was for webhooks that are deleted. `true`: there is more.
pub async fn sweep(service: &Service) -> Result<bool, Refusal> {
    let before = service.clock.now() - KEPT;
    let mut tx = service.store.begin_system(SystemReason::Deliver).await?;
    let swept = tx.sweep_deliveries(before, SWEPT_AT_ONCE).await?;
    tx.commit().await?;
    Ok(swept >= SWEPT_AT_ONCE)
}

/// How all webhooks do.
pub async fn totals(service: &Service) -> Result<WebhookTotals, StoreError> {
    service.store.view_system(SystemReason::Deliver).await?.webhook_totals(FAILING_MAX).await
}
