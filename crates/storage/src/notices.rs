//! Notices of keys' ends: which are to come, and which were given.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::notice::Notice;

use crate::error::StoreError;

/// A notice that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenNotice {
    /// Of which key.
    pub key: KeyId,
    /// Of which end of it.
    pub expires_at: Timestamp,
    /// What was told.
    pub notice: Notice,
    /// When.
    pub given_at: Timestamp,
}

/// What a transaction can do with notices. That a notice is to come of a new key, or of another end of one, is noted
/// with the key; a revoked one has none to come.
#[async_trait]
pub trait Notices {
    /// Keys that somebody must look at by `now`, those that have waited longest first, at most `limit`. System only.
    async fn due_notices(&mut self, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError>;

    /// Notes that a notice is given. `false`: it was given before. System only.
    async fn give_notice(&mut self, notice: &GivenNotice) -> Result<bool, StoreError>;

    /// Says when to look at a key again. `None`: never. System only.
    async fn schedule_notice(&mut self, key: KeyId, due_at: Option<Timestamp>) -> Result<(), StoreError>;

    /// The notices that were given of a key that the tenant sees, the first one first: a handful, since keys seldom
    /// have a second end.
    async fn notices(&mut self, key: KeyId) -> Result<Vec<GivenNotice>, StoreError>;
}
