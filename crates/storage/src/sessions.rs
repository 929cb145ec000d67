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
}

/// What a transaction can do with sessions.
#[async_trait]
pub trait Sessions {
    /// Keeps a new session, and forgets the person's sessions that have ended by then. System only.
    async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError>;

    /// The session of a token, if it has not ended, and whose it is. System only.
    async fn session(
        &mut self,
        token: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<(Session, Person)>, StoreError>;

    /// Ends a session. System only.
    async fn delete_session(&mut self, id: SessionId) -> Result<(), StoreError>;
}
