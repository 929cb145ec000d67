//! Claims of requests that may be sent again.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::key::PrincipalId;

use super::PostgresTx;
use super::link::whole;
use super::row::{Columns, one, run};
use super::value::params;
use crate::{Claim, ClaimId, ClaimState, Claims, Idempotency, KeptAnswer, NewClaim, StoreError};

fn claim(columns: &mut Columns<'_>) -> Result<Claim, StoreError> {
    Ok(Claim {
        id: ClaimId::from_bytes(columns.take()?),
        fingerprint: columns.take()?,
        started_at: columns.time()?,
        expires_at: columns.time()?,
        state: state(columns)?,
    })
}

fn state(columns: &mut Columns<'_>) -> Result<ClaimState, StoreError> {
    match columns.take::<String>()?.as_str() {
        "started" => Ok(ClaimState::Started),
        "committed" => Ok(ClaimState::Committed),
        "answered" => Ok(ClaimState::Answered(KeptAnswer {
            status: columns.take()?,
            etag: columns.take()?,
            location: columns.take()?,
            body: columns.take()?,
        })),
        _ => Err(columns.corrupt("holds what is none of its values")),
    }
}

fn claims(columns: &mut Columns<'_>) -> Result<Claims, StoreError> {
    // A count that does not fit is above every limit that somebody could compare it with.
    let count = columns.take::<i64>()?;
    Ok(Claims {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        body_len: columns.parse(|len: i64| u64::try_from(len).ok())?,
        first_ends_at: columns.time_or_null()?,
    })
}

#[async_trait]
impl Idempotency for PostgresTx {
    async fn claim(&mut self, actor: PrincipalId, name: &[u8; 32]) -> Result<Option<Claim>, StoreError> {
        let sql = "SELECT id, fingerprint, started_at, expires_at, state, status, etag, location, body
                   FROM idempotency WHERE actor = $1 AND name = $2 AND is_system()";
        one(self.system_read()?, "idempotency", sql, params![actor.to_string(), *name], claim).await
    }

    async fn start_claim(&mut self, claim: &NewClaim, replaced: Option<ClaimId>) -> Result<bool, StoreError> {
        let delete = "DELETE FROM idempotency WHERE id = $1 AND is_system()";
        let insert = "INSERT INTO idempotency
                          (id, workspace_id, person_id, actor, name, fingerprint, state, started_at, expires_at,
                           body_len)
                      SELECT $1, $2, $3, $4, $5, $6, 'started', $7, $8, 0 WHERE is_system()
                      ON CONFLICT (actor, name) DO NOTHING";
        let link = self.system_write()?;
        whole(link, async {
            if let Some(replaced) = replaced {
                run(link, delete, params![replaced.to_bytes()]).await?;
            }
            let params = params![
                claim.id.to_bytes(),
                claim.tenant.workspace,
                claim.tenant.person,
                claim.actor.to_string(),
                claim.name,
                claim.fingerprint,
                claim.started_at.as_microsecond(),
                claim.expires_at.as_microsecond(),
            ];
            Ok(run(link, insert, params).await? > 0)
        })
        .await
    }

    async fn claims(&mut self, actor: PrincipalId, now: Timestamp) -> Result<Claims, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(body_len), 0)::bigint, min(expires_at)
                   FROM idempotency WHERE actor = $1 AND expires_at > $2 AND is_system()";
        let none = Claims { count: 0, body_len: 0, first_ends_at: None };
        let params = params![actor.to_string(), now.as_microsecond()];
        Ok(one(self.system_read()?, "idempotency", sql, params, claims).await?.unwrap_or(none))
    }

    async fn forget_claims(&mut self, now: Timestamp, limit: u32) -> Result<(), StoreError> {
        // Those that somebody else is at are passed over: nobody waits for a claim whose time is over.
        let sql = "DELETE FROM idempotency WHERE is_system() AND id = ANY(ARRAY(
                       SELECT id FROM idempotency WHERE expires_at <= $1
                       ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
        run(self.system_write()?, sql, params![now.as_microsecond(), limit]).await.map(drop)
    }

    async fn mark_committed(&mut self, id: ClaimId) -> Result<bool, StoreError> {
        let sql = "UPDATE idempotency SET state = 'committed'
                   WHERE id = $1 AND state IN ('started', 'committed')
                     AND (is_system() OR workspace_id = tenant_workspace() OR person_id = tenant_person())";
        Ok(run(self.write()?, sql, params![id.to_bytes()]).await? > 0)
    }

    async fn keep_answer(&mut self, id: ClaimId, answer: &KeptAnswer) -> Result<bool, StoreError> {
        let sql = "UPDATE idempotency
                   SET state = 'answered', status = $2, etag = $3, location = $4, body = $5, body_len = $6
                   WHERE id = $1 AND state IN ('started', 'committed') AND is_system()";
        let KeptAnswer { status, etag, location, body } = answer;
        let body_len = body.as_ref().map_or(0, String::len);
        let body_len = i64::try_from(body_len).unwrap_or(i64::MAX);
        let params =
            params![id.to_bytes(), *status, etag.as_deref(), location.as_deref(), body.as_deref(), body_len];
        let link = self.system_write()?;
        Ok(whole(link, run(link, sql, params)).await? > 0)
    }

    async fn release_claim(&mut self, id: ClaimId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency WHERE id = $1 AND state = 'started' AND is_system()";
        run(self.system_write()?, sql, params![id.to_bytes()]).await.map(drop)
    }

    async fn release_claims(&mut self) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency WHERE state = 'started' AND is_system()";
        run(self.system_write()?, sql, params![]).await.map(drop)
    }
}
