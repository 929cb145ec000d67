//! Notices of keys' ends.

use std::cmp::Reverse;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::key::Key;
use keyward_core::notice::{self, Notice};
use rusqlite::{Connection, params};

use super::SqliteTx;
use super::key_row::{NEVER_ENDS, is_seen};
use super::row::{count, many, run};
use crate::{GivenNotice, Notices, StoreError};

/// Notes when the first notice of a new key is to come.
pub(super) fn schedule_first(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let first = key.expires_at.and_then(|end| notice::next_due(end, key.created_at));
    match first.filter(|_| key.revoked.is_none()) {
        Some(due_at) => schedule(connection, key.id, due_at),
        None => Ok(()),
    }
}

/// Whether a key is to get another end than it has.
pub(super) fn end_differs(connection: &Connection, key: &Key) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM keys WHERE id = ?1 AND ends_at <> ?2";
    let ends_at = key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond);
    Ok(count(connection, sql, params![key.id.to_bytes(), ends_at])? > 0)
}

/// Forgets that a notice of a key is to come.
pub(super) fn unschedule(connection: &Connection, key: KeyId) -> Result<(), StoreError> {
    run(connection, "DELETE FROM notices_due WHERE key_id = ?1", [key.to_bytes()]).map(drop)
}

fn schedule(connection: &Connection, key: KeyId, due_at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO notices_due (key_id, due_at) VALUES (?1, ?2)
               ON CONFLICT (key_id) DO UPDATE SET due_at = excluded.due_at";
    run(connection, sql, params![key.to_bytes(), due_at.as_microsecond()]).map(drop)
}

#[async_trait]
impl Notices for SqliteTx {
    async fn due_notices(&mut self, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError> {
        let sql = "SELECT key_id FROM notices_due WHERE due_at <= ?1 AND is_system()
                   ORDER BY due_at, key_id LIMIT ?2";
        many(self.system_read()?, "notices_due", sql, params![now.as_microsecond(), limit], |columns| {
            Ok(KeyId::from_bytes(columns.take()?))
        })
    }

    async fn give_notice(&mut self, notice: &GivenNotice) -> Result<bool, StoreError> {
        let sql = "INSERT INTO notices (key_id, expires_at, days, given_at)
                   SELECT ?1, ?2, ?3, ?4 WHERE is_system()
                   ON CONFLICT DO NOTHING";
        let GivenNotice { key, expires_at, notice, given_at } = notice;
        let params =
            params![key.to_bytes(), expires_at.as_microsecond(), notice.days(), given_at.as_microsecond()];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn schedule_notice(&mut self, key: KeyId, due_at: Option<Timestamp>) -> Result<(), StoreError> {
        let connection = self.system_write()?;
        match due_at {
            Some(due_at) => schedule(connection, key, due_at),
            None => unschedule(connection, key),
        }
    }

    async fn notices(&mut self, key: KeyId) -> Result<Vec<GivenNotice>, StoreError> {
        let sql = concat!(
            "SELECT n.expires_at, n.days, n.given_at FROM keys k CROSS JOIN notices n ON n.key_id = k.id
             WHERE k.id = ?1 AND ",
            is_seen!()
        );
        let mut notices = many(self.read()?, "notices", sql, [key.to_bytes()], |columns| {
            Ok(GivenNotice {
                key,
                expires_at: columns.time()?,
                notice: columns.parse(Notice::from_days)?,
                given_at: columns.time()?,
            })
        })?;
        notices.sort_by_key(|given| (given.expires_at, Reverse(given.notice.days())));
        Ok(notices)
    }
}
