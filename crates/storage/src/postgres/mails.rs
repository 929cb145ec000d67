//! Mails on their way.

use std::cmp::Reverse;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, MailId};
use keyward_core::notice::Notice;

use super::PostgresTx;
use super::key_row::is_seen;
use super::link::whole;
use super::row::{Columns, holds, many, run};
use super::value::params;
use crate::{ClaimedMail, Mail, MailEnd, MailState, Mails, NewMail, SendClaim, StoreError};

fn claimed(columns: &mut Columns<'_>) -> Result<ClaimedMail, StoreError> {
    Ok(ClaimedMail {
        id: columns.text()?,
        key: columns.text()?,
        notice: columns.parse(Notice::from_days)?,
        expires_at: columns.time()?,
        given_at: columns.time()?,
        to: columns.text()?,
        attempts: columns.take()?,
    })
}

fn mail(columns: &mut Columns<'_>) -> Result<Mail, StoreError> {
    Ok(Mail {
        notice: columns.parse(Notice::from_days)?,
        expires_at: columns.time()?,
        to: columns.text()?,
        state: columns.parse(|text: String| MailState::parse(&text))?,
        attempts: columns.take()?,
        error: columns.take()?,
        ended_at: columns.time_or_null()?,
    })
}

#[async_trait]
impl Mails for PostgresTx {
    async fn insert_mail(&mut self, mail: &NewMail) -> Result<bool, StoreError> {
        let sql =
            "INSERT INTO mails (id, key_id, home_id, expires_at, days, user_id, state, attempts, due_at)
                   SELECT $1, k.id, k.home_id, $3, $4, $5, 'waiting', 0, $6 FROM keys k
                   WHERE k.id = $2 AND is_system()
                   ON CONFLICT (key_id, expires_at, days, user_id) DO NOTHING";
        let NewMail { id, key, expires_at, notice, to, due_at } = mail;
        let params =
            params![*id, *key, expires_at.as_microsecond(), notice.days(), *to, due_at.as_microsecond(),];
        let link = self.system_write()?;
        Ok(whole(link, run(link, sql, params)).await? > 0)
    }

    async fn has_mail_due(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM mails WHERE due_at <= $1 AND is_system())";
        holds(self.system_read()?, sql, params![now.as_microsecond()]).await
    }

    async fn claim_mails(
        &mut self,
        claim: &SendClaim,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        // Those that another server is just taking are passed over.
        let take = "WITH due AS (SELECT id FROM mails WHERE due_at <= $1 AND is_system()
                                 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),
                         taken AS (UPDATE mails m SET claim = $3, due_at = $4, attempts = attempts + 1
                                   FROM due WHERE m.id = due.id
                                   RETURNING m.id, m.key_id, m.days, m.expires_at, m.user_id, m.attempts)
                    SELECT t.id, t.key_id, t.days, t.expires_at, n.given_at, t.user_id, t.attempts
                    FROM taken t JOIN notices n
                        ON n.key_id = t.key_id AND n.expires_at = t.expires_at AND n.days = t.days
                    ORDER BY t.id";
        let params = params![now.as_microsecond(), limit, claim.sender, claim.until.as_microsecond()];
        many(self.system_write()?, "mails", take, params, claimed).await
    }

    async fn end_mail(&mut self, id: MailId, claim: &SendClaim, end: &MailEnd) -> Result<bool, StoreError> {
        let sql = "UPDATE mails SET state = $4, ended_at = $5, error = $6, due_at = NULL, claim = NULL
                   WHERE id = $1 AND claim = $2 AND due_at = $3 AND is_system()";
        let params = params![
            id,
            claim.sender,
            claim.until.as_microsecond(),
            end.state.as_str(),
            end.at.as_microsecond(),
            end.error.as_deref(),
        ];
        Ok(run(self.system_write()?, sql, params).await? > 0)
    }

    async fn retry_mail(
        &mut self,
        id: MailId,
        claim: &SendClaim,
        due_at: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE mails SET due_at = $4, error = $5, claim = NULL
                   WHERE id = $1 AND claim = $2 AND due_at = $3 AND is_system()";
        let params = params![id, claim.sender, claim.until.as_microsecond(), due_at.as_microsecond(), error,];
        Ok(run(self.system_write()?, sql, params).await? > 0)
    }

    async fn release_mails(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE mails SET due_at = $1, claim = NULL WHERE claim IS NOT NULL AND is_system()";
        run(self.system_write()?, sql, params![now.as_microsecond()]).await.map(drop)
    }

    async fn forget_mails(&mut self, ended_before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let sql = "DELETE FROM mails WHERE id IN
                       (SELECT id FROM mails WHERE ended_at < $1 ORDER BY ended_at LIMIT $2) AND is_system()";
        let forgotten = run(self.system_write()?, sql, params![ended_before.as_microsecond(), limit]).await?;
        Ok(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    async fn mails_of(&mut self, key: KeyId) -> Result<Vec<Mail>, StoreError> {
        let sql = concat!(
            "SELECT m.days, m.expires_at, m.user_id, m.state, m.attempts, m.error, m.ended_at
             FROM keys k JOIN mails m ON m.key_id = k.id
             WHERE k.id = $1 AND ",
            is_seen!()
        );
        let mut mails = many(self.read()?, "mails", sql, params![key], mail).await?;
        mails.sort_by_key(|mail| (mail.expires_at, Reverse(mail.notice.days()), mail.to));
        Ok(mails)
    }
}
