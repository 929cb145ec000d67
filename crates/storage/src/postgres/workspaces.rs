//! Workspaces.

use async_trait::async_trait;
use keyward_core::id::WorkspaceId;
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::workspace::{Slug, Workspace};

use super::PostgresTx;
use super::link::whole;
use super::row::{Columns, one, run_one, version_column};
use super::value::params;
use crate::{StoreError, Workspaces};

/// The columns that [`workspace`] reads.
macro_rules! workspace_columns {
    () => {
        "w.id, w.slug, w.name, w.plan, w.created_at, w.version"
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
        created_at: columns.time()?,
        version: columns.version()?,
    })
}

#[async_trait]
impl Workspaces for PostgresTx {
    async fn insert_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        let sql = "INSERT INTO workspaces (id, slug, name, plan, created_at, version)
                   SELECT $1, $2, $3, $4, $5, $6 WHERE is_system()";
        let params = params![
            workspace.id,
            workspace.slug.as_str(),
            workspace.name.as_str(),
            workspace.plan.as_str(),
            workspace.created_at.as_microsecond(),
            version_column(workspace.version)?,
        ];
        let link = self.system_write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn update_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        let sql = "UPDATE workspaces SET slug = $2, name = $3, plan = $4, version = $5
                   WHERE id = $1 AND version = $5 - 1 AND (is_system() OR id = tenant_workspace())";
        let params = params![
            workspace.id,
            workspace.slug.as_str(),
            workspace.name.as_str(),
            workspace.plan.as_str(),
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
