//! The ordered changes that replicas follow.

use async_trait::async_trait;
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::id::{KeyId, RoleId, UserId, WorkspaceId};

use crate::error::StoreError;

/// What was changed. Its state is read when somebody asks, in the same snapshot as the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// A key.
    Key(KeyId),
    /// A workspace.
    Workspace(WorkspaceId),
    /// Somebody's place in a workspace.
    Membership(WorkspaceId, UserId),
    /// A person.
    Person(UserId),
    /// A role that a workspace made.
    Role(RoleId),
}

/// What a transaction can do with changes.
#[async_trait]
pub trait ChangeLog {
    /// Numbers a change of this transaction.
    async fn record_change(&mut self, changed: Changed) -> Result<(), StoreError>;

    /// The changes after an epoch, at most `limit` of them, each with the state that it led to (or a later
    /// one of the same snapshot). `up_to` is `after` when there are none. System only.
    async fn changes_since(&mut self, after: Epoch, limit: u32) -> Result<Changes, StoreError>;

    /// The last epoch. System only.
    async fn last_epoch(&mut self) -> Result<Epoch, StoreError>;

    /// Hands every state to `each`, people and workspaces before what refers to them, and returns the epoch
    /// of the snapshot. System only.
    async fn snapshot(&mut self, each: &mut (dyn FnMut(State) + Send)) -> Result<Epoch, StoreError>;
}
