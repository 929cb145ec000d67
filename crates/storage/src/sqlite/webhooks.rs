//! Webhooks: where events are sent. The events themselves are in `deliveries.rs`.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, WebhookId, WorkspaceId};
use keyward_core::webhook::Disabled;
use rusqlite::{Connection, params};

use super::SqliteTx;
use super::deliveries;
use super::row::{Columns, count, many, one, run, run_one, version_column, whole};
use crate::webhooks::{kinds_from_json, kinds_to_json};
use crate::{
    AT_ONCE_OF_FAILING, AT_ONCE_OF_WEBHOOK, Attempt, Claimed, Delivery, DeliveryFilter, Health, NewDelivery,
    OldSecret, Outcome, Page, SealedSecret, StoreError, Subscriber, Webhook, WebhookTotals, Webhooks,
};

macro_rules! select_webhooks {
    ($which:literal) => {
        concat!(
            "SELECT id, workspace_id, url, description, kinds, secret, old_secret, old_secret_ends_at,
                    created_at, disabled_at, disabled_why, version, failing_since, succeeded_at, waiting, dropped
             FROM webhooks
             WHERE deleted_at IS NULL AND (is_system() OR workspace_id = tenant_workspace()) AND ",
            $which
        )
    };
}
pub(super) use select_webhooks;

/// When there is something to do for a webhook: with as many deliveries under way as may be, only once the claim on one of
/// them has run out.
const RECKON: &str = "UPDATE webhooks AS w SET next_due_at = CASE
        WHEN w.disabled_at IS NOT NULL OR w.deleted_at IS NOT NULL THEN NULL
        WHEN (SELECT count(*) FROM webhook_deliveries
              WHERE webhook_id = w.id AND claim IS NOT NULL AND due_at > ?2)
             >= CASE WHEN w.failing_since IS NULL THEN ?3 ELSE ?4 END
        THEN (SELECT min(due_at) FROM webhook_deliveries
              WHERE webhook_id = w.id AND claim IS NOT NULL AND due_at > ?2)
        ELSE (SELECT min(due_at) FROM webhook_deliveries WHERE webhook_id = w.id AND due_at IS NOT NULL)
    END WHERE w.id = ?1";

/// Reckons anew when a webhook is due.
pub(super) fn reckon(connection: &Connection, id: WebhookId, now: Timestamp) -> Result<(), StoreError> {
    let params = params![id.to_bytes(), now.as_microsecond(), AT_ONCE_OF_WEBHOOK, AT_ONCE_OF_FAILING];
    run(connection, RECKON, params).map(drop)
}

fn kinds(columns: &mut Columns<'_, '_>) -> Result<Option<Vec<EventKind>>, StoreError> {
    columns.parse(|text: Option<String>| match text {
        None => Some(None),
        Some(text) => kinds_from_json(&text).map(Some),
    })
}

pub(super) fn webhook(columns: &mut Columns<'_, '_>) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: WebhookId::from_bytes(columns.take()?),
        workspace: WorkspaceId::from_bytes(columns.take()?),
        url: columns.take()?,
        description: columns.take()?,
        kinds: kinds(columns)?,
        secret: SealedSecret(columns.take::<Vec<u8>>()?.into()),
        old_secret: {
            let (sealed, ends_at) = (columns.take::<Option<Vec<u8>>>()?, columns.time_or_null()?);
            let old =
                |(sealed, ends_at): (Vec<u8>, _)| OldSecret { sealed: SealedSecret(sealed.into()), ends_at };
            sealed.zip(ends_at).map(old)
        },
        created_at: columns.time()?,
        disabled: {
            let at = columns.time_or_null()?;
            at.zip(columns.parse(|text: Option<String>| match text {
                None => Some(None),
                Some(text) => Disabled::parse(&text).map(Some),
            })?)
        },
        version: columns.version()?,
        health: Health {
            failing_since: columns.time_or_null()?,
            succeeded_at: columns.time_or_null()?,
            waiting: columns.take()?,
            dropped: columns.version()?,
        },
    })
}

fn update(connection: &Connection, webhook: &Webhook, now: Timestamp) -> Result<(), StoreError> {
    // One that is enabled again is failing no more, as far as anybody knows.
    let edit = "UPDATE webhooks SET url = ?2, description = ?3, kinds = ?4, secret = ?5, old_secret = ?6,
                       old_secret_ends_at = ?7, version = ?10, disabled_why = ?9, disabled_at = ?8,
                       failing_since = CASE WHEN ?8 IS NULL AND disabled_at IS NOT NULL THEN NULL
                                            ELSE failing_since END
                WHERE id = ?1 AND version = ?10 - 1 AND deleted_at IS NULL
                  AND (is_system() OR workspace_id = tenant_workspace())";
    let params = params![
        webhook.id.to_bytes(),
        webhook.url,
        webhook.description,
        webhook.kinds.as_deref().map(kinds_to_json),
        webhook.secret.0,
        webhook.old_secret.as_ref().map(|old| &old.sealed.0),
        webhook.old_secret.as_ref().map(|old| old.ends_at.as_microsecond()),
        webhook.disabled.map(|(at, _)| at.as_microsecond()),
        webhook.disabled.map(|(_, why)| why.as_str()),
        version_column(webhook.version)?,
    ];
    run_one(connection, edit, params).and_then(|()| reckon(connection, webhook.id, now))
}

