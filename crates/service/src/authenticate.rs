//! Find out who is asking: by a key, by a session, or nobody. A key that is there and bad is refused; it
//! never falls back to a session (CVE-3).

use std::net::IpAddr;

use jiff::Timestamp;
use keyward_core::decision::{Denied, check_alive};
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::{Belongs, Key, Which};
use keyward_core::person::Person;
use keyward_core::secret::{PresentedSecret, SecretDigest};
use keyward_storage::{StoreError, SystemReason, Tx};

use crate::Service;
use crate::access::check_networks;
use crate::ctx::{Caller, Ctx, Request};
use crate::refusal::Refusal;
use crate::session_use;

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

/// A key that is known, whatever may become of it.
#[derive(Debug, Clone, Copy)]
pub struct Recognised {
    /// Which.
    pub key: KeyId,
    /// Which of its secrets was presented.
    pub secret: Which,
    /// The workspace that it belongs to. `None`: it is a person's.
    pub workspace: Option<WorkspaceId>,
}

impl Recognised {
    pub(crate) fn new(key: &Key, secret: Which) -> Self {
        let workspace = match key.belongs {
            Belongs::ToWorkspace { workspace, .. } => Some(workspace),
            Belongs::ToPerson { .. } => None,
        };
        Self { key: key.id, secret, workspace }
    }
}

/// Somebody who is not let in.
#[derive(Debug)]
pub struct TurnedAway {
    /// Why, as they may hear it.
    pub refusal: Refusal,
    /// The key that they presented, if it is known, and why it does not work, as those may read it who look after it.
    pub key: Option<(Recognised, &'static str)>,
}

impl From<Refusal> for TurnedAway {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, key: None }
    }
}

impl From<TurnedAway> for Refusal {
    fn from(away: TurnedAway) -> Self {
        away.refusal
    }
}

impl From<StoreError> for TurnedAway {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

/// Finds out who is asking. A session that has ended is nobody, so that signing in again works.
pub async fn authenticate(
    service: &Service,
    presented: Presented<'_>,
    request: Request,
) -> Result<Ctx, TurnedAway> {
    let now = service.clock.now();
    let caller = find_caller(service, presented, request.ip, now).await?;
    if let (Some(text), Caller::Key { key, secret, .. }) = (presented.key, &caller) {
        // Last, so that only a key that works is counted, and learns of its limit.
        let digest = PresentedSecret::parse(text).ok_or(Refusal::InvalidKey)?.digest();
        let quota = service.limits.take(&digest, now).map_err(|over| TurnedAway {
            refusal: Refusal::RateLimited(over),
            key: Some((Recognised::new(key, *secret), Denied::RateLimited.code())),
        })?;
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
) -> Result<Caller, TurnedAway> {
    match presented {
        Presented { key: Some(text), .. } => by_key(service, text, ip, now).await,
        Presented { session: Some(text), .. } => Ok(by_session(service, text, now).await?),
        Presented { key: None, session: None } => Ok(Caller::Nobody),
    }
}

async fn by_key(
    service: &Service,
    text: &str,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<Caller, TurnedAway> {
    let digest = PresentedSecret::parse(text).ok_or(Refusal::InvalidKey)?.digest();
    if service.operator == Some(digest) {
        return Ok(Caller::Operator);
    }
    let mut tx = service.store.view_system(SystemReason::Authenticate).await?;
    let key = tx.key_by_digest(&digest).await?.ok_or(Refusal::InvalidKey)?;
    let secret = key.which(&digest, now);
    // A secret that opens nothing any more was the one before, as on the data plane.
    let recognised = Recognised::new(&key, secret.unwrap_or(Which::Previous));
    let away = |refusal, reason: &Denied| TurnedAway { refusal, key: Some((recognised, reason.code())) };
    check_alive(key.revoked.is_some() || secret.is_none(), key.expires_at, now)
        .map_err(|reason| away(Refusal::InvalidKey, &reason))?;
    let Some(secret) = secret else { return Err(away(Refusal::InvalidKey, &Denied::Revoked)) };
    if matches!(&key.belongs, Belongs::ToWorkspace { acts_as, .. } if acts_as.disabled) {
        return Err(away(Refusal::InvalidKey, &Denied::WorkspaceMismatch));
    }
    check_key_networks(tx.as_mut(), &key, ip).await.map_err(|refusal| match refusal {
        Refusal::Forbidden(_) => away(refusal, &Denied::IpNotAllowed),
        other => other.into(),
    })?;
    let person = owner_of_personal(tx.as_mut(), &key).await.map_err(|refusal| match refusal {
        Refusal::InvalidKey => away(refusal, &Denied::WorkspaceMismatch),
        other => other.into(),
    })?;
    Ok(Caller::Key { key: Box::new(key), secret, person, quota: None })
}

/// The key's own networks, and those of the workspace that it belongs to. Where a personal key is used is not known yet:
/// those of that workspace are looked at when it is entered.
async fn check_key_networks(tx: &mut dyn Tx, key: &Key, ip: Option<IpAddr>) -> Result<(), Refusal> {
    check_networks(&key.allowed_cidrs, ip)?;
    let Belongs::ToWorkspace { workspace, .. } = key.belongs else { return Ok(()) };
    let workspace = tx.workspace(workspace).await?.ok_or(Refusal::InvalidKey)?;
    check_networks(&workspace.allowed_cidrs, ip)
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
            session_use::note(service, &session);
            Caller::Session { session: session.id, person }
        }
        Some(_) | None => Caller::Nobody,
    })
}
