//! A question about a key, and what may come back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keyward_core::catalogue::ScopeSet;
use keyward_core::change::Epoch;
use keyward_core::decision::{Ask, Denied};
use keyward_core::grace::GraceSeconds;
use keyward_core::id::IdText;
use keyward_core::key::{ServiceAccount, Which};
use keyward_core::lease::USABLE_FOR_MS;
use keyward_core::rate::Quota;

use crate::entry::{FoundKey, FoundWorkspace, PersonEntry, Whose};

/// Which workspace a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place<'a> {
    /// Nobody said: the key's own, or the only one that it reaches.
    #[default]
    Unsaid,
    /// The one with this slug.
    Named(&'a str),
    /// Two different ones were named. No key works there.
    Contradictory,
}

/// A question. It borrows all it holds, and does not print the key.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The key as it was presented.
    pub presented: &'a str,
    /// Where.
    pub place: Place<'a>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// What is asked; all of it must be allowed. Empty: only whether the key works.
    pub asks: &'a [Ask<'a>],
}

impl<'a> Question<'a> {
    /// Whether this key works at all, wherever it belongs.
    pub const fn about(presented: &'a str) -> Self {
        Self { presented, place: Place::Unsaid, ip: None, asks: &[] }
    }
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question")
            .field("place", &self.place)
            .field("ip", &self.ip)
            .field("asks", &self.asks)
            .finish_non_exhaustive()
    }
}

/// A key that is known, and who stands behind it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The key.
    pub key: FoundKey,
    /// Which of its secrets was presented.
    pub secret: Which,
    /// The workspace that it works in here; a workspace key's own, also where it is refused.
    pub workspace: Option<FoundWorkspace>,
    /// The owner of a personal key.
    pub(crate) person: Option<Arc<PersonEntry>>,
    /// The service account of a workspace key, if it has changed since the key did.
    pub(crate) account: Option<Arc<ServiceAccount>>,
    /// Scopes of the catalogue that it holds here on everything. Empty where it does not work.
    pub scopes: ScopeSet,
    /// What it has left of its limit. `None`: it has none, or was refused before its use was counted.
    pub quota: Option<Quota>,
    /// How much longer than its lease the node decides about the key, and so how much longer than five seconds after its
    /// revocation one that is cut off may accept it. A person's key belongs to no workspace, and has none.
    pub grace: GraceSeconds,
}

/// Who a key acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// `user` or `service_account`.
    pub type_name: &'static str,
    /// The identifier.
    pub id: IdText,
    /// The name.
    pub name: &'a str,
}

impl Identity {
    /// Who the key acts as: its owner, or its service account.
    pub fn subject(&self) -> Subject<'_> {
        let (type_name, name) = match self.key.whose() {
            Whose::Person { .. } => ("user", self.person.as_ref().map_or("", |person| &*person.name)),
            Whose::Workspace { .. } => {
                let since = self.account.as_deref().map(|since| &*since.name);
                ("service_account", since.unwrap_or_else(|| self.key.account_name()))
            }
        };
        Subject { type_name, id: self.subject_id(), name }
    }

    /// The identifier of who the key acts as. The name lies elsewhere in memory.
    pub fn subject_id(&self) -> IdText {
        match self.key.whose() {
            Whose::Person { owner, .. } => owner.text(),
            Whose::Workspace { account, .. } => account.text(),
        }
    }

    /// When the key ends by itself.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.key.expires_at()
    }
}

/// Yes.
#[derive(Debug, Clone)]
pub struct Permit {
    /// For whom.
    pub identity: Identity,
    /// The last change that was surely applied when it was decided.
    pub epoch: Epoch,
}

impl Permit {
    /// For how long it may be acted on, counted from when the question was asked. Whoever keeps it for longer may act for a key
    /// that was revoked more than five seconds ago: ask again instead.
    pub const fn usable_for(&self) -> Duration {
        Duration::from_millis(USABLE_FOR_MS)
    }
}

/// No, and why.
#[derive(Debug, Clone)]
pub struct Denial {
    /// Why.
    pub reason: Denied,
    /// The key, if it is known.
    pub identity: Option<Identity>,
    /// The last change that was surely applied when it was decided.
    pub epoch: Epoch,
}

/// No permit.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// The key may not.
    Denied(Box<Denial>),
    /// The key is a person's and reaches several workspaces: the question has to name one.
    WorkspaceNeeded,
    /// The replica may not be relied on now; nothing is known for sure.
    Stale,
}

/// How much longer than a lease this may be said: what is not known to be about a key has no grace.
pub(crate) fn grace(answer: &Result<Permit, Refusal>) -> GraceSeconds {
    match answer {
        Ok(permit) => permit.identity.grace,
        Err(Refusal::Denied(denial)) => {
            denial.identity.as_ref().map_or(GraceSeconds::NONE, |identity| identity.grace)
        }
        Err(Refusal::WorkspaceNeeded | Refusal::Stale) => GraceSeconds::NONE,
    }
}
