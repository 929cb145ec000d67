//! A key: whose it is, what it was given, and the states it passes through.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::grant::Grant;
use crate::id::{KeyId, ServiceAccountId, UserId, WorkspaceId};
use crate::person::DisplayName;
use crate::rate::RequestsPerMinute;
use crate::secret::{SecretDigest, SecretHint};

/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// Most networks that a key may be limited to.
pub const ALLOWED_CIDRS_MAX: usize = 50;
/// Most workspaces that a personal key may be restricted to.
pub const WORKSPACES_MAX: usize = 100;
/// Most entries of metadata, and the longest name and value of one: Stripe's bounds.
pub const METADATA_ENTRIES_MAX: usize = 50;
/// Most keys of one import (contract): one transaction, which others wait for.
pub const IMPORT_MAX: usize = 10_000;
/// Longest name of an entry.
pub const METADATA_NAME_CHARS_MAX: usize = 40;
/// Longest value of an entry.
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// Who did or owns something, with the name that they had then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub id: PrincipalId,
    /// What they were called.
    pub name: Box<str>,
}

/// Who did or owns something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalId {
    /// A person.
    User(UserId),
    /// What a workspace key acts as.
    ServiceAccount(ServiceAccountId),
    /// The operator of this deployment.
    Operator,
    /// The payment provider, by a signed event.
    Billing,
    /// Keyward itself, when time or an endpoint that does not answer makes it act.
    System,
}

impl PrincipalId {
    /// `user`, `service_account`, `operator`, `billing` or `system`.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ServiceAccount(_) => "service_account",
            Self::Operator => "operator",
            Self::Billing => "billing",
            Self::System => "system",
        }
    }
}

impl std::fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::ServiceAccount(id) => id.fmt(f),
            Self::Operator => f.write_str("operator"),
            Self::Billing => f.write_str("billing"),
            Self::System => f.write_str("system"),
        }
    }
}

/// The user entry that a workspace key acts as (CVE-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its identifier.
    pub id: ServiceAccountId,
    /// Such as `api_ci-pipeline-prod`.
    pub name: Box<str>,
    /// Whether it stands alone, so that several keys may act as it. Otherwise it comes and goes with its key.
    pub shared: bool,
    /// Whether it may do nothing, and so its keys neither.
    pub disabled: bool,
}

impl ServiceAccount {
    /// One that comes and goes with its key.
    pub fn of_key(id: ServiceAccountId, name: Box<str>) -> Self {
        Self { id, name, shared: false, disabled: false }
    }

    /// The name for the service account of a key called `key_name`: `api_` and the name's letters, digits,
    /// dots and dashes, the rest folded into dashes. `attempt` numbers collisions from 2 on.
    pub fn name_for(key_name: &DisplayName, attempt: u32) -> String {
        let mut slug = String::new();
        for c in key_name.as_str().chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() || matches!(c, '.' | '_') {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { "key" } else { slug };
        if attempt < 2 { format!("api_{slug}") } else { format!("api_{slug}-{attempt}") }
    }
}

/// Whose a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// A person's own key (CYS-3).
    ToPerson {
        /// Whose.
        owner: UserId,
        /// The only workspaces it works in. `None`: wherever its owner is a member.
        workspaces: Option<Vec<WorkspaceId>>,
    },
    /// A workspace's key (CVE-14).
    ToWorkspace {
        /// Whose.
        workspace: WorkspaceId,
        /// Who looks after it. `None`: the owner has left.
        owner: Option<UserId>,
        /// What it acts as.
        acts_as: ServiceAccount,
    },
}

/// The two kinds of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Belongs to a person.
    Personal,
    /// Belongs to a workspace.
    Workspace,
}

impl KeyKind {
    /// `personal` or `workspace`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Workspace => "workspace",
        }
    }
}

/// Which of a key's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// The one made last.
    Current,
    /// The one before it, while a rotation is open.
    Previous,
}

impl Which {
    /// `current` or `previous`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }

    /// The one of a text, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Current, Self::Previous].into_iter().find(|which| which.as_str() == text)
    }
}

/// The secret before the current one, which goes on working for a while (CYB-7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSecret {
    /// The secret.
    pub secret: StoredSecret,
    /// Since when there is a new one.
    pub rotated_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Timestamp,
}

/// What is kept of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// What it is known by.
    pub digest: SecretDigest,
    /// What people see.
    pub hint: SecretHint,
}

