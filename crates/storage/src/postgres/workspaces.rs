//! Workspaces.

use async_trait::async_trait;
use keyward_core::grace::{EarlierGrace, Grace, GraceSeconds};
use keyward_core::id::WorkspaceId;
use keyward_core::lifetime::LifetimeDays;
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::workspace::{Slug, Workspace};

use super::PostgresTx;
use super::link::whole;
use super::row::{Columns, one, run_one, version_column};
use super::value::params;
use crate::key_json::{cidrs_from_json, cidrs_to_json};
use crate::{StoreError, Workspaces};

/// The columns that [`workspace`] reads.
macro_rules! workspace_columns {
    () => {
        "w.id, w.slug, w.name, w.plan, w.grace_seconds, w.earlier_grace_seconds, w.earlier_grace_until,
         w.allowed_cidrs, w.key_lifetime_days_max, w.created_at, w.version"
    };
}
pub(super) use workspace_columns;

macro_rules! select_seen {
    ($by:literal) => {
        concat!(
            "SELECT ",
            workspace_columns!(),
            " FROM workspaces w WHERE ",
            $by,
            " = $1 AND (is_system() OR w.id = tenant_workspace()
                OR EXISTS (SELECT 1 FROM memberships m
                           WHERE m.workspace_id = w.id AND m.user_id = tenant_person()))"
        )
    };
}

pub(super) fn workspace(columns: &mut Columns<'_>) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: columns.text()?,
        slug: columns.parse(|text: String| Slug::parse(&text))?,
        name: DisplayName::from_stored(&columns.take::<String>()?),
        plan: PlanName::new(&columns.take::<String>()?),
        grace: grace(columns)?,
        allowed_cidrs: columns.parse(|text: String| cidrs_from_json(&text))?,
        key_lifetime_max: lifetime(columns)?,
        created_at: columns.time()?,
        version: columns.version()?,
    })
}

/// From the columns `grace_seconds`, `earlier_grace_seconds` and `earlier_grace_until`. Of what cannot be read nothing is
/// guessed: a shorter time than it was would be a receipt that says too much.
fn grace(columns: &mut Columns<'_>) -> Result<Grace, StoreError> {
    let read = |seconds: i64| u16::try_from(seconds).ok().and_then(GraceSeconds::new);
    let seconds = columns.parse(read)?;
    let earlier = columns
        .parse(|earlier: Option<i64>| earlier.map_or(Some(None), |earlier| read(earlier).map(Some)))?;
    let until = columns.time_or_null()?;
    let earlier = earlier.zip(until).map(|(seconds, until)| EarlierGrace { seconds, until });
    Ok(Grace { seconds, earlier })
}

/// What cannot be read is no missing bound.
pub(super) fn lifetime(columns: &mut Columns<'_>) -> Result<Option<LifetimeDays>, StoreError> {
    let read = |days: i64| u16::try_from(days).ok().and_then(LifetimeDays::new);
    columns.parse(|days: Option<i64>| days.map_or(Some(None), |days| read(days).map(Some)))
}

#[async_trait]
impl Workspaces for PostgresTx {
    async fn insert_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        let sql = "INSERT INTO workspaces (id, slug, name, plan, grace_seconds, earlier_grace_seconds,
                       earlier_grace_until, allowed_cidrs, key_lifetime_days_max, created_at, version)
                   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE is_system()";
        let earlier = workspace.grace.earlier;
        let params = params![
            workspace.id,
            workspace.slug.as_str(),
            workspace.name.as_str(),
            workspace.plan.as_str(),
            i64::from(workspace.grace.seconds.get()),
            earlier.map(|earlier| i64::from(earlier.seconds.get())),
            earlier.map(|earlier| earlier.until.as_microsecond()),
            cidrs_to_json(&workspace.allowed_cidrs),
            workspace.key_lifetime_max.map(|most| i64::from(most.get())),
            workspace.created_at.as_microsecond(),
            version_column(workspace.version)?,
        ];
        let link = self.system_write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn update_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        let sql = "UPDATE workspaces SET slug = $2, name = $3, plan = $4, grace_seconds = $5,
                       earlier_grace_seconds = $6, earlier_grace_until = $7, allowed_cidrs = $8,
                       key_lifetime_days_max = $9, version = $10
                   WHERE id = $1 AND version = $10 - 1 AND (is_system() OR id = tenant_workspace())";
        let earlier = workspace.grace.earlier;
        let params = params![
            workspace.id,
            workspace.slug.as_str(),
            workspace.name.as_str(),
            workspace.plan.as_str(),
            i64::from(workspace.grace.seconds.get()),
            earlier.map(|earlier| i64::from(earlier.seconds.get())),
            earlier.map(|earlier| earlier.until.as_microsecond()),
            cidrs_to_json(&workspace.allowed_cidrs),
            workspace.key_lifetime_max.map(|most| i64::from(most.get())),
            version_column(workspace.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn workspace(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        one(self.read()?, "workspaces", select_seen!("w.id"), params![id], workspace).await
    }

    async fn workspace_by_slug(&mut self, slug: &Slug) -> Result<Option<Workspace>, StoreError> {
        one(self.read()?, "workspaces", select_seen!("w.slug"), params![slug.as_str()], workspace).await
    }
}
