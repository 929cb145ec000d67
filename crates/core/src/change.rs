//! Ordered changes: what a replica must hear of to decide like the store.

use jiff::Timestamp;

use crate::grant::Grant;
pub use crate::id::Incarnation;
use crate::id::{RoleId, UserId, WorkspaceId};
use crate::key::{Key, ServiceAccount};
use crate::role::RoleRef;
use crate::workspace::Workspace;

/// The number of a change. Numbers become visible in the order of their commits: who has seen `E` has seen
/// all up to `E`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How far somebody has followed a store. Epochs count within one life of it: a store that was put back from a backup
/// has lost changes and goes on counting from the last that it still has, so the same number means another change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point {
    /// In which life of the store.
    pub incarnation: Incarnation,
    /// The last change that was followed.
    pub epoch: Epoch,
}

/// Something as it is now. Applying the same state twice changes nothing, and a later state replaces an
/// earlier one wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A key, made, changed or revoked. Revoked ones stay, so that they never look unknown.
    Key(Box<Key>),
    /// A workspace, made or changed.
    Workspace(Workspace),
    /// Somebody's place in a workspace.
    Membership {
        /// Where.
        workspace: WorkspaceId,
        /// Who.
        user: UserId,
        /// As what. `None`: no longer a member, or suspended there.
        role: Option<RoleRef>,
    },
    /// A service account that changed by itself. Each key holds the one it acts as; this is told instead of all of them.
    ServiceAccount(ServiceAccount),
    /// A role that a workspace made.
    Role {
        /// Which.
        role: RoleId,
        /// What it holds. `None`: it was deleted.
        grant: Option<Grant>,
    },
    /// A person, as far as a decision needs it.
    Person {
        /// Who.
        user: UserId,
        /// What they are called.
        name: Box<str>,
        /// Since when they may do nothing.
        suspended_at: Option<Timestamp>,
    },
}

/// States up to an epoch, in the order of the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The last change that the states hold.
    pub up_to: Epoch,
    /// The states.
    pub states: Vec<State>,
}
