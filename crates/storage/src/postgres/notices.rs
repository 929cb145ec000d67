//! Notices of keys' ends.

use std::cmp::Reverse;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::key::Key;
use keyward_core::notice::{self, Notice};

use super::PostgresTx;
use super::key_row::{NEVER_ENDS, is_seen};
use super::link::{Link, whole};
use super::row::{holds, many, only_text, run, run_one};
use super::value::params;
use crate::{GivenNotice, Notices, StoreError};

const SCHEDULE: &str = "INSERT INTO notices_due (key_id, home_id, due_at)
                        SELECT k.id, k.home_id, $2 FROM keys k WHERE k.id = $1
                        ON CONFLICT (key_id) DO UPDATE SET due_at = excluded.due_at";

/// When somebody must look for the first notice of a key. `None`: there is none to come.
pub(super) fn first_due(key: &Key) -> Option<i64> {
    let first = key.expires_at.and_then(|end| notice::next_due(end, key.created_at));
    first.filter(|_| key.revoked.is_none()).map(Timestamp::as_microsecond)
}

/// Notes when that is.
pub(super) async fn schedule_first(link: &Link, key: &Key) -> Result<(), StoreError> {
    match first_due(key) {
        Some(due_at) => run_one(link, SCHEDULE, params![key.id, due_at]).await,
        None => Ok(()),
    }
}

/// Whether a key is to get another end than it has.
pub(super) async fn end_differs(link: &Link, key: &Key) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM keys WHERE id = $1 AND ends_at <> $2)";
    let ends_at = key.expires_at.map_or(NEVER_ENDS, Timestamp::as_microsecond);
    holds(link, sql, params![key.id, ends_at]).await
}

/// Forgets that a notice of a key is to come.
pub(super) async fn unschedule(link: &Link, key: KeyId) -> Result<(), StoreError> {
    run(link, "DELETE FROM notices_due WHERE key_id = $1", params![key]).await.map(drop)
}

#[async_trait]
impl Notices for PostgresTx {
    async fn due_notices(&mut self, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError> {
        let sql = "SELECT key_id FROM notices_due WHERE due_at <= $1 AND is_system()
                   ORDER BY due_at, key_id LIMIT $2";
        let params = params![now.as_microsecond(), limit];
        many(self.system_read()?, "notices_due", sql, params, only_text).await
    }

    async fn give_notice(&mut self, notice: &GivenNotice) -> Result<bool, StoreError> {
        let sql = "INSERT INTO notices (key_id, home_id, expires_at, days, given_at)
                   SELECT k.id, k.home_id, $2, $3, $4 FROM keys k WHERE k.id = $1 AND is_system()
                   ON CONFLICT DO NOTHING";
        let GivenNotice { key, expires_at, notice, given_at } = notice;
        let params = params![*key, expires_at.as_microsecond(), notice.days(), given_at.as_microsecond()];
        let link = self.system_write()?;
        Ok(whole(link, run(link, sql, params)).await? > 0)
    }

    async fn schedule_notice(&mut self, key: KeyId, due_at: Option<Timestamp>) -> Result<(), StoreError> {
        let link = self.system_write()?;
        match due_at {
            Some(due_at) => run(link, SCHEDULE, params![key, due_at.as_microsecond()]).await.map(drop),
            None => unschedule(link, key).await,
        }
    }

    async fn notices(&mut self, key: KeyId) -> Result<Vec<GivenNotice>, StoreError> {
        let sql = concat!(
            "SELECT n.expires_at, n.days, n.given_at FROM keys k JOIN notices n ON n.key_id = k.id
             WHERE k.id = $1 AND ",
            is_seen!()
        );
        let mut notices = many(self.read()?, "notices", sql, params![key], |columns| {
            Ok(GivenNotice {
                key,
                expires_at: columns.time()?,
                notice: columns.parse(Notice::from_days)?,
                given_at: columns.time()?,
            })
        })
        .await?;
        notices.sort_by_key(|given| (given.expires_at, Reverse(given.notice.days())));
        Ok(notices)
    }
}
