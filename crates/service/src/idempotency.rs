//! A request that may be sent again: `Idempotency-Key`. What was asked under a key is carried out once; who asks again
//! gets the first answer, without its secret.
//!
//! A request first takes a claim, in a transaction of its own. Its operation marks the claim as committed in the very
//! transaction in which it writes its audit entry (`audit.rs`), so that both are there or neither, whenever the process
//! ends. Then the answer is kept. A claim under which nothing was committed can be taken over; it then has another
//! identifier, and whoever had it before cannot commit any more.

use jiff::{SignedDuration, Timestamp};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::key::PrincipalId;
use keyward_core::secret::{Encoding, SecretFormat};
use keyward_storage::{Claim, ClaimState, NewClaim, Store, StoreError, SystemReason, Tx};
use sha2::{Digest as _, Sha256};

pub use keyward_storage::{ClaimId, KeptAnswer};

use crate::access::{self, Mode};
use crate::ctx::{Caller, Ctx};
use crate::refusal::Refusal;
use crate::{Service, entropy, invite_member, set_up, sign_in};

/// The header, as complaints name it.
pub const HEADER: &str = "Idempotency-Key";
/// How long an answer is given again: whoever still tries has failed by then.
const LIFE: SignedDuration = SignedDuration::from_hours(24);
/// After this nobody is still at work on a request: longer than all that one may wait for together. Whoever is at work
/// all the same cannot commit once another has taken over.
const IN_FLIGHT_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Most claims of one actor that are remembered: seven a minute, all day. Adding them up walks them.
const CLAIMS_MAX: u32 = 10_000;
/// Most bytes of answers that are kept for one actor: an answer of some 6 KiB to each claim.
const KEPT_LEN_MAX: u64 = 64 * 1024 * 1024;
/// Longest answer that is kept: that to a bulk revocation of 1,000 keys, none of which is there, is a third of it.
const ANSWER_LEN_MAX: usize = 1024 * 1024;
/// Claims whose time is over that go with each new one: several, so that they become fewer; few, since the longest
/// answers take a while to be wiped and others wait for the writer.
const FORGOTTEN_AT_ONCE: u32 = 8;

/// What is asked under a key.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The client's key.
    pub key: &'a str,
    /// The method.
    pub method: &'a str,
    /// The address without its query.
    pub path: &'a str,
    /// The query.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Asked<'_> {
    /// What the claim is known by: the key, the route, and with what somebody asks. Keys that act as one may hold
    /// different rights, and a person's key fewer than the person: none is answered what another was.
    fn name(&self, credential: &str) -> [u8; 32] {
        digest(&[self.method.as_bytes(), self.path.as_bytes(), self.key.as_bytes(), credential.as_bytes()])
    }

    /// All that was asked. The key is part of it: a key that cannot be guessed keeps a short body from being guessed
    /// from its digest.
    fn fingerprint(&self) -> [u8; 32] {
        let Self { key, method, path, query, body } = self;
        digest(&[key.as_bytes(), method.as_bytes(), path.as_bytes(), query.as_bytes(), body])
    }
}

/// With what somebody asks: a key, or themselves.
fn credential(ctx: &Ctx) -> String {
    ctx.key().map_or_else(|| "in person".to_owned(), |key| key.id.to_string())
}

/// SHA-256 of several parts, each with its length before it, so that no two lists of parts are the same bytes.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// Nobody has asked this before: carry it out under this claim.
    First(ClaimId),
    /// It was asked before, and this was the answer.
    Again(KeptAnswer),
}

/// Claims what is asked, for the actor who asks.
pub async fn claim(service: &Service, ctx: &Ctx, asked: &Asked<'_>) -> Result<Claimed, Refusal> {
    // Read anew: reading the body took a while.
    let now = service.clock.now();
    let claim = NewClaim {
        id: ClaimId::from_bytes(entropy::bytes()?),
        actor: ctx.principal()?.id,
        tenant: ctx.tenant(),
        name: asked.name(&credential(ctx)),
        fingerprint: asked.fingerprint(),
        started_at: now,
        expires_at: now + LIFE,
    };
    take(service.store.as_ref(), &claim).await
}

async fn take(store: &dyn Store, claim: &NewClaim) -> Result<Claimed, Refusal> {
    let now = claim.started_at;
    let mut tx = store.begin_system(SystemReason::Repeat).await?;
    tx.forget_claims(now, FORGOTTEN_AT_ONCE).await?;
    let found = tx.claim(claim.actor, &claim.name).await?;
    let replaced = match found.map(|found| stand(found, &claim.fingerprint, now)).transpose()? {
        Some(Standing::Answered(answer)) => {
            tx.commit().await?;
            return Ok(Claimed::Again(answer));
        }
        Some(Standing::Abandoned(id)) => Some(id),
        Some(Standing::Over(id)) => {
            check_room(tx.as_mut(), claim.actor, now).await?;
            Some(id)
        }
        None => {
            check_room(tx.as_mut(), claim.actor, now).await?;
            None
        }
    };
    if !tx.start_claim(claim, replaced).await? {
        return Err(in_flight());
    }
    tx.commit().await?;
    Ok(Claimed::First(claim.id))
}

