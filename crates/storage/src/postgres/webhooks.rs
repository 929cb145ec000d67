//! Webhooks: where events are sent. The events themselves are in `deliveries.rs`.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::event::EventKind;
use keyward_core::id::{DeliveryId, WebhookId, WorkspaceId};
use keyward_core::webhook::Disabled;

use super::PostgresTx;
use super::deliveries;
use super::link::{Link, whole};
use super::row::{Columns, count, holds, many, one, only, run, run_one, version_column};
use super::value::params;
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
              WHERE webhook_id = w.id AND claim IS NOT NULL AND due_at > $2)
             >= CASE WHEN w.failing_since IS NULL THEN $3 ELSE $4 END
        THEN (SELECT min(due_at) FROM webhook_deliveries
              WHERE webhook_id = w.id AND claim IS NOT NULL AND due_at > $2)
        ELSE (SELECT min(due_at) FROM webhook_deliveries WHERE webhook_id = w.id AND due_at IS NOT NULL)
    END WHERE w.id = $1";

/// Reckons anew when a webhook is due.
pub(super) async fn reckon(link: &Link, id: WebhookId, now: Timestamp) -> Result<(), StoreError> {
    let params = params![id, now.as_microsecond(), AT_ONCE_OF_WEBHOOK, AT_ONCE_OF_FAILING];
    run(link, RECKON, params).await.map(drop)
}

fn kinds(columns: &mut Columns<'_>) -> Result<Option<Vec<EventKind>>, StoreError> {
    columns.parse(|text: Option<String>| match text {
        None => Some(None),
        Some(text) => kinds_from_json(&text).map(Some),
    })
}

