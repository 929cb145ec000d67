//! Service accounts: users of the kind `service_account`.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, ServiceAccountId, WorkspaceId};
use keyward_core::key::ServiceAccount;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::SqliteTx;
use super::row::{Columns, count, many, one, run, run_one, version_column, whole};
use crate::{Page, ServiceAccountRow, ServiceAccounts, StoreError};

macro_rules! select_accounts {
    ($which:literal) => {
        concat!(
            "SELECT id, name, shared, suspended_at, description, created_at, version,
                    (SELECT count(*) FROM keys k WHERE k.service_account_id = a.id AND k.revoked_at IS NULL)
             FROM users a
             WHERE kind = 'service_account' AND deleted_at IS NULL
               AND (is_system() OR workspace_id = tenant_workspace()) AND ",
            $which
        )
    };
}

fn account(columns: &mut Columns<'_, '_>) -> Result<ServiceAccountRow, StoreError> {
    let id = ServiceAccountId::from_bytes(columns.take()?);
    let (name, shared) = (columns.take()?, columns.take()?);
    let disabled_at = columns.time_or_null()?;
    Ok(ServiceAccountRow {
        account: ServiceAccount { id, name, shared, disabled: disabled_at.is_some() },
        description: columns.take()?,
        created_at: columns.time()?,
        disabled_at,
        version: columns.version()?,
        keys: columns.take()?,
    })
}

/// Keeps the user entry and its membership.
pub(super) fn insert(
    connection: &Connection,
    workspace: WorkspaceId,
    row: &ServiceAccountRow,
) -> Result<(), StoreError> {
    let user = "INSERT INTO users
                    (id, kind, name, workspace_id, description, shared, created_at, suspended_at, version)
                SELECT ?1, 'service_account', ?2, ?3, ?4, ?5, ?6, ?7, ?8
                WHERE is_system() OR ?3 = tenant_workspace()";
    let (id, workspace, at) =
        (row.account.id.to_bytes(), workspace.to_bytes(), row.created_at.as_microsecond());
    let disabled_at = row.disabled_at.map(Timestamp::as_microsecond);
    let params = params![
        id,
        row.account.name,
        workspace,
        row.description,
        row.account.shared,
        at,
        disabled_at,
        version_column(row.version)?,
    ];
    run_one(connection, user, params)?;
    let membership = "INSERT INTO memberships (workspace_id, user_id, role, joined_at)
                      SELECT ?1, ?2, '', ?3 WHERE is_system() OR ?1 = tenant_workspace()";
    run_one(connection, membership, params![workspace, id, at])
}

#[async_trait]
impl ServiceAccounts for SqliteTx {
    async fn insert_service_account(
        &mut self,
        workspace: WorkspaceId,
        row: &ServiceAccountRow,
    ) -> Result<(), StoreError> {
        whole(self.write()?, |connection| insert(connection, workspace, row))
    }

    async fn update_service_account(&mut self, row: &ServiceAccountRow) -> Result<(), StoreError> {
        let sql = "UPDATE users SET name = ?2, description = ?3, suspended_at = ?4, version = ?5
                   WHERE id = ?1 AND version = ?5 - 1 AND kind = 'service_account' AND deleted_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![
            row.account.id.to_bytes(),
            row.account.name,
            row.description,
            row.disabled_at.map(Timestamp::as_microsecond),
            version_column(row.version)?,
        ];
        run_one(self.write()?, sql, params)
    }

    async fn service_account(
        &mut self,
        id: ServiceAccountId,
    ) -> Result<Option<ServiceAccountRow>, StoreError> {
        one(self.read()?, "users", select_accounts!("id = ?1"), [id.to_bytes()], account)
    }

    async fn service_accounts(
        &mut self,
        workspace: WorkspaceId,
        shared: Option<bool>,
        page: &Page,
    ) -> Result<Vec<ServiceAccountRow>, StoreError> {
        let after = page.after.as_ref().map_or([0; 16], |after| after.id);
        let values = [
            Value::from(workspace.to_bytes().to_vec()),
            Value::from(after.to_vec()),
            Value::from(page.limit),
        ];
        // The filter is written out, so that each has an index that it can follow.
        let sql = match shared {
            None => select_accounts!("workspace_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"),
            Some(true) => {
                select_accounts!("shared = 1 AND workspace_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
            }
            Some(false) => {
                select_accounts!("shared = 0 AND workspace_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
            }
        };
        many(self.read()?, "users", sql, params_from_iter(values), account)
    }

    async fn keys_of_service_account(
        &mut self,
        id: ServiceAccountId,
        limit: u32,
    ) -> Result<Vec<KeyId>, StoreError> {
        let sql = "SELECT id FROM keys WHERE service_account_id = ?1 AND revoked_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())
                   ORDER BY id LIMIT ?2";
        many(self.read()?, "keys", sql, params![id.to_bytes(), limit], |columns| {
            Ok(KeyId::from_bytes(columns.take()?))
        })
    }

    async fn service_account_names_taken(&mut self, names: &[String]) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM users
                   WHERE workspace_id = tenant_workspace() AND name = ?1
                     AND kind = 'service_account' AND deleted_at IS NULL)";
        let connection = self.read()?;
        let mut taken = Vec::new();
        for name in names {
            if count(connection, sql, [name])? > 0 {
                taken.push(name.clone());
            }
        }
        Ok(taken)
    }

    async fn delete_service_account(
        &mut self,
        id: ServiceAccountId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let account = "UPDATE users SET deleted_at = ?2
                       WHERE id = ?1 AND kind = 'service_account' AND deleted_at IS NULL
                         AND (is_system() OR workspace_id = tenant_workspace())";
        let membership = "DELETE FROM memberships WHERE user_id = ?1";
        whole(self.write()?, |connection| {
            run_one(connection, account, params![id.to_bytes(), at.as_microsecond()])?;
            run(connection, membership, [id.to_bytes()]).map(drop)
        })
    }
}
