//! What the replica holds of each thing, and how it is read once it is found.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, Guard};
use ipnet::IpNet;
use jiff::Timestamp;
use keyward_core::catalogue::Catalogue;
use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::grant::Grants;
use keyward_core::id::{IdText, KeyId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, KeyKind};
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::profile::Profile;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::workspace::{Slug, Workspace};

use crate::meter::Meter;
use crate::packed::PackedKey;

/// A key that is no simple one, kept whole: it has several secrets, networks, limits, or very long names.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) id: KeyId,
    pub(crate) name: DisplayName,
    pub(crate) belongs: Belongs,
    pub(crate) grants: Grants,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked: bool,
    /// The only networks it may be used from. Empty: from anywhere.
    pub(crate) allowed_cidrs: Box<[IpNet]>,
    /// How often it may be used, as far as itself says.
    pub(crate) requests_per_minute: Option<RequestsPerMinute>,
    /// What counts how often it is used: one for all its secrets, whatever else changes of it. `None`: nothing
    /// limits it.
    pub(crate) meter: Option<Arc<Meter>>,
    pub(crate) epoch: Epoch,
}

impl KeyEntry {
    pub(crate) fn new(
        catalogue: &Catalogue,
        key: Key,
        already_revoked: bool,
        meter: Option<Arc<Meter>>,
        epoch: Epoch,
    ) -> Self {
        Self {
            id: key.id,
            grants: Grants::compile(catalogue, &key.grant),
            expires_at: key.expires_at,
            revoked: already_revoked || key.revoked.is_some(),
            allowed_cidrs: key.allowed_cidrs.into(),
            requests_per_minute: key.requests_per_minute,
            meter,
            epoch,
            name: key.name,
            belongs: key.belongs,
        }
    }
}

/// A key that was found, as it was then, for as long as this is held.
pub struct FoundKey(pub(crate) Form);

pub(crate) enum Form {
    Packed(PackedKey),
    Whole(Arc<KeyEntry>),
}

/// Whose a key is, as far as a decision needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    Person { owner: UserId, only: Option<&'a [WorkspaceId]> },
    Workspace { account: ServiceAccountId, account_is_disabled: bool },
}

impl FoundKey {
    /// Its identifier.
    pub fn id(&self) -> KeyId {
        match &self.0 {
            Form::Packed(packed) => packed.segment.rest(packed.place).id(),
            Form::Whole(whole) => whole.id,
        }
    }

    /// The same as text.
    pub fn id_text(&self) -> IdText {
        self.id().text()
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        match &self.0 {
            Form::Packed(packed) => packed.segment.name(packed.place),
            Form::Whole(whole) => whole.name.as_str(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        match self.whose() {
            Whose::Person { .. } => KeyKind::Personal,
            Whose::Workspace { .. } => KeyKind::Workspace,
        }
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.0 {
            Form::Packed(packed) => packed.facts.expires_at(),
            Form::Whole(whole) => whole.expires_at,
        }
    }

    /// Whether somebody ended it.
    pub fn is_revoked(&self) -> bool {
        match &self.0 {
            Form::Packed(packed) => packed.facts.is_revoked(),
            Form::Whole(whole) => whole.revoked,
        }
    }

    pub(crate) fn whose(&self) -> Whose<'_> {
        match &self.0 {
            Form::Packed(PackedKey { facts, .. }) => match facts.kind() {
                KeyKind::Personal => Whose::Person { owner: UserId::from_bytes(facts.subject()), only: None },
                KeyKind::Workspace => Whose::Workspace {
                    account: ServiceAccountId::from_bytes(facts.subject()),
                    account_is_disabled: facts.is_disabled(),
                },
            },
            Form::Whole(whole) => match &whole.belongs {
                Belongs::ToPerson { owner, workspaces } => {
                    Whose::Person { owner: *owner, only: workspaces.as_deref() }
                }
                Belongs::ToWorkspace { acts_as, .. } => {
                    Whose::Workspace { account: acts_as.id, account_is_disabled: acts_as.disabled }
                }
            },
        }
    }

    /// The name of the service account that it acts as, as the key's own state says. Empty: it is a person's.
    pub(crate) fn account_name(&self) -> &str {
        match &self.0 {
            Form::Packed(packed) => packed.segment.account_name(packed.place),
            Form::Whole(whole) => match &whole.belongs {
                Belongs::ToPerson { .. } => "",
                Belongs::ToWorkspace { acts_as, .. } => &acts_as.name,
            },
        }
    }

    pub(crate) fn allowed_cidrs(&self) -> &[IpNet] {
        match &self.0 {
            Form::Packed(_) => &[],
            Form::Whole(whole) => &whole.allowed_cidrs,
        }
    }

    pub(crate) fn requests_per_minute(&self) -> Option<RequestsPerMinute> {
        match &self.0 {
            Form::Packed(_) => None,
            Form::Whole(whole) => whole.requests_per_minute,
        }
    }

    pub(crate) fn meter(&self) -> Option<&Arc<Meter>> {
        match &self.0 {
            Form::Packed(packed) => packed.segment.meter(packed.place),
            Form::Whole(whole) => whole.meter.as_ref(),
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        match &self.0 {
            Form::Packed(packed) => packed.segment.rest(packed.place).epoch(),
            Form::Whole(whole) => whole.epoch,
        }
    }
}

impl Clone for FoundKey {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Form::Packed(PackedKey { facts, segment, place }) => {
                let segment = Guard::from_inner(Arc::clone(segment));
                Form::Packed(PackedKey { facts: *facts, segment, place: *place })
            }
            Form::Whole(whole) => Form::Whole(Arc::clone(whole)),
        })
    }
}