/// Who ended a key, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Principal,
}

/// What a key is at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

impl KeyStatus {
    /// `active`, `expired` or `revoked`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// Why a key gets no new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRotate {
    /// It is revoked or expired, and a new secret would open nothing.
    #[error("the key is revoked or expired")]
    Dead,
    /// It has two secrets already.
    #[error("a rotation is open until {ends_at}")]
    Open {
        /// Until when.
        ends_at: Timestamp,
    },
}

/// There is no rotation to finish or cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no rotation is open")]
pub struct NoRotation;

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its identifier.
    pub id: KeyId,
    /// Whose it is.
    pub belongs: Belongs,
    /// What people call it.
    pub name: DisplayName,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// What it was given.
    pub grant: Grant,
    /// What its secret is known by.
    pub secret: StoredSecret,
    /// The secret before it, from a rotation until that is finished or cancelled. It may have ended by
    /// itself meanwhile: [`Key::rotation`] tells.
    pub old: Option<OldSecret>,
    /// Secrets that this key had before, and that open nothing any more.
    pub retired: Vec<SecretDigest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Principal,
    /// When it ends by itself. `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Who ended it, if somebody did. Nothing brings it back.
    pub revoked: Option<Revocation>,
    /// The only networks it may be used from. Empty: from anywhere.
    pub allowed_cidrs: Vec<IpNet>,
    /// How many requests a minute it may make. `None`: it has no limit of its own.
    pub requests_per_minute: Option<RequestsPerMinute>,
    /// What its makers want to remember.
    pub metadata: BTreeMap<String, String>,
    /// Counts edits; its `ETag`.
    pub version: u64,
}

