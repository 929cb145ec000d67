//! How the replica decides: it gathers what stands behind a key, and `keyward_core::decision` decides.

use std::sync::Arc;

use jiff::Timestamp;
use keyward_core::catalogue::ScopeSet;
use keyward_core::change::Epoch;
use keyward_core::decision::{Denied, Standing, check_alive, check_rights, check_standing};
use keyward_core::grace::GraceSeconds;
use keyward_core::grant::{Grants, Rights};
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::key::Which;
use keyward_core::rate::{OverLimit, Quota, RequestsPerMinute};
use keyward_core::secret::{PresentedSecret, SecretDigest, Shape};

use crate::entry::{FoundKey, FoundWorkspace, PersonEntry, Whose};
use crate::question::{Denial, Identity, Permit, Place, Question, Refusal};
use crate::replica::{Opens, Replica, RoleGrants};

/// Where a key works and with which grants. Neither of its own nor of a role: it does not work there.
struct Found<'a> {
    workspace: Option<FoundWorkspace>,
    own: Option<&'a Grants>,
    role: Option<RoleGrants<'a>>,
}

impl Found<'_> {
    const fn nowhere() -> Self {
        Self { workspace: None, own: None, role: None }
    }

    fn rights(&self) -> Option<Rights<'_>> {
        let works = self.own.is_some() || self.role.is_some();
        works.then(|| Rights { own: self.own, role: self.role.as_ref().map(RoleGrants::grants) })
    }
}

/// What became of a question, and what the key has left of its limit if its use was counted.
struct Verdict {
    judged: Result<(), Denied>,
    quota: Option<Quota>,
}

/// The key is a person's, and the question does not say which of several workspaces it is about.
struct SeveralReached;

/// The grace of a key is its own workspace's, where alone such a key is judged. It counts once all is known that was changed
/// before it was chosen: a part of an answer may tell of it before it tells of a revocation that nobody promised to be late.
fn grace(key: &FoundKey, own: Option<&FoundWorkspace>, known: Epoch) -> GraceSeconds {
    match (key.whose(), own) {
        (Whose::Workspace { .. }, Some(workspace)) => workspace.grace(known),
        (Whose::Person { .. }, _) | (_, None) => GraceSeconds::NONE,
    }
}

impl Replica {
    /// Decides on what is known, however old: [`crate::Verifier`] sees to it that it is not too old.
    pub fn decide(&self, question: &Question<'_>, now: Timestamp) -> Result<Permit, Refusal> {
        // Before anything is looked up: what is found can then only be newer than the epoch says.
        let epoch = self.epoch();
        let deny = |reason, identity| Refusal::Denied(Box::new(Denial { reason, identity, epoch }));
        let (key, opens) = self.look_up(question.presented).map_err(|reason| deny(reason, None))?;
        let (secret, secret_opens) = opens.at(now);
        // A secret that was rotated away is as dead as a revoked key.
        let revoked = key.is_revoked() || !secret_opens;
        let person = self.owner_of(&key);
        let account = self.account_since(&key);
        let found = match key.whose() {
            Whose::Workspace { account_is_disabled, .. } => {
                let disabled = account.as_ref().map_or(account_is_disabled, |since| since.disabled);
                self.in_own(&key, disabled, question.place)
            }
            Whose::Person { owner, only } => {
                // A dead key is dead wherever it is asked about.
                let alive = check_alive(revoked, key.expires_at(), now);
                match self.in_reach(&key, owner, only, person.as_deref(), question.place) {
                    Ok(found) => found,
                    Err(SeveralReached) if alive.is_ok() => return Err(Refusal::WorkspaceNeeded),
                    Err(SeveralReached) => Found::nowhere(),
                }
            }
        };
        let Verdict { judged, quota } = self.judge(&key, revoked, &found, question, now);
        let works_here = matches!(judged, Ok(()) | Err(Denied::InsufficientScope { .. }));
        let scopes = found.rights().filter(|_| works_here).map_or(ScopeSet::EMPTY, |rights| rights.scopes());
        let workspace = found.workspace;
        let grace = grace(&key, workspace.as_ref(), epoch);
        let identity = Identity { key, secret, workspace, person, account, scopes, quota, grace };
        match judged {
            Ok(()) => Ok(Permit { identity, epoch }),
            Err(reason) => Err(deny(reason, Some(identity))),
        }
    }

    /// Imported keys keep a form of their own, so every shape is looked up. One that is unknown is a typo or
    /// no key of ours, unless form and checksum are right.
    fn look_up(&self, presented: &str) -> Result<(FoundKey, Opens), Denied> {
        let secret = PresentedSecret::parse(presented).ok_or(Denied::Malformed)?;
        self.key(&secret.digest()).ok_or_else(|| match secret.shape(&self.profile().keys.format) {
            Shape::Good => Denied::NotFound,
            Shape::BadChecksum | Shape::Foreign => Denied::Malformed,
        })
    }