/// What a claim that was found means for whoever asks now.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// The same was asked and answered.
    Answered(KeptAnswer),
    /// The same was asked, nothing was written, and nobody is at work on it any more.
    Abandoned(ClaimId),
    /// Its time is over.
    Over(ClaimId),
}

fn stand(claim: Claim, fingerprint: &[u8; 32], now: Timestamp) -> Result<Standing, Refusal> {
    if claim.expires_at <= now {
        return Ok(Standing::Over(claim.id));
    }
    if claim.fingerprint != *fingerprint {
        let message = "this key came with another request before; send that one again, or choose a new key";
        return Err(FieldError::new(HEADER, FieldCode::Contradiction, message).into());
    }
    let is_recent = now.duration_since(claim.started_at) < IN_FLIGHT_MAX;
    match claim.state {
        ClaimState::Answered(answer) => Ok(Standing::Answered(answer)),
        ClaimState::Started | ClaimState::Committed if is_recent => Err(in_flight()),
        ClaimState::Started => Ok(Standing::Abandoned(claim.id)),
        ClaimState::Committed => Err(Refusal::Conflict(
            "the first request with this Idempotency-Key was carried out, but its answer is lost; look at the result with GET, and choose a new key for a new request".to_owned(),
        )),
    }
}

fn in_flight() -> Refusal {
    Refusal::Conflict(
        "the first request with this Idempotency-Key is not answered yet; send it again in a while"
            .to_owned(),
    )
}

async fn check_room(tx: &mut dyn Tx, actor: PrincipalId, now: Timestamp) -> Result<(), Refusal> {
    let claims = tx.claims(actor, now).await?;
    if claims.count < CLAIMS_MAX && claims.body_len < KEPT_LEN_MAX {
        return Ok(());
    }
    let until = claims.first_ends_at.map_or(LIFE, |end| end.duration_since(now));
    Err(Refusal::TooMany {
        message: format!(
            "{} requests with an Idempotency-Key are remembered for you, which is all that may be; wait until the first of them is 24 hours old, or send this one without a key",
            claims.count
        ),
        retry_after_seconds: u64::try_from(until.as_secs()).unwrap_or(0).max(1),
    })
}

/// Whether the workspace that an answer is of is still in the reach of whoever is given it again. What they may do there
/// is not asked: they have seen this answer.
pub async fn check_reach(service: &Service, ctx: &Ctx, slug: &str) -> Result<(), Refusal> {
    match ctx.caller {
        Caller::Operator => Ok(()),
        Caller::Nobody | Caller::Session { .. } | Caller::Key { .. } => {
            access::enter(service, ctx, slug, Mode::Read).await.map(drop)
        }
    }
}

/// Keeps the answer to what was claimed. One that is too long, or that holds what looks like a secret whatever its
/// handler said of it, is not kept: then whoever asks again learns that it was carried out, and no more.
pub async fn keep(service: &Service, claim: ClaimId, answer: &KeptAnswer) -> Result<(), Refusal> {
    let body = answer.body.as_deref().unwrap_or_default();
    if body.len() > ANSWER_LEN_MAX || holds_secret(&service.profile.keys.format, body) {
        tracing::warn!(
            "an answer is too long or looks as if it held a secret; it is not kept for its repetition"
        );
        return release(service, claim).await;
    }
    let mut tx = service.store.begin_system(SystemReason::Repeat).await?;
    // Whoever has taken the claim over keeps an answer of their own.
    tx.keep_answer(claim, answer).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a key's secret or a token of Keyward's own stands anywhere in a text.
fn holds_secret(format: &SecretFormat, text: &str) -> bool {
    let tokens = [invite_member::TOKEN_PREFIX, set_up::TOKEN_PREFIX, sign_in::TOKEN_PREFIX];
    let is_in = |prefix: &&str| {
        // A prefix that is no prefix any more would have been looked for in vain: fail closed.
        SecretFormat::new(prefix, Encoding::Base62).map_or(true, |format| format.is_in(text))
    };
    format.is_in(text) || tokens.iter().any(is_in)
}

/// Gives a claim back under which nothing was written, so that the same key may be used again. One that is committed
/// stays.
pub async fn release(service: &Service, claim: ClaimId) -> Result<(), Refusal> {
    let mut tx = service.store.begin_system(SystemReason::Repeat).await?;
    tx.release_claim(claim).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives all claims back that a process which has ended had begun: nobody waits for them, and nothing was written
/// under them. Only for a process that is alone with the store, before it answers anything.
pub async fn release_abandoned(store: &dyn Store) -> Result<(), StoreError> {
    let mut tx = store.begin_system(SystemReason::Repeat).await?;
    tx.release_claims().await?;
    tx.commit().await?;
    Ok(())
}

/// Marks the caller's claim as committed, in the transaction in which they write. Nobody commits under a claim that
/// another has taken over.
pub(crate) async fn commit(ctx: &Ctx, tx: &mut dyn Tx) -> Result<(), Refusal> {
    let Some(claim) = ctx.claim else { return Ok(()) };
    if tx.mark_committed(claim).await? {
        return Ok(());
    }
    let message = "this request took so long that another with the same Idempotency-Key was begun in its place; send it again";
    Err(Refusal::Conflict(message.to_owned()))
}

#[cfg(test)]
mod tests;
