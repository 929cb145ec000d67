//! Roles that workspaces made for themselves.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{RoleId, WorkspaceId};
use keyward_core::role::{CustomRole, RoleName};

use super::PostgresTx;
use super::link::whole;
use super::row::{Columns, many, one, run, run_one, version_column};
use super::value::params;
use crate::key_json::{grant_from_json, grant_to_json};
use crate::{Roles, StoreError};

macro_rules! select_roles {
    ($which:literal) => {
        concat!(
            "SELECT id, name, description, \"grant\", created_at, version FROM roles
             WHERE deleted_at IS NULL AND (is_system() OR workspace_id = tenant_workspace()) AND ",
            $which
        )
    };
}

fn role(columns: &mut Columns<'_>) -> Result<CustomRole, StoreError> {
    Ok(CustomRole {
        id: columns.text()?,
        name: RoleName::new(&columns.take::<String>()?),
        description: columns.take()?,
        grant: columns.parse(|text: String| grant_from_json(&text))?,
        created_at: columns.time()?,
        version: columns.version()?,
    })
}

/// Names are compared without regard to case.
fn folded(name: &RoleName) -> String {
    name.as_str().to_lowercase()
}

#[async_trait]
impl Roles for PostgresTx {
    async fn insert_role(&mut self, workspace: WorkspaceId, role: &CustomRole) -> Result<(), StoreError> {
        let sql = "INSERT INTO roles
                       (id, workspace_id, name, folded_name, description, \"grant\", created_at, version)
                   SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE is_system() OR $2 = tenant_workspace()";
        let params = params![
            role.id,
            workspace,
            role.name.as_str(),
            folded(&role.name),
            role.description.as_deref(),
            grant_to_json(&role.grant),
            role.created_at.as_microsecond(),
            version_column(role.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn update_role(&mut self, role: &CustomRole) -> Result<(), StoreError> {
        let sql =
            "UPDATE roles SET name = $2, folded_name = $3, description = $4, \"grant\" = $5, version = $6
                   WHERE id = $1 AND version = $6 - 1 AND deleted_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![
            role.id,
            role.name.as_str(),
            folded(&role.name),
            role.description.as_deref(),
            grant_to_json(&role.grant),
            version_column(role.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn delete_role(&mut self, id: RoleId, at: Timestamp) -> Result<bool, StoreError> {
        let delete = "UPDATE roles SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL
                      AND (is_system() OR workspace_id = tenant_workspace())";
        let invitations = "DELETE FROM invitations
                           WHERE workspace_id = (SELECT workspace_id FROM roles WHERE id = $1) AND role = $1
                             AND (is_system() OR workspace_id = tenant_workspace())";
        let link = self.write()?;
        whole(link, async {
            let deleted = run(link, delete, params![id, at.as_microsecond()]).await? > 0;
            if deleted {
                run(link, invitations, params![id]).await?;
            }
            Ok(deleted)
        })
        .await
    }

    async fn role(&mut self, id: RoleId) -> Result<Option<CustomRole>, StoreError> {
        one(self.read()?, "roles", select_roles!("id = $1"), params![id], role).await
    }

    async fn roles(&mut self, workspace: WorkspaceId, limit: u32) -> Result<Vec<CustomRole>, StoreError> {
        let sql = select_roles!("workspace_id = $1 ORDER BY folded_name LIMIT $2");
        many(self.read()?, "roles", sql, params![workspace, limit], role).await
    }
}