impl std::fmt::Debug for FoundKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FoundKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// A workspace, as far as a decision needs it.
#[derive(Debug)]
pub struct WorkspaceEntry {
    /// Its identifier.
    pub id: WorkspaceId,
    /// The same as text.
    pub id_text: Box<str>,
    /// Its short name.
    pub slug: Slug,
    /// What it has paid for.
    pub plan: PlanName,
    /// How much longer than a lease its keys are decided about.
    grace: GraceSeconds,
    /// Whether its plan has keys. Looked up once, so that a decision does not have to go where its name is.
    plan_has_keys: bool,
    /// How often a key may be used that says nothing of it, as profile and plan say.
    pub(crate) requests_per_minute: Option<RequestsPerMinute>,
    /// The only networks that keys open it from. Empty: from anywhere.
    allowed_cidrs: Box<[IpNet]>,
    pub(crate) epoch: Epoch,
}

impl WorkspaceEntry {
    pub(crate) fn new(profile: &Profile, workspace: Workspace, epoch: Epoch) -> Self {
        Self {
            plan_has_keys: profile.plan_has_keys(&workspace.plan),
            requests_per_minute: profile.rate_limit(&workspace.plan),
            id: workspace.id,
            id_text: workspace.id.to_string().into(),
            slug: workspace.slug,
            plan: workspace.plan,
            grace: workspace.grace.seconds,
            allowed_cidrs: workspace.allowed_cidrs.into(),
            epoch,
        }
    }

    /// Whether it has nothing for a decision to look at: its plan has keys, they open it from everywhere, and it gives no grace.
    fn is_plain(&self) -> bool {
        self.plan_has_keys && self.allowed_cidrs.is_empty() && !self.grace.is_some()
    }
}

/// Where a workspace is, whatever becomes of it. Its keys may be known before it is.
#[derive(Debug, Default)]
pub(crate) struct Home {
    entry: OnceLock<ArcSwap<WorkspaceEntry>>,
    is_known: AtomicBool,
    is_plain: AtomicBool,
}

impl Home {
    pub(crate) fn get(&self) -> Option<FoundWorkspace> {
        let is_known = self.is_known.load(Ordering::Acquire);
        // Before the entry. A decision that began before a change of the workspace was complete may find the new entry beside
        // this of the old one: it is then what it was before.
        let is_plain = self.is_plain.load(Ordering::Acquire);
        is_known.then(|| self.entry.get().map(|entry| FoundWorkspace { entry: entry.load(), is_plain }))?
    }

    /// For one thread at a time.
    pub(crate) fn set(&self, entry: Arc<WorkspaceEntry>) {
        let is_plain = entry.is_plain();
        self.entry.get_or_init(|| ArcSwap::new(Arc::clone(&entry))).store(entry);
        self.is_plain.store(is_plain, Ordering::Release);
        self.is_known.store(true, Ordering::Release);
    }

    /// Forgets the workspace, but not its place.
    pub(crate) fn clear(&self) {
        self.is_known.store(false, Ordering::Release);
    }
}

/// A workspace that was found, as it was then. Holding it counts nothing that other threads count, too.
pub struct FoundWorkspace {
    entry: Guard<Arc<WorkspaceEntry>>,
    /// Told beside the entry, which lies elsewhere in memory: most decisions need not go there.
    is_plain: bool,
}

impl FoundWorkspace {
    pub(crate) fn plan_has_keys(&self) -> bool {
        self.is_plain || self.entry.plan_has_keys
    }

    pub(crate) fn allowed_cidrs(&self) -> &[IpNet] {
        if self.is_plain { &[] } else { &self.entry.allowed_cidrs }
    }

    /// What it gives, to whom all is known that was changed before that was chosen.
    pub(crate) fn grace(&self, known: Epoch) -> GraceSeconds {
        if self.is_plain || self.entry.epoch > known { GraceSeconds::NONE } else { self.entry.grace }
    }
}

impl Deref for FoundWorkspace {
    type Target = WorkspaceEntry;

    fn deref(&self) -> &WorkspaceEntry {
        &self.entry
    }
}

impl Clone for FoundWorkspace {
    fn clone(&self) -> Self {
        Self { entry: Guard::from_inner(Arc::clone(&self.entry)), is_plain: self.is_plain }
    }
}

impl std::fmt::Debug for FoundWorkspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

/// A person, as far as a decision needs it.
#[derive(Debug)]
pub struct PersonEntry {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: Box<str>,
    /// Whether they may do nothing.
    pub suspended: bool,
    pub(crate) epoch: Epoch,
}
