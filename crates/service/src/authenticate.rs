//! Find out who is asking: by a key, by a session, or nobody. A key that is there and bad is refused; it
//! never falls back to a session (CVE-3).

use std::net::IpAddr;

use jiff::Timestamp;
use keyward_core::decision::check_alive;
use keyward_core::key::{Belongs, Key};
use keyward_core::person::Person;
use keyward_core::secret::{PresentedSecret, SecretDigest};
use keyward_storage::{SystemReason, Tx};

use crate::Service;
use crate::access::check_key_network;
use crate::ctx::{Caller, Ctx, Request};
use crate::refusal::Refusal;

/// What a request brings to say who is asking.
#[derive(Clone, Copy, Default)]
pub struct Presented<'a> {
    /// A key, from `Authorization` or `X-API-Key`.
    pub key: Option<&'a str>,
    /// A session's token, from the cookie.
    pub session: Option<&'a str>,
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented")
            .field("key", &self.key.is_some())
            .field("session", &self.session.is_some())
            .finish()
    }
}

/// Finds out who is asking. A session that has ended is nobody, so that signing in again works.
pub async fn authenticate(
    service: &Service,
    presented: Presented<'_>,
    request: Request,
) -> Result<Ctx, Refusal> {
    let now = service.clock.now();
    let caller = find_caller(service, presented, request.ip, now).await?;
    if let (Some(text), Caller::Key { .. }) = (presented.key, &caller) {
        // Last, so that only a key that works is counted, and learns of its limit.
        let digest = PresentedSecret::parse(text).ok_or(Refusal::InvalidKey)?.digest();
        let quota = service.limits.take(&digest, now).map_err(Refusal::RateLimited)?;
        return Ok(Ctx { now, request, caller: caller.with_quota(quota), claim: None });
    }
    Ok(Ctx { now, request, caller, claim: None })
}

/// Whether somebody who was let in may still come in: what took long to arrive, such as a body, must not do what was
/// taken away meanwhile. It is no second use.
pub async fn check_still_in(
    service: &Service,
    presented: Presented<'_>,
    ip: Option<IpAddr>,
) -> Result<(), Refusal> {
    match find_caller(service, presented, ip, service.clock.now()).await? {
        Caller::Nobody => Err(Refusal::Unauthenticated),
        Caller::Session { .. } | Caller::Key { .. } | Caller::Operator => Ok(()),
    }
}

async fn find_caller(
    service: &Service,
    presented: Presented<'_>,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    match presented {
        Presented { key: Some(text), .. } => by_key(service, text, ip, now).await,
        Presented { session: Some(text), .. } => by_session(service, text, now).await,
        Presented { key: None, session: None } => Ok(Caller::Nobody),
    }
}

async fn by_key(
    service: &Service,
    text: &str,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    let digest = PresentedSecret::parse(text).ok_or(Refusal::InvalidKey)?.digest();
    if service.operator == Some(digest) {
        return Ok(Caller::Operator);
    }
    let mut tx = service.store.view_system(SystemReason::Authenticate).await?;
    let key = tx.key_by_digest(&digest).await?.ok_or(Refusal::InvalidKey)?;
    check_alive(key.revoked.is_some(), key.expires_at, now).map_err(|_| Refusal::InvalidKey)?;
    let secret = key.which(&digest, now).ok_or(Refusal::InvalidKey)?;
    if matches!(&key.belongs, Belongs::ToWorkspace { acts_as, .. } if acts_as.disabled) {
        return Err(Refusal::InvalidKey);
    }
    check_key_network(&key, ip)?;
    let person = owner_of_personal(tx.as_mut(), &key).await?;
    Ok(Caller::Key { key: Box::new(key), secret, person, quota: None })
}

/// The person behind a personal key. Somebody who is gone or suspended has no working keys.
async fn owner_of_personal(tx: &mut dyn Tx, key: &Key) -> Result<Option<Person>, Refusal> {
    let Belongs::ToPerson { owner, .. } = key.belongs else { return Ok(None) };
    match tx.person(owner).await? {
        Some(person) if person.suspended_at.is_none() => Ok(Some(person)),
        Some(_) | None => Err(Refusal::InvalidKey),
    }
}

async fn by_session(service: &Service, text: &str, now: Timestamp) -> Result<Caller, Refusal> {
    let Some(presented) = PresentedSecret::parse(text) else { return Ok(Caller::Nobody) };
    let digest: SecretDigest = presented.digest();
    let mut tx = service.store.view_system(SystemReason::Authenticate).await?;
    Ok(match tx.session(&digest, now).await? {
        Some((session, person)) if person.suspended_at.is_none() => {
            Caller::Session { session: session.id, person }
        }
        Some(_) | None => Caller::Nobody,
    })
}
