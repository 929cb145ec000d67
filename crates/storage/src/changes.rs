//! The ordered changes that replicas follow.

use async_trait::async_trait;
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::id::{KeyId, RoleId, ServiceAccountId, UserId, WorkspaceId};

use crate::error::StoreError;

/// What was changed. Its state is read when somebody asks, in the same snapshot as the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// A service account, for all keys that act as it.
    ServiceAccount(ServiceAccountId),
}

/// What a transaction can do with changes.
#[async_trait]
pub trait ChangeLog {
    /// Numbers a change of this transaction.
    async fn record_change(&mut self, changed: Changed) -> Result<(), StoreError>;

    /// Hands the changes after an epoch to `each`, in order and in parts of at most `states_max` states (one at
    /// least), up to the last of the snapshot, whose epoch it returns: `after` if that is beyond it. What was
    /// changed several times is read and told once, when its first change comes, as it is in the snapshot: so whoever
    /// has applied a part has applied all changes up to its `up_to`. A part may have no state, when all that it would
    /// tell was told before. System only.
    async fn changes_since(
        &mut self,
        after: Epoch,
        states_max: usize,
        each: &mut (dyn FnMut(Changes) + Send),
    ) -> Result<Epoch, StoreError>;

    /// The last epoch. System only.
    async fn last_epoch(&mut self) -> Result<Epoch, StoreError>;

    /// Hands every state to `each`, people and workspaces before what refers to them, and returns the epoch
    /// of the snapshot. System only.
    async fn snapshot(&mut self, each: &mut (dyn FnMut(State) + Send)) -> Result<Epoch, StoreError>;
}
