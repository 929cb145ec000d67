//! Fields that may be `null`, told apart from those that are left out.

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