impl Key {
    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        match self.belongs {
            Belongs::ToPerson { .. } => KeyKind::Personal,
            Belongs::ToWorkspace { .. } => KeyKind::Workspace,
        }
    }

    /// Whether it is a personal key that works in some of its owner's workspaces only.
    pub const fn is_restricted(&self) -> bool {
        matches!(self.belongs, Belongs::ToPerson { workspaces: Some(_), .. })
    }

    /// What it is at `now`. Revoked outweighs expired: it says more.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        match (&self.revoked, self.expires_at) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, Some(end)) if end <= now => KeyStatus::Expired,
            (None, _) => KeyStatus::Active,
        }
    }

    /// Which of its secrets opens it at `now`. `None`: one that opens nothing any more.
    pub fn which(&self, presented: &SecretDigest, now: Timestamp) -> Option<Which> {
        if self.secret.digest == *presented {
            return Some(Which::Current);
        }
        let old = self.old.as_ref().filter(|old| now < old.ends_at && old.secret.digest == *presented);
        old.map(|_| Which::Previous)
    }

    /// The rotation that is open at `now`: one whose old secret still works.
    pub fn rotation(&self, now: Timestamp) -> Option<&OldSecret> {
        self.old.as_ref().filter(|old| now < old.ends_at && self.status(now) == KeyStatus::Active)
    }

    /// Gives it a new secret. The old one goes on working for `overlap`, and never longer than the key does.
    pub fn rotate(
        mut self,
        new: StoredSecret,
        at: Timestamp,
        overlap: SignedDuration,
    ) -> Result<Self, CannotRotate> {
        if self.status(at) != KeyStatus::Active {
            return Err(CannotRotate::Dead);
        }
        if let Some(open) = self.rotation(at) {
            return Err(CannotRotate::Open { ends_at: open.ends_at });
        }
        self.retire_old();
        let ends_at = at.checked_add(overlap).unwrap_or(Timestamp::MAX);
        let ends_at = self.expires_at.map_or(ends_at, |end| end.min(ends_at));
        let before = std::mem::replace(&mut self.secret, new);
        if ends_at > at {
            self.old = Some(OldSecret { secret: before, rotated_at: at, ends_at });
        } else {
            self.retired.push(before.digest);
        }
        self.version += 1;
        Ok(self)
    }

    /// Ends the old secret now (CYB-8).
    pub fn finish_rotation(mut self, at: Timestamp) -> Result<Self, NoRotation> {
        self.rotation(at).ok_or(NoRotation)?;
        self.retire_old();
        self.version += 1;
        Ok(self)
    }

    /// Ends the new secret now; the old one is the key's only one again.
    pub fn cancel_rotation(mut self, at: Timestamp) -> Result<Self, NoRotation> {
        self.rotation(at).ok_or(NoRotation)?;
        let old = self.old.take().ok_or(NoRotation)?;
        let new = std::mem::replace(&mut self.secret, old.secret);
        self.retired.push(new.digest);
        self.version += 1;
        Ok(self)
    }

    fn retire_old(&mut self) {
        self.retired.extend(self.old.take().map(|old| old.secret.digest));
    }

    /// Ends it for good. A key that is revoked already stays as it was: who ended it first is what counts.
    #[must_use]
    pub fn revoke(mut self, at: Timestamp, by: Principal) -> Self {
        if self.revoked.is_none() {
            self.revoked = Some(Revocation { at, by });
            self.version += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DisplayName {
        DisplayName::parse("name", text).unwrap()
    }

    fn stored(n: u8) -> StoredSecret {
        StoredSecret { digest: SecretDigest::of(&[n]), hint: SecretHint::from_stored("k") }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn key(expires_at: Option<i64>) -> Key {
        let user = UserId::new(1, [1; 10]);
        Key {
            id: KeyId::new(1, [0; 10]),
            belongs: Belongs::ToPerson { owner: user, workspaces: None },
            name: name("ci"),
            description: None,
            grant: Grant::default(),
            secret: stored(1),
            old: None,
            retired: vec![],
            created_at: at(0),
            created_by: Principal { id: PrincipalId::User(user), name: "Ada".into() },
            expires_at: expires_at.map(at),
            revoked: None,
            allowed_cidrs: vec![],
            requests_per_minute: None,
            metadata: BTreeMap::new(),
            version: 1,
        }
    }

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    #[test]
    fn cyb_7_both_secrets_are_there_during_a_rotation_and_no_third() {
        let rotated = key(None).rotate(stored(2), at(10), DAY).unwrap();
        assert_eq!(rotated.secret, stored(2));
        assert_eq!(rotated.rotation(at(11)).map(|old| &old.secret), Some(&stored(1)));
        let again = rotated.clone().rotate(stored(3), at(11), DAY);
        assert_eq!(again, Err(CannotRotate::Open { ends_at: at(10 + 86_400) }));
        let closed = at(10 + 86_400);
        assert_eq!(rotated.rotation(closed), None);
        let third = rotated.rotate(stored(3), closed, DAY).unwrap();
        assert_eq!(third.retired, [stored(1).digest]);
    }

    #[test]
    fn the_overlap_never_outlives_the_key() {
        let rotated = key(Some(100)).rotate(stored(2), at(10), DAY).unwrap();
        assert_eq!(rotated.old.as_ref().map(|old| old.ends_at), Some(at(100)));
        assert_eq!(key(Some(10)).rotate(stored(2), at(10), DAY), Err(CannotRotate::Dead));
    }

    #[test]
    fn no_overlap_ends_the_old_secret_at_once() {
        let rotated = key(None).rotate(stored(2), at(10), SignedDuration::ZERO).unwrap();
        assert_eq!((rotated.old, rotated.retired), (None, vec![stored(1).digest]));
    }

    #[test]
    fn cyb_8_finishing_ends_the_old_secret_and_cancelling_the_new_one() {
        let rotated = key(None).rotate(stored(2), at(10), DAY).unwrap();
        let finished = rotated.clone().finish_rotation(at(11)).unwrap();
        assert_eq!(
            (&finished.secret, &finished.old, &finished.retired[..]),
            (&stored(2), &None, &[stored(1).digest][..])
        );
        assert_eq!(finished.finish_rotation(at(12)), Err(NoRotation));
        let cancelled = rotated.clone().cancel_rotation(at(11)).unwrap();
        assert_eq!(
            (&cancelled.secret, &cancelled.old, &cancelled.retired[..]),
            (&stored(1), &None, &[stored(2).digest][..])
        );
        assert_eq!(rotated.cancel_rotation(at(10 + 86_400)), Err(NoRotation), "it has closed by itself");
    }

    #[test]
    fn cve_8_a_service_account_is_named_after_its_key() {
        for (key, account) in [
            ("ci-pipeline-prod", "api_ci-pipeline-prod"),
            ("CI / Pipeline (prod)", "api_ci-pipeline-prod"),
            ("✓", "api_key"),
            ("a.b_c", "api_a.b_c"),
        ] {
            assert_eq!(ServiceAccount::name_for(&name(key), 1), account);
        }
        assert_eq!(ServiceAccount::name_for(&name("ci"), 2), "api_ci-2");
    }
}
