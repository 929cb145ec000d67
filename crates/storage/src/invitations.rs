//! Invitations into a workspace.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{InvitationId, UserId, WorkspaceId};
use keyward_core::person::Email;
use keyward_core::role::RoleRef;
use keyward_core::secret::SecretDigest;

use crate::error::StoreError;
use crate::page::Page;

/// An invitation. Its token is kept as a digest only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// Where to.
    pub workspace: WorkspaceId,
    /// Whom.
    pub email: Email,
    /// As what.
    pub role: RoleRef,
    /// What its link is known by.
    pub token: SecretDigest,
    /// Who invited.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Until when the link works.
    pub expires_at: Timestamp,
}

/// What a transaction can do with invitations.
#[async_trait]
pub trait Invitations {
    /// Keeps a new invitation. An earlier open one for the same address in the workspace is replaced.
    async fn insert_invitation(&mut self, invitation: &Invitation) -> Result<(), StoreError>;

    /// The open invitation of a token, if its time is not over. System only.
    async fn invitation_by_token(
        &mut self,
        token: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError>;

    /// Uses an invitation up. `false`: somebody was faster. System only.
    async fn use_invitation(&mut self, id: InvitationId) -> Result<bool, StoreError>;

    /// Open invitations of a workspace, in the order of their ends (by end, then id).
    async fn invitations(
        &mut self,
        workspace: WorkspaceId,
        now: Timestamp,
        page: &Page,
    ) -> Result<Vec<Invitation>, StoreError>;

    /// An open invitation of the tenant's workspace.
    async fn invitation(
        &mut self,
        id: InvitationId,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError>;

    /// The open invitation of an address into a workspace.
    async fn invitation_of(
        &mut self,
        workspace: WorkspaceId,
        email: &Email,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError>;

    /// Takes an invitation back. `false`: it is not there (any more).
    async fn delete_invitation(&mut self, id: InvitationId) -> Result<bool, StoreError>;

    /// How many invitations of the workspace are open.
    async fn open_invitations(&mut self, workspace: WorkspaceId, now: Timestamp) -> Result<u32, StoreError>;
}
