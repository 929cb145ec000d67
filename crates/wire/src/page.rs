//! A part of a list.

use serde::{Deserialize, Serialize};

/// Items, and how to get the next ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// To be given as `cursor` for the next part, with the same filters. `null`: this was the last. Only that tells the
    /// end: a part of a filtered list may have fewer items than asked for, or none, before it.
    pub next_cursor: Option<String>,
}
