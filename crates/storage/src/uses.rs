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

/// What a transaction can note of uses.
#[async_trait]
pub trait Uses {
    /// Notes uses. A later time replaces an earlier one; a use from an unknown address keeps the address
    /// before it. Keys that are not there are passed over. System only.
    async fn record_uses(&mut self, uses: &[(KeyId, LastUse)]) -> Result<(), StoreError>;
}
