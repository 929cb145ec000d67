//! Who is in which workspace.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::person::{DisplayName, Email};
use keyward_core::role::{HeldRole, RoleRef};
use keyward_core::workspace::Workspace;

use crate::error::StoreError;
use crate::page::Page;

/// A person in a workspace. Service accounts are never among them (CVE-9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// What they are there.
    pub role: HeldRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Since when they may do nothing there.
    pub suspended_at: Option<Timestamp>,
    /// Since when they may do nothing anywhere.
    pub suspended_everywhere_at: Option<Timestamp>,
}

impl Member {
    /// Whether they may do nothing there.
    pub const fn is_suspended(&self) -> bool {
        self.suspended_at.is_some() || self.suspended_everywhere_at.is_some()
    }
}

/// A workspace that a person is in, and what they are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub workspace: Workspace,
    /// As what.
    pub role: HeldRole,
}

/// What a transaction can do with members.
#[async_trait]
pub trait Members {
    /// Puts a person into a workspace. Work of the system: members see one another's addresses, so nobody is let in by a
    /// workspace alone.
    async fn insert_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: &RoleRef,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives a member another role. `false`: no such member.
    async fn update_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: &RoleRef,
    ) -> Result<bool, StoreError>;

    /// Suspends a member since `at`, or ends that. `false`: no such member.
    async fn suspend_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        at: Option<Timestamp>,
    ) -> Result<bool, StoreError>;

    /// Takes a member out. `false`: no such member.
    async fn delete_membership(&mut self, workspace: WorkspaceId, user: UserId) -> Result<bool, StoreError>;

    /// One member of the tenant's workspace.
    async fn member(&mut self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, StoreError>;

    /// One member of the tenant's workspace, by their address.
    async fn member_by_email(
        &mut self,
        workspace: WorkspaceId,
        email: &Email,
    ) -> Result<Option<Member>, StoreError>;

    /// Members of the workspace, the longest there first (by the time they joined, then id).
    async fn members(&mut self, workspace: WorkspaceId, page: &Page) -> Result<Vec<Member>, StoreError>;

    /// How many members the workspace has, those who are suspended too: they keep their seat.
    async fn count_members(&mut self, workspace: WorkspaceId) -> Result<u32, StoreError>;

    /// How many members have a role, without those who are suspended. Counts no further than `at_most`.
    async fn members_with_role(
        &mut self,
        workspace: WorkspaceId,
        role: &RoleRef,
        at_most: u32,
    ) -> Result<u32, StoreError>;

    /// Those who have a role, without those who are suspended, by id, at most `limit`.
    async fn holders(
        &mut self,
        workspace: WorkspaceId,
        role: &RoleRef,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError>;

    /// The workspaces that a person is in and not suspended, by name then id, at most `limit`.
    async fn places(&mut self, user: UserId, limit: u32) -> Result<Vec<Place>, StoreError>;
}
