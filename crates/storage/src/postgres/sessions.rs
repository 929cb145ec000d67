//! Sessions.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{SessionId, UserId};
use keyward_core::person::Person;
use keyward_core::secret::SecretDigest;

use super::PostgresTx;
use super::link::whole;
use super::people::{person, person_columns};
use super::row::{Columns, many, one, run, run_one};
use super::value::params;
use crate::{SESSIONS_MAX, Session, Sessions, StoreError};

fn session(columns: &mut Columns<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: columns.text()?,
        user: columns.text()?,
        token: SecretDigest::from_bytes(columns.take()?),
        created_at: columns.time()?,
        expires_at: columns.time()?,
        ip: columns.ip_or_null()?,
        user_agent: columns.take()?,
        last_used_at: columns.time_or_null()?,
    })
}

#[async_trait]
impl Sessions for PostgresTx {
    async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let link = self.system_write()?;
        // Those that somebody else is just deleting are passed over.
        let ended = "DELETE FROM sessions WHERE is_system() AND id = ANY(ARRAY(
                         SELECT id FROM sessions WHERE user_id = $1 AND expires_at <= $2 FOR UPDATE SKIP LOCKED))";
        let unused = "DELETE FROM sessions WHERE is_system() AND id = ANY(ARRAY(
                          SELECT id FROM sessions WHERE user_id = $1 ORDER BY coalesce(last_used_at, created_at) DESC, id DESC OFFSET $2))";
        let sql = "INSERT INTO sessions (id, user_id, token, created_at, expires_at, ip, user_agent)
                   SELECT $1, $2, $3, $4, $5, $6, $7 WHERE is_system()";
        let params = params![
            session.id,
            session.user,
            *session.token.as_bytes(),
            session.created_at.as_microsecond(),
            session.expires_at.as_microsecond(),
            session.ip.map(|ip| ip.to_string()),
            session.user_agent.as_deref(),
        ];
        whole(link, async {
            run(link, ended, params![session.user, session.created_at.as_microsecond()]).await?;
            run(link, unused, params![session.user, SESSIONS_MAX - 1]).await?;
            run_one(link, sql, params).await
        })
        .await
    }

    async fn session(
        &mut self,
        token: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<(Session, Person)>, StoreError> {
        let sql = concat!(
            "SELECT s.id, s.user_id, s.token, s.created_at, s.expires_at, s.ip, s.user_agent, s.last_used_at, ",
            person_columns!(),
            " FROM sessions s JOIN users p ON p.id = s.user_id
              WHERE s.token = $1 AND s.expires_at > $2 AND p.deleted_at IS NULL AND is_system()"
        );
        let params = params![*token.as_bytes(), now.as_microsecond()];
        one(self.system_read()?, "sessions", sql, params, |columns| Ok((session(columns)?, person(columns)?)))
            .await
    }

    async fn sessions(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT id, user_id, token, created_at, expires_at, ip, user_agent, last_used_at FROM sessions
                   WHERE user_id = $1 AND expires_at > $2 AND is_system() ORDER BY expires_at DESC, id DESC LIMIT $3";
        let params = params![user, now.as_microsecond(), SESSIONS_MAX];
        many(self.system_read()?, "sessions", sql, params, session).await
    }

    async fn touch_session(&mut self, id: SessionId, at: Timestamp) -> Result<(), StoreError> {
        // One that has ended meanwhile is not used any more.
        let sql = "UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND is_system()";
        run(self.system_write()?, sql, params![id, at.as_microsecond()]).await.map(drop)
    }

    async fn end_session(&mut self, user: UserId, id: SessionId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sessions WHERE id = $1 AND user_id = $2 AND is_system()";
        Ok(run(self.system_write()?, sql, params![id, user]).await? > 0)
    }

    async fn end_other_sessions(&mut self, user: UserId, but: SessionId) -> Result<u32, StoreError> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2 AND is_system()";
        let ended = run(self.system_write()?, sql, params![user, but]).await?;
        Ok(u32::try_from(ended).unwrap_or(u32::MAX))
    }

    async fn delete_session(&mut self, id: SessionId) -> Result<(), StoreError> {
        // One that is gone already has ended as well.
        let sql = "DELETE FROM sessions WHERE id = $1 AND is_system()";
        run(self.system_write()?, sql, params![id]).await.map(drop)
    }
}
