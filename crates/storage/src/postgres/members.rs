//! Members. A service account is a member with the role `''`, and is left out wherever people are asked for.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::person::{DisplayName, Email};
use keyward_core::role::{HeldRole, RoleName, RoleRef};

use super::PostgresTx;
use super::key_list::sort_column;
use super::link::whole;
use super::row::{Columns, count, many, one, run, run_one};
use super::value::params;
use super::workspaces::{workspace, workspace_columns};
use crate::key_json::grant_from_json;
use crate::{Member, Members, Page, Place, StoreError};

macro_rules! select_members {
    ($which:literal) => {
        concat!(
            "SELECT p.id, p.email, p.name, ",
            held_role_columns!(),
            ", m.joined_at, m.suspended_at, p.suspended_at
             FROM memberships m JOIN users p ON p.id = m.user_id LEFT JOIN roles r ON r.id = m.role AND r.workspace_id = m.workspace_id
             WHERE m.workspace_id = $1 AND m.role <> '' AND ",
            $which
        )
    };
}

/// The role `m.role`, with what `roles r` says of it. A deleted one keeps its name and has no grant.
macro_rules! held_role_columns {
    () => {
        "m.role, r.name, CASE WHEN r.deleted_at IS NULL THEN r.\"grant\" END"
    };
}

fn held_role(columns: &mut Columns<'_>) -> Result<HeldRole, StoreError> {
    let stored: String = columns.take()?;
    let name = columns.take::<Option<String>>()?;
    let grant = match columns.take::<Option<String>>()? {
        Some(text) => Some(grant_from_json(&text).ok_or_else(|| columns.corrupt("is no grant"))?),
        None => None,
    };
    Ok(HeldRole {
        name: RoleName::new(name.as_deref().unwrap_or(&stored)),
        which: RoleRef::from_stored(&stored),
        grant,
    })
}

const COUNT_MEMBERS: &str = "SELECT count(*) FROM memberships
    WHERE workspace_id = $1 AND role <> '' AND (is_system() OR workspace_id = tenant_workspace())";

fn member(columns: &mut Columns<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        user: columns.text()?,
        email: Email::from_stored(&columns.take::<String>()?),
        name: DisplayName::from_stored(&columns.take::<String>()?),
        role: held_role(columns)?,
        joined_at: columns.time()?,
        suspended_at: columns.time_or_null()?,
        suspended_everywhere_at: columns.time_or_null()?,
    })
}

/// The SQL of a page of members.
const fn members_sql(after: bool) -> &'static str {
    if after {
        select_members!(
            "(is_system() OR m.workspace_id = tenant_workspace())
             AND (m.joined_at, m.user_id) > ($3, $4)
             ORDER BY m.joined_at, m.user_id LIMIT $2"
        )
    } else {
        select_members!(
            "(is_system() OR m.workspace_id = tenant_workspace())
             ORDER BY m.joined_at, m.user_id LIMIT $2"
        )
    }
}

#[async_trait]
impl Members for PostgresTx {
    async fn insert_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: &RoleRef,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO memberships (workspace_id, user_id, role, joined_at)
                   SELECT $1, $2, $3, $4 WHERE $3 <> '' AND is_system()";
        let params = params![workspace, user, role.to_string(), at.as_microsecond()];
        let link = self.write()?;
        whole(link, run_one(link, sql, params)).await
    }

    async fn update_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: &RoleRef,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE memberships SET role = $3
                   WHERE workspace_id = $1 AND user_id = $2 AND role <> '' AND $3 <> ''
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![workspace, user, role.to_string()];
        Ok(run(self.write()?, sql, params).await? > 0)
    }

    async fn suspend_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE memberships SET suspended_at = $3
                   WHERE workspace_id = $1 AND user_id = $2 AND role <> ''
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![workspace, user, at.map(Timestamp::as_microsecond)];
        Ok(run(self.write()?, sql, params).await? > 0)
    }

    async fn delete_membership(&mut self, workspace: WorkspaceId, user: UserId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM memberships
                   WHERE workspace_id = $1 AND user_id = $2 AND role <> ''
                     AND (is_system() OR workspace_id = tenant_workspace())";
        Ok(run(self.write()?, sql, params![workspace, user]).await? > 0)
    }

    async fn member(&mut self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, StoreError> {
        let sql = select_members!(
            "m.user_id = $2
             AND (is_system() OR m.workspace_id = tenant_workspace() OR m.user_id = tenant_person())"
        );
        one(self.read()?, "memberships", sql, params![workspace, user], member).await
    }

    async fn member_by_email(
        &mut self,
        workspace: WorkspaceId,
        email: &Email,
    ) -> Result<Option<Member>, StoreError> {
        let sql = select_members!(
            "m.user_id = (SELECT id FROM users WHERE email = $2)
             AND (is_system() OR m.workspace_id = tenant_workspace())"
        );
        one(self.read()?, "memberships", sql, params![workspace, email.as_str()], member).await
    }

    async fn members(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Member>, StoreError> {
        let mut values = params![workspace, page.limit];
        if let Some(after) = &page.after {
            values.push(sort_column(&after.value));
            values.push(UserId::from_bytes(after.id).into());
        }
        let sql = members_sql(page.after.is_some());
        many(self.read()?, "memberships", sql, values, member).await
    }

    async fn count_members(&mut self, workspace: WorkspaceId) -> Result<u32, StoreError> {
        count(self.read()?, COUNT_MEMBERS, params![workspace]).await
    }

    async fn members_with_role(
        &mut self,
        workspace: WorkspaceId,
        role: &RoleRef,
        at_most: u32,
    ) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM
                       (SELECT 1 FROM memberships m JOIN users p ON p.id = m.user_id
                        WHERE m.workspace_id = $1 AND m.role = $2 AND m.role <> ''
                          AND m.suspended_at IS NULL AND p.suspended_at IS NULL
                          AND (is_system() OR m.workspace_id = tenant_workspace())
                        LIMIT $3) AS holders";
        count(self.read()?, sql, params![workspace, role.to_string(), at_most]).await
    }

    async fn holders(
        &mut self,
        workspace: WorkspaceId,
        role: &RoleRef,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        let sql = select_members!(
            "m.role = $2 AND m.suspended_at IS NULL AND p.suspended_at IS NULL
             AND (is_system() OR m.workspace_id = tenant_workspace())
             ORDER BY m.user_id LIMIT $3"
        );
        many(self.read()?, "memberships", sql, params![workspace, role.to_string(), limit], member).await
    }

    async fn places(&mut self, user: UserId, limit: u32) -> Result<Vec<Place>, StoreError> {
        let sql = concat!(
            "SELECT ",
            workspace_columns!(),
            ", ",
            held_role_columns!(),
            " FROM memberships m JOIN workspaces w ON w.id = m.workspace_id LEFT JOIN roles r ON r.id = m.role AND r.workspace_id = m.workspace_id
              WHERE m.user_id = $1 AND m.role <> '' AND m.suspended_at IS NULL AND (is_system() OR m.user_id = tenant_person())
              ORDER BY w.name, w.id LIMIT $2"
        );
        many(self.read()?, "memberships", sql, params![user, limit], |columns| {
            Ok(Place { workspace: workspace(columns)?, role: held_role(columns)? })
        })
        .await
    }
}
