//! Claims of requests that may be sent again.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::key::PrincipalId;
use rusqlite::params;

use super::SqliteTx;
use super::row::{Columns, one, run, whole};
use crate::{Claim, ClaimId, ClaimState, Claims, Idempotency, KeptAnswer, NewClaim, StoreError};

/// Adds up within an index.
pub(super) const SUM: &str = "SELECT count(*), ifnull(sum(body_len), 0), min(expires_at)
                              FROM idempotency WHERE actor = ?1 AND expires_at > ?2 AND is_system()";

/// Follows an index to those whose time is over.
pub(super) const ENDED: &str = "DELETE FROM idempotency WHERE rowid IN
                                    (SELECT rowid FROM idempotency WHERE expires_at <= ?1
                                     ORDER BY expires_at LIMIT ?2) AND is_system()";

fn claim(columns: &mut Columns<'_, '_>) -> Result<Claim, StoreError> {
    Ok(Claim {
        id: ClaimId::from_bytes(columns.take()?),
        fingerprint: columns.take()?,
        started_at: columns.time()?,
        expires_at: columns.time()?,
        state: state(columns)?,
    })
}

fn state(columns: &mut Columns<'_, '_>) -> Result<ClaimState, StoreError> {
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

fn claims(columns: &mut Columns<'_, '_>) -> Result<Claims, StoreError> {
    // A count that does not fit is above every limit that somebody could compare it with.
    let count = columns.take::<i64>()?;
    Ok(Claims {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        body_len: columns.parse(|len: i64| u64::try_from(len).ok())?,
        first_ends_at: columns.time_or_null()?,
    })
}

#[async_trait]
impl Idempotency for SqliteTx {
    async fn claim(&mut self, actor: PrincipalId, name: &[u8; 32]) -> Result<Option<Claim>, StoreError> {
        let sql = "SELECT id, fingerprint, started_at, expires_at, state, status, etag, location, body
                   FROM idempotency WHERE actor = ?1 AND name = ?2 AND is_system()";
        one(self.system_read()?, "idempotency", sql, params![actor.to_string(), name], claim)
    }

    async fn start_claim(&mut self, claim: &NewClaim, replaced: Option<ClaimId>) -> Result<bool, StoreError> {
        let delete = "DELETE FROM idempotency WHERE id = ?1 AND is_system()";
        let insert = "INSERT INTO idempotency
                          (id, workspace_id, person_id, actor, name, fingerprint, state, started_at, expires_at,
                           body_len)
                      SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'started', ?7, ?8, 0 WHERE is_system()
                      ON CONFLICT (actor, name) DO NOTHING";
        whole(self.system_write()?, |connection| {
            if let Some(replaced) = replaced {
                run(connection, delete, [replaced.to_bytes()])?;
            }
            let params = params![
                claim.id.to_bytes(),
                claim.tenant.workspace.map(WorkspaceId::to_bytes),
                claim.tenant.person.map(UserId::to_bytes),
                claim.actor.to_string(),
                claim.name,
                claim.fingerprint,
                claim.started_at.as_microsecond(),
                claim.expires_at.as_microsecond(),
            ];
            Ok(run(connection, insert, params)? > 0)
        })
    }

    async fn claims(&mut self, actor: PrincipalId, now: Timestamp) -> Result<Claims, StoreError> {
        let none = Claims { count: 0, body_len: 0, first_ends_at: None };
        let params = params![actor.to_string(), now.as_microsecond()];
        Ok(one(self.system_read()?, "idempotency", SUM, params, claims)?.unwrap_or(none))
    }

    async fn forget_claims(&mut self, now: Timestamp, limit: u32) -> Result<(), StoreError> {
        run(self.system_write()?, ENDED, params![now.as_microsecond(), limit]).map(drop)
    }

    async fn mark_committed(&mut self, id: ClaimId) -> Result<bool, StoreError> {
        let sql = "UPDATE idempotency SET state = 'committed'
                   WHERE id = ?1 AND state IN ('started', 'committed')
                     AND (is_system() OR workspace_id = tenant_workspace() OR person_id = tenant_person())";
        Ok(run(self.write()?, sql, [id.to_bytes()])? > 0)
    }

    async fn keep_answer(&mut self, id: ClaimId, answer: &KeptAnswer) -> Result<bool, StoreError> {
        let sql = "UPDATE idempotency
                   SET state = 'answered', status = ?2, etag = ?3, location = ?4, body = ?5, body_len = ?6
                   WHERE id = ?1 AND state IN ('started', 'committed') AND is_system()";
        let KeptAnswer { status, etag, location, body } = answer;
        let body_len = body.as_ref().map_or(0, String::len);
        let body_len = i64::try_from(body_len).unwrap_or(i64::MAX);
        let params = params![id.to_bytes(), status, etag, location, body, body_len];
        Ok(run(self.system_write()?, sql, params)? > 0)
    }

    async fn release_claim(&mut self, id: ClaimId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency WHERE id = ?1 AND state = 'started' AND is_system()";
        run(self.system_write()?, sql, [id.to_bytes()]).map(drop)
    }

    async fn release_claims(&mut self) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency WHERE state = 'started' AND is_system()";
        run(self.system_write()?, sql, []).map(drop)
    }
}
