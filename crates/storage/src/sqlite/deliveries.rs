//! Events on their way to webhooks.
//!
//! Whatever adds or ends a delivery writes the row of its webhook first. Where transactions run side by side, that row
//! lets one of them at a time decide which delivery of a subject is the first.

use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, EventId, WebhookId, WorkspaceId};
use keyward_core::webhook::DeliveryStatus;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::row::{Columns, count, many, one, run, run_one};
use super::webhooks::{reckon, select_webhooks, webhook};
use crate::{
    AT_ONCE_OF_FAILING, AT_ONCE_OF_WEBHOOK, AT_ONCE_OF_WORKSPACE, Attempt, Claimed, Delivery, DeliveryFilter,
    LOG_MAX, NewDelivery, Outcome, Page, SortValue, StoreError, Webhook,
};

const COLUMNS: &str =
    "number, id, webhook_id, event_id, kind, subject, created_at, status, due_at, ended_at, log";
const IS_SEEN: &str = "(is_system() OR workspace_id = tenant_workspace())";

fn kind(columns: &mut Columns<'_, '_>) -> Result<EventKind, StoreError> {
    columns.parse(|text: String| EventKind::parse(&text))
}

fn delivery(columns: &mut Columns<'_, '_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        number: columns.version()?,
        id: DeliveryId::from_bytes(columns.take()?),
        webhook: WebhookId::from_bytes(columns.take()?),
        event: EventId::from_bytes(columns.take()?),
        kind: kind(columns)?,
        subject: columns.take()?,
        created_at: columns.time()?,
        status: columns.parse(|text: String| DeliveryStatus::parse(&text))?,
        due_at: columns.time_or_null()?,
        ended_at: columns.time_or_null()?,
        log: columns.json()?,
    })
}

pub(super) fn append(
    connection: &Connection,
    delivery: &NewDelivery,
    waiting_max: u32,
) -> Result<bool, StoreError> {
    let room = "UPDATE webhooks SET waiting = waiting + 1, next_due_at = min(ifnull(next_due_at, ?3), ?3)
                WHERE id = ?1 AND waiting < ?2 AND disabled_at IS NULL AND deleted_at IS NULL
                  AND workspace_id = ?4 AND (is_system() OR workspace_id = tenant_workspace())";
    let drop = "UPDATE webhooks SET dropped = dropped + 1
                WHERE id = ?1 AND disabled_at IS NULL AND deleted_at IS NULL
                  AND workspace_id = ?2 AND (is_system() OR workspace_id = tenant_workspace())";
    let insert = "INSERT INTO webhook_deliveries
                      (id, webhook_id, workspace_id, event_id, kind, subject, payload, created_at, status, due_at)
                  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', CASE WHEN EXISTS (
                      SELECT 1 FROM webhook_deliveries WHERE webhook_id = ?2 AND subject = ?6 AND status = 'waiting'
                  ) THEN NULL ELSE ?8 END";
    let (webhook, workspace) = (delivery.webhook.to_bytes(), delivery.workspace.to_bytes());
    let at = delivery.at.as_microsecond();
    if run(connection, room, params![webhook, waiting_max, at, workspace])? == 0 {
        // Dropped; or there is no such webhook, which is an error.
        return run_one(connection, drop, params![webhook, workspace]).map(|()| false);
    }
    let params = params![
        delivery.id.to_bytes(),
        webhook,
        workspace,
        delivery.event.to_bytes(),
        delivery.kind.as_str(),
        delivery.subject,
        delivery.payload,
        at,
    ];
    run_one(connection, insert, params).map(|()| true)
}

/// What waits is tried at once, with all attempts that there are.
pub(super) fn set_going(
    connection: &Connection,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_deliveries SET due_at = ?2, claim = NULL, attempts = 0
               WHERE webhook_id = ?1 AND due_at IS NOT NULL AND (is_system() OR workspace_id = tenant_workspace())";
    run(connection, sql, params![webhook.to_bytes(), now.as_microsecond()]).map(drop)
}

