//! Fields of changes: some may be `null`, told apart from those that are left out; the others must not, so that nobody
//! takes `null` for "none" and changes nothing.

use serde::{Deserialize, Deserializer};

/// Reads a field that is there: a value, or `null`.
#[expect(clippy::option_option, reason = "left out, null and a value are three things here")]
pub(crate) fn said<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Reads a field that is there and has a value.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
