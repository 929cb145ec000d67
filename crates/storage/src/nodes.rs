//! The nodes that decide, as the servers that answer them note them down. Where several servers share a store, a receipt
//! of any of them counts the nodes of all.

use async_trait::async_trait;
use keyward_core::change::Epoch;

use crate::error::StoreError;

/// A node, as the server that answers it tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNote {
    /// Drawn at each of its starts.
    pub start: String,
    /// What it calls itself.
    pub name: String,
    /// The last change that it has applied.
    pub applied: Epoch,
}

/// A server, and a node that it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeElsewhere {
    /// The server.
    pub server: String,
    /// How often the server has said that it lives.
    pub beat: u64,
    /// The node.
    pub node: NodeNote,
}

/// A number as both engines keep it. One beyond their range is an epoch that no store comes to.
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a transaction can do with the nodes of a store's servers. System only.
#[async_trait]
pub trait NodeNotes {
    /// Notes a server and all of its nodes, in the place of what was noted of it before.
    async fn enrol_server(&mut self, server: &str, beat: u64, nodes: &[NodeNote]) -> Result<(), StoreError>;

    /// Notes that a server lives, with its next beat, and nodes of it that are new or have come further. False, and nothing
    /// is noted: what is known of the server is not what it noted with its beat `before`, and it has to enrol anew.
    async fn note_nodes(
        &mut self,
        server: &str,
        before: u64,
        beat: u64,
        nodes: &[NodeNote],
    ) -> Result<bool, StoreError>;

    /// Strikes nodes of a server off, by their starts.
    async fn strike_nodes(&mut self, server: &str, starts: &[String]) -> Result<(), StoreError>;

    /// Strikes a server off with all of its nodes, if it said nothing since that beat. Tells whether it did so.
    async fn strike_server(&mut self, server: &str, beat: u64) -> Result<bool, StoreError>;

    /// The nodes of all other servers, at most `limit`.
    async fn nodes_elsewhere(&mut self, server: &str, limit: u32) -> Result<Vec<NodeElsewhere>, StoreError>;
}
