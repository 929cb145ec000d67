//! Roles that workspaces made for themselves.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{RoleId, WorkspaceId};
use keyward_core::role::CustomRole;

use crate::error::StoreError;

/// What a transaction can do with roles.
#[async_trait]
pub trait Roles {
    /// Keeps a new role.
    async fn insert_role(&mut self, workspace: WorkspaceId, role: &CustomRole) -> Result<(), StoreError>;

    /// Writes name, description and grant over the previous version (`role.version - 1`).
    async fn update_role(&mut self, role: &CustomRole) -> Result<(), StoreError>;

    /// Takes a role out of use, and ends the invitations to it. Whoever has it keeps it, and holds nothing.
    /// `false`: no such role.
    async fn delete_role(&mut self, id: RoleId, at: Timestamp) -> Result<bool, StoreError>;

    /// One role of the tenant's workspace that is in use.
    async fn role(&mut self, id: RoleId) -> Result<Option<CustomRole>, StoreError>;

    /// Those of a workspace that are in use, by name, at most `limit`.
    async fn roles(&mut self, workspace: WorkspaceId, limit: u32) -> Result<Vec<CustomRole>, StoreError>;
}
