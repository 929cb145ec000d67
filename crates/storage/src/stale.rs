//! Keys that somebody should look at: what nobody needs any more, what never ends, what is used from elsewhere.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::keys::{KeyRow, KeyScope};
use crate::page::{Found, Page};

/// Why somebody should look at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleReason {
    /// It was never used with success.
    NeverUsed,
    /// It was used once, and not for long.
    Unused,
    /// It never ends by itself.
    NeverExpires,
    /// It was used from a network that it was not used from before.
    NewNetwork,
    /// It ends soon.
    ExpiresSoon,
}

impl StaleReason {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::NeverUsed, Self::Unused, Self::NeverExpires, Self::NewNetwork, Self::ExpiresSoon];

    /// Such as `never_used`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverUsed => "never_used",
            Self::Unused => "unused",
            Self::NeverExpires => "never_expires",
            Self::NewNetwork => "new_network",
            Self::ExpiresSoon => "expires_soon",
        }
    }
}

/// Which keys: active ones only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleFilter {
    /// Whose.
    pub scope: KeyScope,
    /// Why.
    pub reason: StaleReason,
    /// The present.
    pub now: Timestamp,
    /// With [`StaleReason::Unused`]: not used since then.
    pub unused_since: Timestamp,
    /// With [`StaleReason::NewNetwork`]: the network is new since then, and the key is older.
    pub new_since: Timestamp,
    /// With [`StaleReason::ExpiresSoon`]: it ends until then.
    pub ends_until: Timestamp,
}

/// A key that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleKey {
    /// The key.
    pub row: KeyRow,
    /// The network that is its newest.
    pub network: Option<NewestNetwork>,
    /// What the list is sorted by, for a cursor.
    pub sorted_by: i64,
}

/// A network, and when a key was used from it for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestNetwork {
    /// The network, such as `203.0.113.0/24`.
    pub network: String,
    /// Since when.
    pub first_used_at: Timestamp,
}

/// How many keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleCount {
    /// So many were found.
    pub keys: u32,
    /// There may be more: counting ended at a bound.
    pub more: bool,
}

/// What a transaction can find of keys that somebody should look at.
#[async_trait]
pub trait StaleKeys {
    /// Some of them: those never used by age, the others by what they are found for, the most urgent first. A position is
    /// [`StaleKey::sorted_by`] and the key's identifier.
    async fn stale_keys(&mut self, filter: &StaleFilter, page: &Page) -> Result<Found<StaleKey>, StoreError>;

    /// How many there are, as far as `at_most`.
    async fn count_stale_keys(
        &mut self,
        filter: &StaleFilter,
        at_most: u32,
    ) -> Result<StaleCount, StoreError>;
}
