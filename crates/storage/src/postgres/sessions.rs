//! Sessions.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::SessionId;
use keyward_core::person::Person;
use keyward_core::secret::SecretDigest;

use super::PostgresTx;
use super::link::whole;
use super::people::{person, person_columns};
use super::row::{Columns, one, run, run_one};
use super::value::params;
use crate::{Session, Sessions, StoreError};

fn session(columns: &mut Columns<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: columns.text()?,
        user: columns.text()?,
        token: SecretDigest::from_bytes(columns.take()?),
        created_at: columns.time()?,
        expires_at: columns.time()?,
        ip: columns.ip_or_null()?,
        user_agent: columns.take()?,
    })
}

#[async_trait]
impl Sessions for PostgresTx {
    async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let link = self.system_write()?;
        // Those that somebody else is just deleting are passed over.
        let ended = "DELETE FROM sessions WHERE is_system() AND id IN
                         (SELECT id FROM sessions WHERE user_id = $1 AND expires_at <= $2 FOR UPDATE SKIP LOCKED)";
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
            "SELECT s.id, s.user_id, s.token, s.created_at, s.expires_at, s.ip, s.user_agent, ",
            person_columns!(),
            " FROM sessions s JOIN users p ON p.id = s.user_id
              WHERE s.token = $1 AND s.expires_at > $2 AND p.deleted_at IS NULL AND is_system()"
        );
        let params = params![*token.as_bytes(), now.as_microsecond()];
        one(self.system_read()?, "sessions", sql, params, |columns| Ok((session(columns)?, person(columns)?)))
            .await
    }

    async fn delete_session(&mut self, id: SessionId) -> Result<(), StoreError> {
        // One that is gone already has ended as well.
        let sql = "DELETE FROM sessions WHERE id = $1 AND is_system()";
        run(self.system_write()?, sql, params![id]).await.map(drop)
    }
}
