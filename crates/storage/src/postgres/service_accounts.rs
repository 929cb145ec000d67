//! Service accounts: users of the kind `service_account`.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, ServiceAccountId, WorkspaceId};
use keyward_core::key::ServiceAccount;

use super::PostgresTx;
use super::link::whole;
use super::row::{Columns, Statement, many, one, only, only_text, run, run_in_turn, run_one, version_column};
use super::value::params;
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

fn account(columns: &mut Columns<'_>) -> Result<ServiceAccountRow, StoreError> {
    let id = columns.text()?;
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

/// The statements that keep the user entry and its membership.
fn statements(workspace: WorkspaceId, row: &ServiceAccountRow) -> Result<Vec<Statement>, StoreError> {
    let user = "INSERT INTO users
                    (id, kind, name, workspace_id, description, shared, created_at, suspended_at, version)
                SELECT $1, 'service_account', $2, $3, $4, $5, $6, $7, $8
                WHERE is_system() OR $3 = tenant_workspace()";
    let membership = "INSERT INTO memberships (workspace_id, user_id, role, joined_at)
                      SELECT $1, $2, '', $3 WHERE is_system() OR $1 = tenant_workspace()";
    let (id, at) = (row.account.id, row.created_at.as_microsecond());
    let params = params![
        id,
        &*row.account.name,
        workspace,
        row.description.as_deref(),
        row.account.shared,
        at,
        row.disabled_at.map(Timestamp::as_microsecond),
        version_column(row.version)?,
    ];
    Ok(vec![Statement::of_one(user, params), Statement::of_one(membership, params![workspace, id, at])])
}

#[async_trait]
impl ServiceAccounts for PostgresTx {
    async fn insert_service_account(
        &mut self,
        workspace: WorkspaceId,
        row: &ServiceAccountRow,
    ) -> Result<(), StoreError> {
        let link = self.write()?;
        whole(link, run_in_turn(link, statements(workspace, row)?)).await
    }

    async fn update_service_account(&mut self, row: &ServiceAccountRow) -> Result<(), StoreError> {
        let sql = "UPDATE users SET name = $2, description = $3, suspended_at = $4, version = $5
                   WHERE id = $1 AND version = $5 - 1 AND kind = 'service_account' AND deleted_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![
            row.account.id,
            &*row.account.name,
            row.description.as_deref(),
            row.disabled_at.map(Timestamp::as_microsecond),
            version_column(row.version)?,
        ];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn service_account(
        &mut self,
        id: ServiceAccountId,
    ) -> Result<Option<ServiceAccountRow>, StoreError> {
        one(self.read()?, "users", select_accounts!("id = $1"), params![id], account).await
    }

    async fn service_accounts(
        &mut self,
        workspace: WorkspaceId,
        shared: Option<bool>,
        page: &Page,
    ) -> Result<Vec<ServiceAccountRow>, StoreError> {
        let after = page
            .after
            .as_ref()
            .map_or(String::new(), |after| ServiceAccountId::from_bytes(after.id).to_string());
        let values = params![workspace, after, page.limit];
        // The filter is written out, so that each has an index that it can follow.
        let sql = match shared {
            None => select_accounts!("workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
            Some(true) => {
                select_accounts!("shared AND workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            }
            Some(false) => {
                select_accounts!("NOT shared AND workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            }
        };
        many(self.read()?, "users", sql, values, account).await
    }

    async fn keys_of_service_account(
        &mut self,
        id: ServiceAccountId,
        limit: u32,
    ) -> Result<Vec<KeyId>, StoreError> {
        let sql = "SELECT id FROM keys WHERE service_account_id = $1 AND revoked_at IS NULL
                     AND (is_system() OR workspace_id = tenant_workspace())
                   ORDER BY id LIMIT $2";
        many(self.read()?, "keys", sql, params![id, limit], only_text).await
    }

    async fn service_account_names_taken(&mut self, names: &[String]) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM users
                   WHERE workspace_id = tenant_workspace() AND name = ANY($1)
                     AND kind = 'service_account' AND deleted_at IS NULL";
        many(self.read()?, "users", sql, params![names.to_vec()], only).await
    }

    async fn delete_service_account(
        &mut self,
        id: ServiceAccountId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let account = "UPDATE users SET deleted_at = $2
                       WHERE id = $1 AND kind = 'service_account' AND deleted_at IS NULL
                         AND (is_system() OR workspace_id = tenant_workspace())";
        let membership = "DELETE FROM memberships WHERE user_id = $1";
        let link = self.write()?;
        whole(link, async {
            run_one(link, account, params![id, at.as_microsecond()]).await?;
            run(link, membership, params![id]).await.map(drop)
        })
        .await
    }
}