pub(super) fn list(
    connection: &Connection,
    webhook: WebhookId,
    filter: &DeliveryFilter,
    page: &Page,
) -> Result<Vec<Delivery>, StoreError> {
    let mut conditions = String::new();
    let mut values = vec![Value::from(webhook.to_bytes().to_vec())];
    let mut add = |condition: &str, value: Value| {
        conditions.push_str(condition);
        values.push(value);
    };
    if let Some(status) = filter.status {
        add(" AND status = ?", status.as_str().to_owned().into());
    }
    if let Some(kind) = filter.kind {
        add(" AND kind = ?", kind.as_str().to_owned().into());
    }
    if let Some(subject) = &filter.subject {
        add(" AND subject = ?", subject.clone().into());
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
    many(connection, "webhook_deliveries", &sql, params_from_iter(values), delivery)
}

pub(super) fn get(
    connection: &Connection,
    id: DeliveryId,
) -> Result<Option<(Delivery, Box<str>)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, payload FROM webhook_deliveries WHERE id = ?1 AND {IS_SEEN}");
    one(connection, "webhook_deliveries", &sql, [id.to_bytes()], |columns| {
        Ok((delivery(columns)?, columns.take()?))
    })
}

pub(super) fn claim(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    claim: [u8; 16],
) -> Result<Vec<Claimed>, StoreError> {
    let due = select_webhooks!(
        "next_due_at <= ?1 AND (
             SELECT count(*) FROM webhooks o CROSS JOIN webhook_deliveries d ON d.webhook_id = o.id
             WHERE o.workspace_id = webhooks.workspace_id AND o.deleted_at IS NULL
               AND d.claim IS NOT NULL AND d.due_at > ?1) < ?3
         ORDER BY next_due_at LIMIT ?2"
    );
    let params = params![now.as_microsecond(), limit, AT_ONCE_OF_WORKSPACE];
    let webhooks = many(connection, "webhooks", due, params, webhook)?;
    let mut claimed = Vec::new();
    for webhook in webhooks {
        let left = limit.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX));
        let left = left.min(room_of(connection, webhook.workspace, now)?);
        if left > 0 {
            claimed.extend(claim_of(connection, &webhook, now, until, left, claim)?);
            reckon(connection, webhook.id, now)?;
        }
    }
    Ok(claimed)
}

/// How many more deliveries of a workspace may be under way.
fn room_of(connection: &Connection, workspace: WorkspaceId, now: Timestamp) -> Result<u32, StoreError> {
    let under_way = "SELECT count(*) FROM webhooks o CROSS JOIN webhook_deliveries d ON d.webhook_id = o.id
                     WHERE o.workspace_id = ?1 AND o.deleted_at IS NULL AND d.claim IS NOT NULL AND d.due_at > ?2";
    let under_way = count(connection, under_way, params![workspace.to_bytes(), now.as_microsecond()])?;
    Ok(AT_ONCE_OF_WORKSPACE.saturating_sub(under_way))
}

/// As many of one webhook as may be under way.
fn claim_of(
    connection: &Connection,
    webhook: &Webhook,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    claim: [u8; 16],
) -> Result<Vec<Claimed>, StoreError> {
    let take = "UPDATE webhook_deliveries SET claim = ?2, due_at = ?3 WHERE number IN (
                    SELECT number FROM webhook_deliveries WHERE webhook_id = ?1 AND due_at <= ?4
                    ORDER BY due_at, number LIMIT max(0, min(?5, ?6 - (
                        SELECT count(*) FROM webhook_deliveries
                        WHERE webhook_id = ?1 AND claim IS NOT NULL AND due_at > ?4))))
                RETURNING id, event_id, kind, payload, attempts";
    let at_once =
        if webhook.health.failing_since.is_some() { AT_ONCE_OF_FAILING } else { AT_ONCE_OF_WEBHOOK };
    let params =
        params![webhook.id.to_bytes(), claim, until.as_microsecond(), now.as_microsecond(), limit, at_once,];
    many(connection, "webhook_deliveries", take, params, |columns| {
        Ok(Claimed {
            id: DeliveryId::from_bytes(columns.take()?),
            claim,
            event: EventId::from_bytes(columns.take()?),
            kind: kind(columns)?,
            payload: columns.take()?,
            attempts: columns.take()?,
            webhook: webhook.clone(),
        })
    })
}

