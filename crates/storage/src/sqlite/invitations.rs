//! Invitations.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{InvitationId, UserId, WorkspaceId};
use keyward_core::person::Email;
use keyward_core::role::RoleRef;
use keyward_core::secret::SecretDigest;
use rusqlite::params;

use super::SqliteTx;
use super::row::{Columns, count, many, one, run, run_one, whole};
use crate::{Invitation, Invitations, Page, Position, SortValue, StoreError};

fn invitation(columns: &mut Columns<'_, '_>) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: InvitationId::from_bytes(columns.take()?),
        workspace: WorkspaceId::from_bytes(columns.take()?),
        email: Email::from_stored(&columns.take::<String>()?),
        role: RoleRef::from_stored(&columns.take::<String>()?),
        token: SecretDigest::from_bytes(columns.take()?),
        created_by: UserId::from_bytes(columns.take()?),
        created_at: columns.time()?,
        expires_at: columns.time()?,
    })
}

#[async_trait]
impl Invitations for SqliteTx {
    async fn insert_invitation(&mut self, invitation: &Invitation) -> Result<(), StoreError> {
        // Those whose time is over go as well, so that the table does not grow for ever.
        let replaced = "DELETE FROM invitations
                        WHERE workspace_id = ?1 AND (email = ?2 OR expires_at <= ?3)
                          AND (is_system() OR workspace_id = tenant_workspace())";
        let sql = "INSERT INTO invitations
                       (id, workspace_id, email, role, token, created_by, created_at, expires_at)
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE is_system() OR ?2 = tenant_workspace()";
        let workspace = invitation.workspace.to_bytes();
        let created_at = invitation.created_at.as_microsecond();
        whole(self.write()?, |connection| {
            run(connection, replaced, params![workspace, invitation.email.as_str(), created_at])?;
            let params = params![
                invitation.id.to_bytes(),
                workspace,
                invitation.email.as_str(),
                invitation.role.to_string(),
                invitation.token.as_bytes(),
                invitation.created_by.to_bytes(),
                created_at,
                invitation.expires_at.as_microsecond(),
            ];
            run_one(connection, sql, params)
        })
    }

    async fn invitation_by_token(
        &mut self,
        token: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let sql = "SELECT id, workspace_id, email, role, token, created_by, created_at, expires_at
                   FROM invitations WHERE token = ?1 AND expires_at > ?2 AND is_system()";
        let params = params![token.as_bytes(), now.as_microsecond()];
        one(self.system_read()?, "invitations", sql, params, invitation)
    }

    async fn use_invitation(&mut self, id: InvitationId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM invitations WHERE id = ?1 AND is_system()";
        Ok(run(self.system_write()?, sql, [id.to_bytes()])? > 0)
    }

    async fn invitations(
        &mut self,
        workspace: WorkspaceId,
        now: Timestamp,
        page: &Page,
    ) -> Result<Vec<Invitation>, StoreError> {
        let sql =
            "SELECT id, workspace_id, email, role, token, created_by, created_at, expires_at FROM invitations
                   WHERE workspace_id = ?1 AND expires_at > ?2 AND (expires_at, id) > (?3, ?4)
                     AND (is_system() OR workspace_id = tenant_workspace())
                   ORDER BY expires_at, id LIMIT ?5";
        let (end, id) = match &page.after {
            None => (0, [0; 16]),
            Some(Position { value: SortValue::Number(end), id }) => (*end, *id),
            Some(_) => return Ok(Vec::new()),
        };
        let params = params![workspace.to_bytes(), now.as_microsecond(), end, id, page.limit];
        many(self.read()?, "invitations", sql, params, invitation)
    }

    async fn invitation(
        &mut self,
        id: InvitationId,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let sql =
            "SELECT id, workspace_id, email, role, token, created_by, created_at, expires_at FROM invitations
                   WHERE id = ?1 AND expires_at > ?2 AND (is_system() OR workspace_id = tenant_workspace())";
        one(self.read()?, "invitations", sql, params![id.to_bytes(), now.as_microsecond()], invitation)
    }

    async fn invitation_of(
        &mut self,
        workspace: WorkspaceId,
        email: &Email,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let sql =
            "SELECT id, workspace_id, email, role, token, created_by, created_at, expires_at FROM invitations
                   WHERE workspace_id = ?1 AND email = ?2 AND expires_at > ?3
                     AND (is_system() OR workspace_id = tenant_workspace())";
        let params = params![workspace.to_bytes(), email.as_str(), now.as_microsecond()];
        one(self.read()?, "invitations", sql, params, invitation)
    }

    async fn delete_invitation(&mut self, id: InvitationId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM invitations
                   WHERE id = ?1 AND (is_system() OR workspace_id = tenant_workspace())";
        Ok(run(self.write()?, sql, [id.to_bytes()])? > 0)
    }

    async fn open_invitations(&mut self, workspace: WorkspaceId, now: Timestamp) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM invitations
                   WHERE workspace_id = ?1 AND expires_at > ?2
                     AND (is_system() OR workspace_id = tenant_workspace())";
        count(self.read()?, sql, params![workspace.to_bytes(), now.as_microsecond()])
    }
}
