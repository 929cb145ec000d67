//! When keys were last used.

use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;

use crate::error::StoreError;

/// The last successful use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastUse {
    /// When.
    pub at: Option<Timestamp>,
    /// From where, as far as that was known.
    pub ip: Option<IpAddr>,
}

/// A use of a key that is to be noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyId,
    /// When and from where it was used.
    pub last: LastUse,
    /// When its old secret was used, if it was.
    pub old_secret_at: Option<Timestamp>,
}

/// What a transaction can note of uses.
#[async_trait]
pub trait Uses {
    /// Notes uses. A later time replaces an earlier one; a use from an unknown address keeps the address
    /// before it. Keys that are not there are passed over. System only.
    async fn record_uses(&mut self, uses: &[KeyUse]) -> Result<(), StoreError>;
}
