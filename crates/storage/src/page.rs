//! A part of a list.

use crate::keys::SortValue;

/// Which part of a list to read. `limit` is bounded by the caller (the API: 200).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many rows at the most.
    pub limit: u32,
    /// After which row. `None`: from the beginning.
    pub after: Option<Position>,
}

/// A place in a list: the value that the list is sorted by, and the id that makes it unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The value of the last row.
    pub value: SortValue,
    /// The identifier of the last row.
    pub id: [u8; 16],
}

/// A part of a list whose filters may pass over many rows.
///
/// A store looks at a bounded number of rows for one question. A part may therefore hold fewer rows than were
/// asked for, also none, before the list has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<R> {
    /// The rows, in their order.
    pub rows: Vec<R>,
    /// After which place to go on. `None`: the list has ended.
    pub next: Option<Position>,
}
