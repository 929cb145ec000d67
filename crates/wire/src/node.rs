//! The nodes that decide.

use serde::{Deserialize, Serialize};

use crate::key::NodeReceipt;

/// The nodes that decide, and how far each has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nodes {
    /// The last change that there is.
    #[cfg_attr(feature = "openapi", schema(example = 42))]
    pub epoch: u64,
    /// Every node, by name: `applied` decides by all changes up to that, `pending` may still decide by earlier ones, and
    /// `lease_expired` decides nothing.
    pub items: Vec<NodeReceipt>,
}
