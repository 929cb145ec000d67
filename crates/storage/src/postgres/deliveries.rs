//! Events on their way to webhooks.
//!
//! Whatever adds or ends a delivery writes the row of its webhook first. Where transactions run side by side, that row
//! lets one of them at a time decide which delivery of a subject is the first.

use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, WebhookId, WorkspaceId};
use keyward_core::webhook::DeliveryStatus;

use super::key_list::numbered;
use super::link::Link;
use super::row::{Columns, count, many, one, run, run_one};
use super::value::{Value, params};
use super::webhooks::{reckon, select_webhooks, webhook};
use crate::{
    AT_ONCE_OF_FAILING, AT_ONCE_OF_WEBHOOK, AT_ONCE_OF_WORKSPACE, Attempt, Claimed, Delivery, DeliveryFilter,
    LOG_MAX, NewDelivery, Outcome, Page, SortValue, StoreError, Webhook,
};

const COLUMNS: &str =
    "number, id, webhook_id, event_id, kind, subject, created_at, status, due_at, ended_at, log";
const IS_SEEN: &str = "(is_system() OR workspace_id = tenant_workspace())";

fn kind(columns: &mut Columns<'_>) -> Result<EventKind, StoreError> {
    columns.parse(|text: String| EventKind::parse(&text))
}

fn delivery(columns: &mut Columns<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        number: columns.version()?,
        id: columns.text()?,
        webhook: columns.text()?,
        event: columns.text()?,
        kind: kind(columns)?,
        subject: columns.take()?,
        created_at: columns.time()?,
        status: columns.parse(|text: String| DeliveryStatus::parse(&text))?,
        due_at: columns.time_or_null()?,
        ended_at: columns.time_or_null()?,
        log: columns.json()?,
    })
}

pub(super) async fn append(
    link: &Link,
    delivery: &NewDelivery,
    waiting_max: u32,
) -> Result<bool, StoreError> {
    let room = "UPDATE webhooks SET waiting = waiting + 1, next_due_at = least(coalesce(next_due_at, $3), $3)
                WHERE id = $1 AND waiting < $2 AND disabled_at IS NULL AND deleted_at IS NULL
                  AND workspace_id = $4 AND (is_system() OR workspace_id = tenant_workspace())";
    let drop = "UPDATE webhooks SET dropped = dropped + 1
                WHERE id = $1 AND disabled_at IS NULL AND deleted_at IS NULL
                  AND workspace_id = $2 AND (is_system() OR workspace_id = tenant_workspace())";
    let insert = "INSERT INTO webhook_deliveries
                      (id, webhook_id, workspace_id, event_id, kind, subject, payload, created_at, status, due_at)
                  SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'waiting', CASE WHEN EXISTS (
                      SELECT 1 FROM webhook_deliveries WHERE webhook_id = $2 AND subject = $6 AND status = 'waiting'
                  ) THEN NULL ELSE $8 END";
    let (webhook, workspace) = (delivery.webhook, delivery.workspace);
    let at = delivery.at.as_microsecond();
    if run(link, room, params![webhook, waiting_max, at, workspace]).await? == 0 {
        // Dropped; or there is no such webhook, which is an error.
        return run_one(link, drop, params![webhook, workspace]).await.map(|()| false);
    }
    let params = params![
        delivery.id,
        webhook,
        workspace,
        delivery.event,
        delivery.kind.as_str(),
        &*delivery.subject,
        &*delivery.payload,
        at,
    ];
    run_one(link, insert, params).await.map(|()| true)
}

/// What waits is tried at once, with all attempts that there are.
pub(super) async fn set_going(link: &Link, webhook: WebhookId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_deliveries SET due_at = $2, claim = NULL, attempts = 0
               WHERE webhook_id = $1 AND due_at IS NOT NULL AND (is_system() OR workspace_id = tenant_workspace())";
    run(link, sql, params![webhook, now.as_microsecond()]).await.map(drop)
}