#[async_trait]
impl Webhooks for SqliteTx {
    async fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let sql = "INSERT INTO webhooks (id, workspace_id, url, description, kinds, secret, old_secret,
                       old_secret_ends_at, created_at, disabled_at, disabled_why, version)
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
                   WHERE is_system() OR ?2 = tenant_workspace()";
        let params = params![
            webhook.id.to_bytes(),
            webhook.workspace.to_bytes(),
            webhook.url,
            webhook.description,
            webhook.kinds.as_deref().map(kinds_to_json),
            webhook.secret.0,
            webhook.old_secret.as_ref().map(|old| &old.sealed.0),
            webhook.old_secret.as_ref().map(|old| old.ends_at.as_microsecond()),
            webhook.created_at.as_microsecond(),
            webhook.disabled.map(|(at, _)| at.as_microsecond()),
            webhook.disabled.map(|(_, why)| why.as_str()),
            version_column(webhook.version)?,
        ];
        run_one(self.write()?, sql, params)
    }

    async fn update_webhook(&mut self, webhook: &Webhook, now: Timestamp) -> Result<(), StoreError> {
        whole(self.write()?, |connection| {
            let was_disabled = "SELECT count(*) FROM webhooks
                                WHERE id = ?1 AND disabled_at IS NOT NULL AND deleted_at IS NULL
                                  AND (is_system() OR workspace_id = tenant_workspace())";
            let was_disabled = count(connection, was_disabled, [webhook.id.to_bytes()])? > 0;
            if was_disabled && webhook.disabled.is_none() {
                deliveries::set_going(connection, webhook.id, now)?;
            }
            update(connection, webhook, now)
        })
    }

    async fn delete_webhook(&mut self, id: WebhookId, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE webhooks SET deleted_at = ?2, next_due_at = NULL, secret = x'', old_secret = NULL,
                          old_secret_ends_at = NULL, version = version + 1
                   WHERE id = ?1 AND deleted_at IS NULL AND (is_system() OR workspace_id = tenant_workspace())";
        Ok(run(self.write()?, sql, params![id.to_bytes(), at.as_microsecond()])? > 0)
    }

    async fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        one(self.read()?, "webhooks", select_webhooks!("id = ?1"), [id.to_bytes()], webhook)
    }

    async fn webhooks(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Webhook>, StoreError> {
        let sql = select_webhooks!("workspace_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
        let after = page.after.as_ref().map_or([0; 16], |after| after.id);
        many(self.read()?, "webhooks", sql, params![workspace.to_bytes(), after, page.limit], webhook)
    }

    async fn subscribers(
        &mut self,
        workspace: WorkspaceId,
        limit: u32,
    ) -> Result<Vec<Subscriber>, StoreError> {
        let sql = "SELECT id, kinds FROM webhooks
                   WHERE workspace_id = ?1 AND deleted_at IS NULL AND disabled_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())
                   ORDER BY id LIMIT ?2";
        many(self.read()?, "webhooks", sql, params![workspace.to_bytes(), limit], |columns| {
            Ok(Subscriber { id: WebhookId::from_bytes(columns.take()?), kinds: kinds(columns)? })
        })
    }

    async fn append_delivery(
        &mut self,
        delivery: &NewDelivery,
        waiting_max: u32,
    ) -> Result<bool, StoreError> {
        whole(self.write()?, |connection| deliveries::append(connection, delivery, waiting_max))
    }

    async fn deliveries(
        &mut self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::list(self.read()?, webhook, filter, page)
    }

    async fn delivery(&mut self, id: DeliveryId) -> Result<Option<(Delivery, Box<str>)>, StoreError> {
        deliveries::get(self.read()?, id)
    }

    async fn claim_due(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
        claim: [u8; 16],
    ) -> Result<Vec<Claimed>, StoreError> {
        whole(self.system_write()?, |connection| deliveries::claim(connection, now, until, limit, claim))
    }

    async fn finish_delivery(
        &mut self,
        claimed: &Claimed,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let work = |connection: &Connection| deliveries::finish(connection, claimed, attempt, outcome, now);
        whole(self.system_write()?, work)
    }

    async fn webhook_totals(&mut self, limit: u32) -> Result<WebhookTotals, StoreError> {
        let failing = "SELECT count(*) FROM (SELECT 1 FROM webhooks
                       WHERE failing_since IS NOT NULL AND disabled_at IS NULL AND is_system() LIMIT ?1)";
        let due = "SELECT next_due_at FROM webhooks WHERE next_due_at IS NOT NULL AND is_system()
                   ORDER BY next_due_at LIMIT 1";
        let connection = self.system_read()?;
        let time = |columns: &mut Columns<'_, '_>| columns.time();
        Ok(WebhookTotals {
            failing: count(connection, failing, [limit])?,
            due_since: one(connection, "webhooks", due, [], time)?,
        })
    }

    async fn sweep_deliveries(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        whole(self.system_write()?, |connection| deliveries::sweep(connection, ended_before, limit))
    }
}