    /// The key that a text opens or opened, and which of its secrets it is, where nothing is decided about it.
    pub fn recognise(&self, presented: &str, now: Timestamp) -> Option<(FoundKey, Which)> {
        let (key, opens) = self.look_up(presented).ok()?;
        Some((key, opens.at(now).0))
    }

    fn owner_of(&self, key: &FoundKey) -> Option<Arc<PersonEntry>> {
        match key.whose() {
            Whose::Person { owner, .. } => self.person(owner),
            Whose::Workspace { .. } => None,
        }
    }

    /// A workspace key works in its own workspace, with its own grants only, unless what it acts as is disabled.
    fn in_own<'a>(&'a self, key: &'a FoundKey, disabled: bool, place: Place<'_>) -> Found<'a> {
        let workspace = self.home_of(key);
        let here = workspace.as_ref().is_some_and(|workspace| match place {
            Place::Unsaid => true,
            Place::Named(slug) => workspace.slug.as_str() == slug,
            Place::Contradictory => false,
        });
        Found { workspace, own: (here && !disabled).then(|| self.grants_of(key)), role: None }
    }

    /// A personal key works where its owner is a member and it is not kept out, with no more than the owner's
    /// role there.
    fn in_reach<'a>(
        &'a self,
        key: &'a FoundKey,
        owner: UserId,
        only: Option<&[WorkspaceId]>,
        person: Option<&PersonEntry>,
        place: Place<'_>,
    ) -> Result<Found<'a>, SeveralReached> {
        // Unknown counts as suspended: fail closed.
        if person.is_none_or(|person| person.suspended) {
            return Ok(Found::nowhere());
        }
        let allowed = |id: &WorkspaceId| only.is_none_or(|only| only.contains(id));
        let workspace = match place {
            Place::Named(slug) => self.workspace_by_slug(slug).filter(|workspace| allowed(&workspace.id)),
            Place::Unsaid => {
                let reach = self.reach(owner);
                let mut reached = reach.iter().flat_map(|ids| ids.iter()).copied().filter(allowed);
                match (reached.next(), reached.next()) {
                    (Some(_), Some(_)) => return Err(SeveralReached),
                    (first, _) => first.and_then(|id| self.workspace(id)),
                }
            }
            Place::Contradictory => None,
        };
        let Some(workspace) = workspace else { return Ok(Found::nowhere()) };
        let Some(role) = self.role_of(owner, workspace.id) else { return Ok(Found::nowhere()) };
        let own = (!self.profile().keys.inherit).then(|| self.grants_of(key));
        Ok(Found { workspace: Some(workspace), own, role: Some(role) })
    }

    fn judge(
        &self,
        key: &FoundKey,
        revoked: bool,
        found: &Found<'_>,
        question: &Question<'_>,
        now: Timestamp,
    ) -> Verdict {
        let workspace = found.workspace.as_ref();
        let standing = Standing {
            revoked,
            expires_at: key.expires_at(),
            allowed_cidrs: key.allowed_cidrs(),
            workspace_cidrs: workspace.map_or(&[], FoundWorkspace::allowed_cidrs),
            rights: found.rights(),
            // A workspace that is not known has no plan either.
            plan_has_keys: workspace.is_some_and(FoundWorkspace::plan_has_keys),
        };
        let rights = match check_standing(&standing, question.ip, now) {
            Ok(rights) => rights,
            Err(denied) => return Verdict { judged: Err(denied), quota: None },
        };
        match self.count(key, workspace, now) {
            Ok(quota) => {
                let judged = question.asks.iter().try_for_each(|ask| check_rights(&rights, ask));
                Verdict { judged, quota }
            }
            Err(OverLimit(quota)) => Verdict { judged: Err(Denied::RateLimited), quota: Some(quota) },
        }
    }

    /// Counts a use of the key with this secret that is decided elsewhere: on the control plane. Which workspace
    /// it is about is not known there yet, so the plan counts for workspace keys only. A key that the replica
    /// does not know is not limited.
    pub fn count_use(&self, secret: &SecretDigest, now: Timestamp) -> Result<Option<Quota>, OverLimit> {
        let Some((key, _)) = self.key(secret) else { return Ok(None) };
        self.count(&key, self.home_of(&key).as_ref(), now)
    }

    fn count(
        &self,
        key: &FoundKey,
        workspace: Option<&FoundWorkspace>,
        now: Timestamp,
    ) -> Result<Option<Quota>, OverLimit> {
        let Some(meter) = key.meter() else { return Ok(None) };
        let anyones = match workspace {
            Some(workspace) => workspace.requests_per_minute,
            None => self.profile().keys.requests_per_minute,
        };
        let limit = RequestsPerMinute::smallest([key.requests_per_minute(), anyones]);
        limit.map(|limit| meter.take(limit, now)).transpose()
    }
}
