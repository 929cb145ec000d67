//! When keys were last used.

use std::net::IpAddr;

use async_trait::async_trait;
use ipnet::IpNet;
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

/// A network that a key was used from with success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkUse {
    /// The key.
    pub key: KeyId,
    /// From where.
    pub network: IpNet,
    /// When.
    pub at: Timestamp,
}

/// Networks that are remembered of one key: those of an office, its people at home and a cloud. One that was forgotten
/// counts as new when it comes again.
pub const NETWORKS_MAX: u32 = 64;

/// What a transaction can note of uses.
#[async_trait]
pub trait Uses {
    /// Notes uses. A later time replaces an earlier one; a use from an unknown address keeps the address
    /// before it. Keys that are not there are passed over. System only.
    async fn record_uses(&mut self, uses: &[KeyUse]) -> Result<(), StoreError>;

    /// Notes networks that keys were used from. Of a key the last [`NETWORKS_MAX`] are remembered; when one of these was
    /// used last is known to the day. Keys that are not there are passed over. System only.
    async fn note_networks(&mut self, uses: &[NetworkUse]) -> Result<(), StoreError>;
}