pub(super) fn finish(
    connection: &Connection,
    claimed: &Claimed,
    attempt: &Attempt,
    outcome: Outcome,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let held = "SELECT log, subject FROM webhook_deliveries WHERE id = ?1 AND claim = ?2";
    let keep = "UPDATE webhook_deliveries SET status = ?2, due_at = ?3, ended_at = ?4, log = ?5,
                       attempts = attempts + 1, claim = NULL
                WHERE id = ?1";
    let id = claimed.id.to_bytes();
    let found = one(connection, "webhook_deliveries", held, params![id, claimed.claim], |columns| {
        Ok((columns.json::<Vec<Attempt>>()?, columns.take::<String>()?))
    })?;
    let Some((mut log, subject)) = found else { return Ok(false) };
    log.push(attempt.clone());
    let log = log.split_off(log.len().saturating_sub(LOG_MAX));
    let (status, due_at, ended_at) = match outcome {
        Outcome::Delivered => (DeliveryStatus::Delivered, None, Some(now)),
        Outcome::Again(at) | Outcome::Later { at, .. } => (DeliveryStatus::Waiting, Some(at), None),
        Outcome::GivenUp => (DeliveryStatus::Failed, None, Some(now)),
    };
    let webhook = &claimed.webhook;
    note_health(connection, webhook.id, outcome, now)?;
    let log = serde_json::to_string(&log)
        .map_err(|error| StoreError::Corrupt { table: "webhook_deliveries", why: error.to_string() })?;
    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
    run_one(connection, keep, params![id, status.as_str(), micros(due_at), micros(ended_at), log])?;
    if ended_at.is_some() {
        let next = "UPDATE webhook_deliveries SET due_at = ?3 WHERE due_at IS NULL AND number = (
                        SELECT min(number) FROM webhook_deliveries
                        WHERE webhook_id = ?1 AND subject = ?2 AND status = 'waiting')";
        run(connection, next, params![webhook.id.to_bytes(), subject, now.as_microsecond()])?;
    }
    if outcome == Outcome::Delivered && webhook.health.failing_since.is_some() {
        // It is back: what waits for a later attempt need not wait.
        let wake = "UPDATE webhook_deliveries SET due_at = ?2 WHERE webhook_id = ?1 AND due_at > ?2 AND claim IS NULL";
        run(connection, wake, params![webhook.id.to_bytes(), now.as_microsecond()])?;
    }
    if let Outcome::Later { all_from, .. } = outcome {
        let put_off = "UPDATE webhook_deliveries SET due_at = ?2 WHERE webhook_id = ?1 AND due_at < ?2 AND claim IS NULL";
        run(connection, put_off, params![webhook.id.to_bytes(), all_from.as_microsecond()])?;
    }
    reckon(connection, webhook.id, now)?;
    Ok(true)
}

fn note_health(
    connection: &Connection,
    webhook: WebhookId,
    outcome: Outcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, now) = (webhook.to_bytes(), now.as_microsecond());
    match outcome {
        Outcome::Delivered => {
            let sql = "UPDATE webhooks SET waiting = waiting - 1, succeeded_at = ?2, failing_since = NULL WHERE id = ?1";
            run_one(connection, sql, params![id, now])
        }
        Outcome::Again(_) | Outcome::Later { .. } => {
            let sql = "UPDATE webhooks SET failing_since = ifnull(failing_since, ?2) WHERE id = ?1";
            run_one(connection, sql, params![id, now])
        }
        Outcome::GivenUp => {
            let sql = "UPDATE webhooks SET waiting = waiting - 1, failing_since = ifnull(failing_since, ?2) WHERE id = ?1";
            run_one(connection, sql, params![id, now])
        }
    }
}

pub(super) fn sweep(connection: &Connection, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
    let ended = "DELETE FROM webhook_deliveries WHERE number IN (
                     SELECT number FROM webhook_deliveries WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2)";
    let orphans = "DELETE FROM webhook_deliveries WHERE number IN (
                       SELECT d.number FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id
                       WHERE w.deleted_at IS NOT NULL LIMIT ?1)";
    let gone = "DELETE FROM webhooks WHERE id IN (
                    SELECT id FROM webhooks w WHERE deleted_at IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM webhook_deliveries WHERE webhook_id = w.id) LIMIT ?1)";
    let ended = run(connection, ended, params![ended_before.as_microsecond(), limit])?;
    let orphans = run(connection, orphans, params![limit])?;
    run(connection, gone, params![limit])?;
    Ok(u32::try_from(ended + orphans).unwrap_or(u32::MAX))
}
