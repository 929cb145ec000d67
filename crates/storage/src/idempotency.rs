//! Requests that may be sent again: what was asked under an `Idempotency-Key`, and what was answered.
//!
//! A request claims its name before it does anything. Its own transaction marks the claim as committed, so that
//! either both are there or neither; a claim that somebody else has taken over meanwhile has another identifier and
//! cannot be marked any more.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::key::PrincipalId;

use crate::Tenant;
use crate::error::StoreError;

/// The identifier of a claim: sixteen random bytes, others each time that it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimId([u8; 16]);

impl ClaimId {
    /// From random bytes, or from those that a store kept.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes that a store keeps.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// A claim that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClaim {
    /// Its identifier.
    pub id: ClaimId,
    /// Who asks.
    pub actor: PrincipalId,
    /// What their own rows are: transactions that see one of both may mark the claim.
    pub tenant: Tenant,
    /// A digest of the route and the key: one claim of a name for an actor.
    pub name: [u8; 32],
    /// A digest of all that was asked.
    pub fingerprint: [u8; 32],
    /// When.
    pub started_at: Timestamp,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

/// A claim that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its identifier.
    pub id: ClaimId,
    /// A digest of all that was asked.
    pub fingerprint: [u8; 32],
    /// When it was taken.
    pub started_at: Timestamp,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub state: ClaimState,
}

/// How far a claim has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimState {
    /// Nothing is written yet.
    Started,
    /// What was asked is done. Its answer is not here yet, or was lost.
    Committed,
    /// What was asked is answered.
    Answered(KeptAnswer),
}

/// An answer as it is given again. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header `ETag`.
    pub etag: Option<Box<str>>,
    /// The header `Location`.
    pub location: Option<Box<str>>,
    /// JSON. `None`: there was none.
    pub body: Option<String>,
}

/// The claims of one actor that are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// How many.
    pub count: u32,
    /// The bytes of their answers' bodies together.
    pub body_len: u64,
    /// When the first of them is forgotten.
    pub first_ends_at: Option<Timestamp>,
}

/// What a transaction can do with claims.
#[async_trait]
pub trait Idempotency {
    /// The claim of that name, also one whose time is over. System only.
    async fn claim(&mut self, actor: PrincipalId, name: &[u8; 32]) -> Result<Option<Claim>, StoreError>;

    /// Takes a claim: where none of its name is, or in place of the one with that identifier. `false`: somebody else
    /// was faster. System only.
    async fn start_claim(&mut self, claim: &NewClaim, replaced: Option<ClaimId>) -> Result<bool, StoreError>;

    /// What an actor has claimed that is remembered at `now`. System only.
    async fn claims(&mut self, actor: PrincipalId, now: Timestamp) -> Result<Claims, StoreError>;

    /// Deletes claims of all actors whose time is over, the oldest first, `limit` at most. System only.
    async fn forget_claims(&mut self, now: Timestamp, limit: u32) -> Result<(), StoreError>;

    /// Marks a claim as committed, once or again, together with what else the transaction writes. `false`: it is
    /// answered, gone, taken over or out of reach.
    async fn mark_committed(&mut self, id: ClaimId) -> Result<bool, StoreError>;

    /// Keeps the answer to a claim that has none. `false`: it is gone or taken over. System only.
    async fn keep_answer(&mut self, id: ClaimId, answer: &KeptAnswer) -> Result<bool, StoreError>;

    /// Forgets a claim under which nothing was written; any other stays. System only.
    async fn release_claim(&mut self, id: ClaimId) -> Result<(), StoreError>;

    /// The same for all claims: those of a process that has ended. Only for one that is alone with the store, before
    /// it answers anything. System only.
    async fn release_claims(&mut self) -> Result<(), StoreError>;
}
