//! Workspaces.

use async_trait::async_trait;
use keyward_core::id::WorkspaceId;
use keyward_core::workspace::{Slug, Workspace};

use crate::error::StoreError;

/// What a transaction can do with workspaces.
#[async_trait]
pub trait Workspaces {
    /// Keeps a new workspace. System only.
    async fn insert_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError>;

    /// Writes an edited workspace over its previous version.
    async fn update_workspace(&mut self, workspace: &Workspace) -> Result<(), StoreError>;

    /// One workspace by its identifier. Seen by its own tenant, by a person who is a member, and by the
    /// system.
    async fn workspace(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError>;

    /// One workspace by its slug, under the same rule.
    async fn workspace_by_slug(&mut self, slug: &Slug) -> Result<Option<Workspace>, StoreError>;
}
