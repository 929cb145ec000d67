//! Mails on their way.

use std::cmp::Reverse;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, MailId, UserId};
use keyward_core::notice::Notice;
use rusqlite::params;

use super::SqliteTx;
use super::key_row::is_seen;
use super::row::{Columns, count, many, one, run};
use crate::{ClaimedMail, Mail, MailEnd, MailState, Mails, NewMail, SendClaim, StoreError};

fn claimed(columns: &mut Columns<'_, '_>) -> Result<ClaimedMail, StoreError> {
    Ok(ClaimedMail {
        id: MailId::from_bytes(columns.take()?),
        key: KeyId::from_bytes(columns.take()?),
        notice: columns.parse(Notice::from_days)?,
        expires_at: columns.time()?,
        given_at: columns.time()?,
        to: UserId::from_bytes(columns.take()?),
        attempts: columns.take()?,
    })
}

fn mail(columns: &mut Columns<'_, '_>) -> Result<Mail, StoreError> {
    Ok(Mail {
        notice: columns.parse(Notice::from_days)?,
        expires_at: columns.time()?,
        to: UserId::from_bytes(columns.take()?),
        state: columns.parse(|text: String| MailState::parse(&text))?,
        attempts: columns.take()?,
        error: columns.take()?,
        ended_at: columns.time_or_null()?,
    })
}

#[async_trait]
impl Mails for SqliteTx {
    async fn insert_mail(&mut self, mail: &NewMail) -> Result<bool, StoreError> {
        let sql = "INSERT INTO mails (id, key_id, expires_at, days, user_id, state, attempts, due_at)
                   SELECT ?1, ?2, ?3, ?4, ?5, 'waiting', 0, ?6 WHERE is_system()
                   ON CONFLICT (key_id, expires_at, days, user_id) DO NOTHING";
        let NewMail { id, key, expires_at, notice, to, due_at } = mail;
        let params = params![
            id.to_bytes(),
            key.to_bytes(),
            expires_at.as_microsecond(),
            notice.days(),
            to.to_bytes(),
            due_at.as_microsecond(),
        ];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn has_mail_due(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM mails WHERE due_at <= ?1 AND is_system())";
        Ok(count(self.system_read()?, sql, [now.as_microsecond()])? > 0)
    }

    async fn claim_mails(
        &mut self,
        claim: &SendClaim,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        let due = "SELECT id FROM mails WHERE due_at <= ?1 AND is_system() ORDER BY due_at, id LIMIT ?2";
        let take = "UPDATE mails SET claim = ?2, due_at = ?3, attempts = attempts + 1
                    WHERE id = ?1 AND is_system()";
        let read = "SELECT m.id, m.key_id, m.days, m.expires_at, n.given_at, m.user_id, m.attempts
                    FROM mails m CROSS JOIN notices n
                        ON n.key_id = m.key_id AND n.expires_at = m.expires_at AND n.days = m.days
                    WHERE m.id = ?1 AND is_system()";
        let connection = self.system_write()?;
        let ids = many(connection, "mails", due, params![now.as_microsecond(), limit], |columns| {
            columns.take::<[u8; 16]>()
        })?;
        let mut mails = Vec::with_capacity(ids.len());
        for id in ids {
            run(connection, take, params![id, claim.sender, claim.until.as_microsecond()])?;
            mails.extend(one(connection, "mails", read, [id], claimed)?);
        }
        Ok(mails)
    }

    async fn end_mail(&mut self, id: MailId, claim: &SendClaim, end: &MailEnd) -> Result<bool, StoreError> {
        let sql = "UPDATE mails SET state = ?4, ended_at = ?5, error = ?6, due_at = NULL, claim = NULL
                   WHERE id = ?1 AND claim = ?2 AND due_at = ?3 AND is_system()";
        let params = params![
            id.to_bytes(),
            claim.sender,
            claim.until.as_microsecond(),
            end.state.as_str(),
            end.at.as_microsecond(),
            end.error,
        ];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn retry_mail(
        &mut self,
        id: MailId,
        claim: &SendClaim,
        due_at: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE mails SET due_at = ?4, error = ?5, claim = NULL
                   WHERE id = ?1 AND claim = ?2 AND due_at = ?3 AND is_system()";
        let params = params![
            id.to_bytes(),
            claim.sender,
            claim.until.as_microsecond(),
            due_at.as_microsecond(),
            error,
        ];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn release_mails(&mut self, now: Timestamp) -> Result<(), StoreError> {
        // Every claim is at least this, and so found by its index.
        let sql = "UPDATE mails SET due_at = ?1, claim = NULL WHERE claim >= zeroblob(16) AND is_system()";
        run(self.system_write()?, sql, [now.as_microsecond()]).map(drop)
    }

    async fn forget_mails(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let sql = "DELETE FROM mails WHERE id IN
                       (SELECT id FROM mails WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2) AND is_system()";
        let forgotten = run(self.system_write()?, sql, params![ended_before.as_microsecond(), limit])?;
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    async fn mails_of(&mut self, key: KeyId) -> Result<Vec<Mail>, StoreError> {
        let sql = concat!(
            "SELECT m.days, m.expires_at, m.user_id, m.state, m.attempts, m.error, m.ended_at
             FROM keys k CROSS JOIN mails m ON m.key_id = k.id
             WHERE k.id = ?1 AND ",
            is_seen!()
        );
        let mut mails = many(self.read()?, "mails", sql, [key.to_bytes()], mail)?;
        mails.sort_by_key(|mail| (mail.expires_at, Reverse(mail.notice.days()), mail.to));
        Ok(mails)
    }
}
