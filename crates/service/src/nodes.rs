//! The nodes that decide, as far as operations need them: a change is applied to this process's own data
//! plane before it is answered.

use std::time::Duration;

use async_trait::async_trait;
use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;

/// What a node has made of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It decides by it.
    Applied,
    /// It has not, and decides nothing any more.
    LeaseExpired,
    /// It has not yet.
    Pending,
}

impl NodeState {
    /// `applied`, `lease_expired` or `pending`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::LeaseExpired => "lease_expired",
            Self::Pending => "pending",
        }
    }
}

/// A node and what it has made of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Its name.
    pub node: String,
    /// What it has made of the change.
    pub state: NodeState,
    /// The last change that it has applied.
    pub applied: Epoch,
}

/// The nodes that decide.
#[async_trait]
pub trait Nodes: Send + Sync + std::fmt::Debug {
    /// Applies all changes up to `epoch` to this process's own data plane. If that fails, the data plane
    /// stops deciding: it may accept nothing that was revoked.
    async fn catch_up(&self, epoch: Epoch);

    /// What every node has made of a change that was committed before this is called, where nodes may go on for `grace` after
    /// their leases.
    async fn report(&self, epoch: Epoch, grace: GraceSeconds) -> Vec<NodeReport>;

    /// The same once no node is pending any more, or after `within`.
    async fn settle(&self, epoch: Epoch, grace: GraceSeconds, within: Duration) -> Vec<NodeReport>;
}