pub(super) async fn list(
    link: &Link,
    webhook: WebhookId,
    filter: &DeliveryFilter,
    page: &Page,
) -> Result<Vec<Delivery>, StoreError> {
    let mut conditions = String::new();
    let mut values = params![webhook];
    let mut add = |condition: &str, value: Value| {
        conditions.push_str(condition);
        values.push(value);
    };
    if let Some(status) = filter.status {
        add(" AND status = ?", status.as_str().into());
    }
    if let Some(kind) = filter.kind {
        add(" AND kind = ?", kind.as_str().into());
    }
    if let Some(subject) = &filter.subject {
        add(" AND subject = ?", subject.as_str().into());
    }
    if let Some(after) = &page.after {
        let SortValue::Number(number) = after.value else { return Ok(Vec::new()) };
        add(" AND number < ?", number.into());
    }
    values.push(page.limit.into());
    let sql = format!(
        "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook_id = ? AND {IS_SEEN}{conditions}
         ORDER BY number DESC LIMIT ?"
    );
    many(link, "webhook_deliveries", &numbered(&sql), values, delivery).await
}

pub(super) async fn get(link: &Link, id: DeliveryId) -> Result<Option<(Delivery, Box<str>)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, payload FROM webhook_deliveries WHERE id = $1 AND {IS_SEEN}");
    one(link, "webhook_deliveries", &sql, params![id], |columns| Ok((delivery(columns)?, columns.take()?)))
        .await
}

pub(super) async fn claim(
    link: &Link,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    claim: [u8; 16],
) -> Result<Vec<Claimed>, StoreError> {
    let due = select_webhooks!(
        "next_due_at <= $1 AND (
             SELECT count(*) FROM webhooks o JOIN webhook_deliveries d ON d.webhook_id = o.id
             WHERE o.workspace_id = webhooks.workspace_id AND o.deleted_at IS NULL
               AND d.claim IS NOT NULL AND d.due_at > $1) < $3
         ORDER BY next_due_at LIMIT $2 FOR UPDATE SKIP LOCKED"
    );
    let params = params![now.as_microsecond(), limit, i64::from(AT_ONCE_OF_WORKSPACE)];
    let webhooks = many(link, "webhooks", due, params, webhook).await?;
    let mut claimed = Vec::new();
    for webhook in webhooks {
        let left = limit.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX));
        let left = left.min(room_of(link, webhook.workspace, now).await?);
        if left > 0 {
            let id = webhook.id;
            claimed.extend(claim_of(link, webhook, now, until, left, claim).await?);
            reckon(link, id, now).await?;
        }
    }
    Ok(claimed)
}

/// How many more deliveries of a workspace may be under way.
async fn room_of(link: &Link, workspace: WorkspaceId, now: Timestamp) -> Result<u32, StoreError> {
    let under_way = "SELECT count(*) FROM webhooks o JOIN webhook_deliveries d ON d.webhook_id = o.id
                     WHERE o.workspace_id = $1 AND o.deleted_at IS NULL AND d.claim IS NOT NULL AND d.due_at > $2";
    let under_way = count(link, under_way, params![workspace, now.as_microsecond()]).await?;
    Ok(AT_ONCE_OF_WORKSPACE.saturating_sub(under_way))
}

/// As many of one webhook as may be under way.
async fn claim_of(
    link: &Link,
    webhook: Webhook,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    claim: [u8; 16],
) -> Result<Vec<Claimed>, StoreError> {
    let take = "WITH due AS (
                    SELECT number, due_at FROM webhook_deliveries WHERE webhook_id = $1 AND due_at <= $4
                    ORDER BY due_at, number LIMIT greatest(0, least($5, $6 - (
                        SELECT count(*) FROM webhook_deliveries
                        WHERE webhook_id = $1 AND claim IS NOT NULL AND due_at > $4)))),
                taken AS (
                    UPDATE webhook_deliveries d SET claim = $2, due_at = $3 FROM due WHERE d.number = due.number
                    RETURNING due.due_at AS was_due_at, d.number, d.id, d.event_id, d.kind, d.payload, d.attempts)
                SELECT id, event_id, kind, payload, attempts FROM taken ORDER BY was_due_at, number";
    let at_once =
        if webhook.health.failing_since.is_some() { AT_ONCE_OF_FAILING } else { AT_ONCE_OF_WEBHOOK };
    let params = params![webhook.id, claim, until.as_microsecond(), now.as_microsecond(), limit, at_once,];
    many(link, "webhook_deliveries", take, params, |columns| {
        Ok(Claimed {
            id: columns.text()?,
            claim,
            event: columns.text()?,
            kind: kind(columns)?,
            payload: columns.take()?,
            attempts: columns.take()?,
            webhook: webhook.clone(),
        })
    })
    .await
}