pub(super) fn webhook(columns: &mut Columns<'_>) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: columns.text()?,
        workspace: columns.text()?,
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

async fn update(link: &Link, webhook: &Webhook, now: Timestamp) -> Result<(), StoreError> {
    // One that is enabled again is failing no more, as far as anybody knows.
    let edit = "UPDATE webhooks SET url = $2, description = $3, kinds = $4, secret = $5, old_secret = $6,
                       old_secret_ends_at = $7, version = $10, disabled_why = $9, disabled_at = $8,
                       failing_since = CASE WHEN $8 IS NULL AND disabled_at IS NOT NULL THEN NULL
                                            ELSE failing_since END
                WHERE id = $1 AND version = $10 - 1 AND deleted_at IS NULL
                  AND (is_system() OR workspace_id = tenant_workspace())";
    let params = params![
        webhook.id,
        &*webhook.url,
        webhook.description.as_deref(),
        webhook.kinds.as_deref().map(kinds_to_json),
        &*webhook.secret.0,
        webhook.old_secret.as_ref().map(|old| &*old.sealed.0),
        webhook.old_secret.as_ref().map(|old| old.ends_at.as_microsecond()),
        webhook.disabled.map(|(at, _)| at.as_microsecond()),
        webhook.disabled.map(|(_, why)| why.as_str()),
        version_column(webhook.version)?,
    ];
    run_one(link, edit, params).await?;
    reckon(link, webhook.id, now).await
}

#[async_trait]
impl Webhooks for PostgresTx {
    async fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let sql = "INSERT INTO webhooks (id, workspace_id, url, description, kinds, secret, old_secret,
                       old_secret_ends_at, created_at, disabled_at, disabled_why, version)
                   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
                   WHERE is_system() OR $2 = tenant_workspace()";
        let params = params![
            webhook.id,
            webhook.workspace,
            &*webhook.url,
            webhook.description.as_deref(),
            webhook.kinds.as_deref().map(kinds_to_json),
            &*webhook.secret.0,
            webhook.old_secret.as_ref().map(|old| &*old.sealed.0),
            webhook.old_secret.as_ref().map(|old| old.ends_at.as_microsecond()),
            webhook.created_at.as_microsecond(),
            webhook.disabled.map(|(at, _)| at.as_microsecond()),
            webhook.disabled.map(|(_, why)| why.as_str()),
            version_column(webhook.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn update_webhook(&mut self, webhook: &Webhook, now: Timestamp) -> Result<(), StoreError> {
        let was_disabled = "SELECT EXISTS (SELECT 1 FROM webhooks
                            WHERE id = $1 AND disabled_at IS NOT NULL AND deleted_at IS NULL
                              AND (is_system() OR workspace_id = tenant_workspace()))";
        let link = self.write()?;
        whole(link, async {
            if webhook.disabled.is_none() && holds(link, was_disabled, params![webhook.id]).await? {
                deliveries::set_going(link, webhook.id, now).await?;
            }
            update(link, webhook, now).await
        })
        .await
    }

    async fn delete_webhook(&mut self, id: WebhookId, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE webhooks SET deleted_at = $2, next_due_at = NULL, secret = ''::bytea, old_secret = NULL,
                          old_secret_ends_at = NULL, version = version + 1
                   WHERE id = $1 AND deleted_at IS NULL AND (is_system() OR workspace_id = tenant_workspace())";
        Ok(run(self.write()?, sql, params![id, at.as_microsecond()]).await? > 0)
    }

    async fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        one(self.read()?, "webhooks", select_webhooks!("id = $1"), params![id], webhook).await
    }

    async fn webhooks(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Webhook>, StoreError> {
        let sql = select_webhooks!("workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3");
        let after = page.after.as_ref().map_or([0; 16], |after| after.id);
        let after = WebhookId::from_bytes(after);
        many(self.read()?, "webhooks", sql, params![workspace, after, page.limit], webhook).await
    }

    async fn subscribers(
        &mut self,
        workspace: WorkspaceId,
        limit: u32,
    ) -> Result<Vec<Subscriber>, StoreError> {
        let sql = "SELECT id, kinds FROM webhooks
                   WHERE workspace_id = $1 AND deleted_at IS NULL AND disabled_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())
                   ORDER BY id LIMIT $2";
        many(self.read()?, "webhooks", sql, params![workspace, limit], |columns| {
            Ok(Subscriber { id: columns.text()?, kinds: kinds(columns)? })
        })
        .await
    }

    async fn append_delivery(
        &mut self,
        delivery: &NewDelivery,
        waiting_max: u32,
    ) -> Result<bool, StoreError> {
        let link = self.write()?;
        whole(link, deliveries::append(link, delivery, waiting_max)).await
    }

    async fn deliveries(
        &mut self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::list(self.read()?, webhook, filter, page).await
    }

    async fn delivery(&mut self, id: DeliveryId) -> Result<Option<(Delivery, Box<str>)>, StoreError> {
        deliveries::get(self.read()?, id).await
    }

    async fn claim_due(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
        claim: [u8; 16],
    ) -> Result<Vec<Claimed>, StoreError> {
        let link = self.system_write()?;
        Box::pin(whole(link, deliveries::claim(link, now, until, limit, claim))).await
    }

    async fn finish_delivery(
        &mut self,
        claimed: &Claimed,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let link = self.system_write()?;
        whole(link, deliveries::finish(link, claimed, attempt, outcome, now)).await
    }

    async fn webhook_totals(&mut self, limit: u32) -> Result<WebhookTotals, StoreError> {
        let failing = "SELECT count(*) FROM (SELECT 1 FROM webhooks
                       WHERE failing_since IS NOT NULL AND disabled_at IS NULL AND is_system() LIMIT $1) AS failing";
        let due = "SELECT next_due_at FROM webhooks WHERE next_due_at IS NOT NULL AND is_system()
                   ORDER BY next_due_at LIMIT 1";
        let link = self.system_read()?;
        Ok(WebhookTotals {
            failing: count(link, failing, params![limit]).await?,
            due_since: one(link, "webhooks", due, params![], only::<i64>)
                .await?
                .and_then(|at| Timestamp::from_microsecond(at).ok()),
        })
    }

    async fn sweep_deliveries(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let link = self.system_write()?;
        whole(link, deliveries::sweep(link, ended_before, limit)).await
    }
}
