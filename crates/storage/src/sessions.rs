//! Sessions of signed-in people.

use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{SessionId, UserId};
use keyward_core::person::Person;
use keyward_core::secret::SecretDigest;

use crate::error::StoreError;

/// A session. Its token is kept as a digest only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What its cookie is known by.
    pub token: SecretDigest,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// From where it was begun.
    pub ip: Option<IpAddr>,
    /// By which program.
    pub user_agent: Option<Box<str>>,
    /// When it was last used, to the minute. `None`: only to sign in.
    pub last_used_at: Option<Timestamp>,
}

/// Most sessions of one person: more are forgotten ones. The one that was not used for longest ends where another begins.
pub const SESSIONS_MAX: u32 = 200;

/// What a transaction can do with sessions.
#[async_trait]
pub trait Sessions {
    /// Keeps a new session, and forgets the person's sessions that have ended by then, and of those beyond
    /// [`SESSIONS_MAX`] the ones that were not used for longest. System only.
    async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError>;

    /// The session of a token, if it has not ended, and whose it is. System only.
    async fn session(
        &mut self,
        token: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<(Session, Person)>, StoreError>;

    /// A person's sessions that have not ended, the newest first. System only.
    async fn sessions(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Writes down that a session is used. System only.
    async fn touch_session(&mut self, id: SessionId, at: Timestamp) -> Result<(), StoreError>;

    /// Ends a session of a person. `false`: they have no such session. System only.
    async fn end_session(&mut self, user: UserId, id: SessionId) -> Result<bool, StoreError>;

    /// Ends all sessions of a person but one. Returns how many. System only.
    async fn end_other_sessions(&mut self, user: UserId, but: SessionId) -> Result<u32, StoreError>;

    /// Ends a session. System only.
    async fn delete_session(&mut self, id: SessionId) -> Result<(), StoreError>;
}
