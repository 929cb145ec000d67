//! Roles that workspaces made for themselves.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{RoleId, WorkspaceId};
use keyward_core::role::{CustomRole, RoleName};
use rusqlite::params;

use super::SqliteTx;
use super::key_json::{grant_from_json, grant_to_json};
use super::row::{Columns, many, one, run, run_one, version_column, whole};
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

fn role(columns: &mut Columns<'_, '_>) -> Result<CustomRole, StoreError> {
    Ok(CustomRole {
        id: columns.parse(|text: String| text.parse().ok())?,
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
impl Roles for SqliteTx {
    async fn insert_role(&mut self, workspace: WorkspaceId, role: &CustomRole) -> Result<(), StoreError> {
        let sql = "INSERT INTO roles
                       (id, workspace_id, name, folded_name, description, \"grant\", created_at, version)
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE is_system() OR ?2 = tenant_workspace()";
        let params = params![
            role.id.to_string(),
            workspace.to_bytes(),
            role.name.as_str(),
            folded(&role.name),
            role.description,
            grant_to_json(&role.grant),
            role.created_at.as_microsecond(),
            version_column(role.version)?,
        ];
        run_one(self.write()?, sql, params)
    }

    async fn update_role(&mut self, role: &CustomRole) -> Result<(), StoreError> {
        let sql =
            "UPDATE roles SET name = ?2, folded_name = ?3, description = ?4, \"grant\" = ?5, version = ?6
                   WHERE id = ?1 AND version = ?6 - 1 AND deleted_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![
            role.id.to_string(),
            role.name.as_str(),
            folded(&role.name),
            role.description,
            grant_to_json(&role.grant),
            version_column(role.version)?,
        ];
        run_one(self.write()?, sql, params)
    }

    async fn delete_role(&mut self, id: RoleId, at: Timestamp) -> Result<bool, StoreError> {
        let delete = "UPDATE roles SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL
                      AND (is_system() OR workspace_id = tenant_workspace())";
        let invitations = "DELETE FROM invitations
                           WHERE workspace_id = (SELECT workspace_id FROM roles WHERE id = ?1) AND role = ?1
                             AND (is_system() OR workspace_id = tenant_workspace())";
        whole(self.write()?, |connection| {
            let deleted = run(connection, delete, params![id.to_string(), at.as_microsecond()])? > 0;
            if deleted {
                run(connection, invitations, [id.to_string()])?;
            }
            Ok(deleted)
        })
    }

    async fn role(&mut self, id: RoleId) -> Result<Option<CustomRole>, StoreError> {
        one(self.read()?, "roles", select_roles!("id = ?1"), [id.to_string()], role)
    }

    async fn roles(&mut self, workspace: WorkspaceId, limit: u32) -> Result<Vec<CustomRole>, StoreError> {
        let sql = select_roles!("workspace_id = ?1 ORDER BY folded_name LIMIT ?2");
        many(self.read()?, "roles", sql, params![workspace.to_bytes(), limit], role)
    }
}
