//! Subscriptions.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::billing::{Moment, Stage, Subscription};
use keyward_core::id::WorkspaceId;
use keyward_core::plan::PlanName;

use super::PostgresTx;
use super::link::whole;
use super::row::{Columns, many, one, run, run_one};
use super::value::params;
use crate::{StoreError, Subscriptions};

fn subscription(columns: &mut Columns<'_>) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        id: columns.take()?,
        workspace: columns.text()?,
        plan: columns.take::<Option<String>>()?.map(|plan| PlanName::new(&plan)),
        moment: Moment { at: columns.time()?, stage: columns.parse(|text: String| Stage::parse(&text))? },
        events: columns.json()?,
        heard_at: columns.time()?,
    })
}

#[async_trait]
impl Subscriptions for PostgresTx {
    async fn put_subscription(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        let sql = "INSERT INTO subscriptions (id, workspace_id, plan, at, stage, events, heard_at)
                   SELECT $1, $2, $3, $4, $5, $6, $7 WHERE is_system()
                   ON CONFLICT (id) DO UPDATE SET
                       workspace_id = excluded.workspace_id, plan = excluded.plan, at = excluded.at,
                       stage = excluded.stage, events = excluded.events, heard_at = excluded.heard_at";
        let Subscription { id, workspace, plan, moment, events, heard_at } = subscription;
        let params = params![
            &**id,
            *workspace,
            plan.as_ref().map(PlanName::as_str),
            moment.at.as_microsecond(),
            moment.stage.as_str(),
            events.iter().map(|event| &**event).collect::<serde_json::Value>().to_string(),
            heard_at.as_microsecond(),
        ];
        let link = self.system_write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn subscription(&mut self, id: &str) -> Result<Option<Subscription>, StoreError> {
        let sql = "SELECT id, workspace_id, plan, at, stage, events, heard_at FROM subscriptions
                   WHERE id = $1 AND is_system()";
        one(self.system_read()?, "subscriptions", sql, params![id], subscription).await
    }

    async fn paid_plans(&mut self, workspace: WorkspaceId) -> Result<Vec<PlanName>, StoreError> {
        let sql = "SELECT DISTINCT plan FROM subscriptions
                   WHERE workspace_id = $1 AND plan IS NOT NULL AND is_system() ORDER BY plan";
        many(self.system_read()?, "subscriptions", sql, params![workspace], |columns| {
            Ok(PlanName::new(&columns.take::<String>()?))
        })
        .await
    }

    async fn forget_ended_subscriptions(&mut self, heard_before: Timestamp) -> Result<u32, StoreError> {
        let sql = "DELETE FROM subscriptions WHERE plan IS NULL AND heard_at < $1 AND is_system()";
        let forgotten = run(self.system_write()?, sql, params![heard_before.as_microsecond()]).await?;
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}