pub(super) async fn finish(
    link: &Link,
    claimed: &Claimed,
    attempt: &Attempt,
    outcome: Outcome,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let held = "SELECT log, subject FROM webhook_deliveries WHERE id = $1 AND claim = $2";
    let keep = "UPDATE webhook_deliveries SET status = $2, due_at = $3, ended_at = $4, log = $5,
                       attempts = attempts + 1, claim = NULL
                WHERE id = $1";
    let (id, webhook) = (claimed.id, &claimed.webhook);
    // Whoever takes the delivery over when the claim has run out writes this row first.
    run(link, "SELECT 1 FROM webhooks WHERE id = $1 FOR UPDATE", params![webhook.id]).await?;
    let found = one(link, "webhook_deliveries", held, params![id, claimed.claim], |columns| {
        Ok((columns.json::<Vec<Attempt>>()?, columns.take::<String>()?))
    })
    .await?;
    let Some((mut log, subject)) = found else { return Ok(false) };
    log.push(attempt.clone());
    let log = log.split_off(log.len().saturating_sub(LOG_MAX));
    let (status, due_at, ended_at) = match outcome {
        Outcome::Delivered => (DeliveryStatus::Delivered, None, Some(now)),
        Outcome::Again(at) | Outcome::Later { at, .. } => (DeliveryStatus::Waiting, Some(at), None),
        Outcome::GivenUp => (DeliveryStatus::Failed, None, Some(now)),
    };
    note_health(link, webhook.id, outcome, now).await?;
    let log = serde_json::to_string(&log)
        .map_err(|error| StoreError::Corrupt { table: "webhook_deliveries", why: error.to_string() })?;
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
    run_one(link, keep, params![id, status.as_str(), micros(due_at), micros(ended_at), log]).await?;
    if ended_at.is_some() {
        let next = "UPDATE webhook_deliveries SET due_at = $3 WHERE due_at IS NULL AND number = (
                        SELECT min(number) FROM webhook_deliveries
                        WHERE webhook_id = $1 AND subject = $2 AND status = 'waiting')";
        run(link, next, params![webhook.id, subject, now.as_microsecond()]).await?;
    }
    if outcome == Outcome::Delivered && webhook.health.failing_since.is_some() {
        // It is back: what waits for a later attempt need not wait.
        let wake = "UPDATE webhook_deliveries SET due_at = $2 WHERE webhook_id = $1 AND due_at > $2 AND claim IS NULL";
        run(link, wake, params![webhook.id, now.as_microsecond()]).await?;
    }
    if let Outcome::Later { all_from, .. } = outcome {
        let put_off = "UPDATE webhook_deliveries SET due_at = $2 WHERE webhook_id = $1 AND due_at < $2 AND claim IS NULL";
        run(link, put_off, params![webhook.id, all_from.as_microsecond()]).await?;
    }
    reckon(link, webhook.id, now).await?;
    Ok(true)
}

async fn note_health(
    link: &Link,
    webhook: WebhookId,
    outcome: Outcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, now) = (webhook, now.as_microsecond());
    match outcome {
        Outcome::Delivered => {
            let sql = "UPDATE webhooks SET waiting = waiting - 1, succeeded_at = $2, failing_since = NULL WHERE id = $1";
            run_one(link, sql, params![id, now]).await
        }
        Outcome::Again(_) | Outcome::Later { .. } => {
            let sql = "UPDATE webhooks SET failing_since = coalesce(failing_since, $2) WHERE id = $1";
            run_one(link, sql, params![id, now]).await
        }
        Outcome::GivenUp => {
            let sql = "UPDATE webhooks SET waiting = waiting - 1, failing_since = coalesce(failing_since, $2) WHERE id = $1";
            run_one(link, sql, params![id, now]).await
        }
    }
}

pub(super) async fn sweep(link: &Link, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
    let ended = "DELETE FROM webhook_deliveries WHERE number IN (
                     SELECT number FROM webhook_deliveries WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)";
    let orphans = "DELETE FROM webhook_deliveries WHERE number IN (
                       SELECT d.number FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id
                       WHERE w.deleted_at IS NOT NULL LIMIT $1)";
    let gone = "DELETE FROM webhooks WHERE id IN (
                    SELECT id FROM webhooks w WHERE deleted_at IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM webhook_deliveries WHERE webhook_id = w.id) LIMIT $1)";
    let ended = run(link, ended, params![ended_before.as_microsecond(), limit]).await?;
    let orphans = run(link, orphans, params![limit]).await?;
    run(link, gone, params![limit]).await?;
    Ok(u32::try_from(ended + orphans).unwrap_or(u32::MAX))
}
