//! Members. A service account is a member with the role `''`, and is left out wherever people are asked for.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::person::{DisplayName, Email};
use keyward_core::role::RoleName;
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use super::SqliteTx;
use super::key_list::sort_column;
use super::row::{Columns, count, many, one, run, run_one};
use super::workspaces::{workspace, workspace_columns};
use crate::{Member, Members, Page, Place, StoreError};

macro_rules! select_members {
    ($which:literal) => {
        concat!(
            "SELECT p.id, p.email, p.name, m.role, m.joined_at, p.suspended_at
             FROM memberships m CROSS JOIN users p ON p.id = m.user_id
             WHERE m.workspace_id = ?1 AND m.role <> '' AND ",
            $which
        )
    };
}

/// For the explanation in tests too.
pub(super) const COUNT_MEMBERS: &str = "SELECT count(*) FROM memberships
    WHERE workspace_id = ?1 AND role <> '' AND (is_system() OR workspace_id = tenant_workspace())";

fn member(columns: &mut Columns<'_, '_>) -> Result<Member, StoreError> {
    Ok(Member {
        user: UserId::from_bytes(columns.take()?),
        email: Email::from_stored(&columns.take::<String>()?),
        name: DisplayName::from_stored(&columns.take::<String>()?),
        role: RoleName::new(&columns.take::<String>()?),
        joined_at: columns.time()?,
        suspended_at: columns.time_or_null()?,
    })
}

/// The SQL of a page of members, for the explanation in tests too.
pub(super) const fn members_sql(after: bool) -> &'static str {
    if after {
        select_members!(
            "(is_system() OR m.workspace_id = tenant_workspace())
             AND (m.joined_at, m.user_id) > (?3, ?4)
             ORDER BY m.joined_at, m.user_id LIMIT ?2"
        )
    } else {
        select_members!(
            "(is_system() OR m.workspace_id = tenant_workspace())
             ORDER BY m.joined_at, m.user_id LIMIT ?2"
        )
    }
}

#[async_trait]
impl Members for SqliteTx {
    async fn insert_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: &RoleName,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO memberships (workspace_id, user_id, role, joined_at)
                   SELECT ?1, p.id, ?3, ?4 FROM users p
                   WHERE p.id = ?2 AND p.kind = 'person' AND p.deleted_at IS NULL AND ?3 <> ''
                     AND (is_system() OR ?1 = tenant_workspace())";
        let params = params![workspace.to_bytes(), user.to_bytes(), role.as_str(), at.as_microsecond()];
        run_one(self.write()?, sql, params)
    }

    async fn update_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: &RoleName,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE memberships SET role = ?3
                   WHERE workspace_id = ?1 AND user_id = ?2 AND role <> '' AND ?3 <> ''
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![workspace.to_bytes(), user.to_bytes(), role.as_str()];
        Ok(run(self.write()?, sql, params)? > 0)
    }

    async fn delete_membership(&mut self, workspace: WorkspaceId, user: UserId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM memberships
                   WHERE workspace_id = ?1 AND user_id = ?2 AND role <> ''
                     AND (is_system() OR workspace_id = tenant_workspace())";
        Ok(run(self.write()?, sql, params![workspace.to_bytes(), user.to_bytes()])? > 0)
    }

    async fn member(&mut self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, StoreError> {
        let sql = select_members!(
            "m.user_id = ?2
             AND (is_system() OR m.workspace_id = tenant_workspace() OR m.user_id = tenant_person())"
        );
        one(self.read()?, "memberships", sql, params![workspace.to_bytes(), user.to_bytes()], member)
    }

    async fn member_by_email(
        &mut self,
        workspace: WorkspaceId,
        email: &Email,
    ) -> Result<Option<Member>, StoreError> {
        let sql = select_members!(
            "m.user_id = (SELECT id FROM users WHERE email = ?2)
             AND (is_system() OR m.workspace_id = tenant_workspace())"
        );
        one(self.read()?, "memberships", sql, params![workspace.to_bytes(), email.as_str()], member)
    }

    async fn members(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Member>, StoreError> {
        let mut values = vec![Value::from(workspace.to_bytes().to_vec()), Value::from(page.limit)];
        if let Some(after) = &page.after {
            values.push(sort_column(&after.value));
            values.push(Value::from(after.id.to_vec()));
        }
        let sql = members_sql(page.after.is_some());
        many(self.read()?, "memberships", sql, params_from_iter(values), member)
    }

    async fn count_members(&mut self, workspace: WorkspaceId) -> Result<u32, StoreError> {
        count(self.read()?, COUNT_MEMBERS, [workspace.to_bytes()])
    }

    async fn members_with_role(
        &mut self,
        workspace: WorkspaceId,
        role: &RoleName,
    ) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM memberships
                   WHERE workspace_id = ?1 AND role = ?2 AND role <> ''
                     AND (is_system() OR workspace_id = tenant_workspace())";
        count(self.read()?, sql, params![workspace.to_bytes(), role.as_str()])
    }

    async fn places(&mut self, user: UserId, limit: u32) -> Result<Vec<Place>, StoreError> {
        let sql = concat!(
            "SELECT ",
            workspace_columns!(),
            ", m.role FROM memberships m CROSS JOIN workspaces w ON w.id = m.workspace_id
              WHERE m.user_id = ?1 AND m.role <> '' AND (is_system() OR m.user_id = tenant_person())
              ORDER BY w.name, w.id LIMIT ?2"
        );
        many(self.read()?, "memberships", sql, params![user.to_bytes(), limit], |columns| {
            Ok(Place { workspace: workspace(columns)?, role: RoleName::new(&columns.take::<String>()?) })
        })
    }
}
