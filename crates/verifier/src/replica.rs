//! What is known of keys, workspaces and people, in tables that are read without a lock.
//!
//! Each entry remembers the epoch of the changes that it came with, and only changes of that epoch or a later
//! one replace it. So the same changes may come twice, or older ones after newer ones, and the end is the
//! same as if each had come once and in order.
//!
//! Nearly all keys are simple and lie packed in a table of their own; the others are kept whole. A key that is no longer
//! simple is there as a whole before it goes from that table, and never goes back.

mod keys;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jiff::Timestamp;
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::grant::{Grant, Grants};
use keyward_core::id::{RoleId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, KeyKind, ServiceAccount, Which};
use keyward_core::profile::Profile;
use keyward_core::role::RoleRef;
use keyward_core::secret::SecretDigest;
use keyward_core::workspace::Workspace;

use crate::entry::{Form, FoundKey, FoundWorkspace, Home, KeyEntry, PersonEntry, Whose, WorkspaceEntry};
use crate::packed::{Packed, Spine};
use crate::replica::keys::Writer;

/// Papaya's tables are lock-free: a reader never waits for the writer, nor the writer for a reader. The hash is keyed
/// anew in each process.
type Table<K, V> = papaya::HashMap<K, V, foldhash::fast::RandomState>;

/// The tables. Readers go through [`Replica::decide`]; there is one writer at a time.
#[derive(Debug)]
pub struct Replica {
    profile: Arc<Profile>,
    /// Simple keys. Revoked ones stay.
    packed: Packed,
    /// All others, by digest. Look-up compares the whole digest, in constant time.
    whole: Table<SecretDigest, (Arc<KeyEntry>, Opens)>,
    /// What packed keys were given, each once.
    grants: Spine<Grants>,
    homes: Spine<Home>,
    /// Where a workspace is among the homes.
    workspaces: Table<WorkspaceId, u32>,
    slugs: Table<Box<str>, (WorkspaceId, Epoch)>,
    members: Table<(UserId, WorkspaceId), Member>,
    /// For each person, the workspaces that they are a member of.
    reach: Table<UserId, Arc<[WorkspaceId]>>,
    people: Table<UserId, Arc<PersonEntry>>,
    /// Roles that workspaces made.
    roles: Table<RoleId, RoleEntry>,
    /// Service accounts that changed by themselves. Each key holds the one it acts as, as it was at the key's epoch.
    accounts: Table<ServiceAccountId, (Arc<ServiceAccount>, Epoch)>,
    /// Whether there ever were any: mostly not, and then nobody has to look.
    has_accounts: AtomicBool,
    epoch: AtomicU64,
    /// The number of the load that it holds; 0: it holds no whole.
    loaded: AtomicU64,
    loads: AtomicU64,
    writer: Mutex<Writer>,
}

/// What somebody holds who holds nothing.
static NOTHING: LazyLock<Grants> = LazyLock::new(Grants::default);

/// Somebody's place in a workspace. Those who left stay, so that an older change cannot bring them back.
#[derive(Debug)]
struct Member {
    role: Option<RoleRef>,
    epoch: Epoch,
}

/// What a workspace's own role holds. Deleted ones stay, and hold nothing.
#[derive(Debug)]
struct RoleEntry {
    grants: Arc<Grants>,
    epoch: Epoch,
}

/// What a member's role gives.
#[derive(Debug)]
pub(crate) enum RoleGrants<'a> {
    /// As the profile says.
    OfProfile(&'a Grants),
    /// As the workspace says.
    Custom(Arc<Grants>),
    /// A role that is not there (any more) gives nothing.
    Nothing,
}

impl RoleGrants<'_> {
    pub(crate) fn grants(&self) -> &Grants {
        match self {
            Self::OfProfile(grants) => grants,
            Self::Custom(grants) => grants,
            Self::Nothing => &NOTHING,
        }
    }
}

/// What one of a key's secrets opens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opens {
    /// The key, as long as that lives.
    Current,
    /// The key too, until then: a rotation is open.
    UntilThen(Timestamp),
    /// Nothing any more.
    Nothing,
}

impl Opens {
    /// Which secret it is, and whether it still opens the key at `now`.
    pub(crate) fn at(self, now: Timestamp) -> (Which, bool) {
        match self {
            Self::Current => (Which::Current, true),
            Self::UntilThen(end) => (Which::Previous, now < end),
            Self::Nothing => (Which::Previous, false),
        }
    }
}

impl Replica {
    /// Knows nothing yet.
    pub fn new(profile: Arc<Profile>) -> Self {
        let packed = Packed::new();
        let writer = Writer::loading(packed.loading());
        Self {
            profile,
            packed,
            whole: Table::default(),
            grants: Spine::new(),
            homes: Spine::new(),
            workspaces: Table::default(),
            slugs: Table::default(),
            members: Table::default(),
            reach: Table::default(),
            people: Table::default(),
            roles: Table::default(),
            accounts: Table::default(),
            has_accounts: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            loaded: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            writer: Mutex::new(writer),
        }
    }

    /// Takes changes in. When it returns, every decision that begins afterwards knows of them.
    pub fn apply(&self, changes: Changes) {
        self.put(changes.up_to, changes.states);
        self.complete(changes.up_to);
    }

    /// Takes in states as they were at `epoch`, without saying that it knows all up to there: others are to follow.
    pub fn put(&self, epoch: Epoch, states: impl IntoIterator<Item = State>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for state in states {
            match state {
                State::Key(key) => self.put_key(&mut writer, *key, epoch),
                State::Workspace(workspace) => self.put_workspace(workspace, epoch),
                State::Membership { workspace, user, role } => self.put_member(user, workspace, role, epoch),
                State::ServiceAccount(account) => self.put_account(account, epoch),
                State::Role { role, grant } => self.put_role(role, grant, epoch),
                State::Person { user, name, suspended_at } => {
                    self.put_person(user, name, suspended_at, epoch);
                }
            }
        }
    }

    /// Every change up to `epoch` was put. What was loaded before the first of these is found from then on. Said last, so
    /// that nobody reads an epoch whose changes are not all there.
    pub fn complete(&self, epoch: Epoch) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loading) = writer.end_loading() {
            self.packed.take_in(loading);
        }
        self.epoch.fetch_max(epoch.0, Ordering::AcqRel);
        if self.loaded.load(Ordering::Acquire) == 0 {
            self.loaded.store(self.loads.fetch_add(1, Ordering::AcqRel) + 1, Ordering::Release);
        }
    }

    /// Forgets everything: what it knew is of another history of the store, or may lack something. Whoever
    /// calls this has ended the lease first.
    pub fn clear(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.loaded.store(0, Ordering::Release);
        self.epoch.store(0, Ordering::Release);
        self.packed.clear();
        writer.begin_anew(self.packed.loading());
        self.whole.pin().clear();
        // Workspaces keep their places, and grants theirs: what comes next is mostly the same.
        self.homes.iter().for_each(Home::clear);
        self.slugs.pin().clear();
        self.members.pin().clear();
        self.reach.pin().clear();
        self.people.pin().clear();
        self.roles.pin().clear();
        self.accounts.pin().clear();
    }

    /// The last change that it knows of.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Whether it holds a whole.
    pub fn is_loaded(&self) -> bool {
        self.load().is_some()
    }

    /// Which load what it holds began with: another number after it was cleared. `None`: it holds no whole.
    pub(crate) fn load(&self) -> Option<u64> {
        Some(self.loaded.load(Ordering::Acquire)).filter(|load| *load > 0)
    }

    /// How many secrets it knows, dead ones too.
    pub fn keys_len(&self) -> usize {
        self.packed.len() + self.whole.len()
    }

    /// What keys may do here.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    fn put_workspace(&self, workspace: Workspace, epoch: Epoch) {
        let slugs = self.slugs.pin();
        let before = self.workspace(workspace.id);
        if before.as_ref().is_some_and(|before| epoch < before.epoch) {
            return;
        }
        let (id, slug) = (workspace.id, workspace.slug.clone());
        let old_slug = before.filter(|before| before.slug != slug).map(|before| before.slug.clone());
        if let Some(home) = self.home(id).and_then(|place| self.homes.get(place as usize)) {
            home.set(Arc::new(WorkspaceEntry::new(&self.profile, workspace, epoch)));
        }
        // A slug may have gone from one workspace to another: only its present holder lets go of it, and
        // only a later change takes it away.
        if slugs.get(slug.as_str()).is_none_or(|(_, since)| epoch >= *since) {
            slugs.insert(slug.as_str().into(), (id, epoch));
        }
        if let Some(old) = old_slug
            && slugs.get(old.as_str()).is_some_and(|(holder, _)| *holder == id)
        {
            slugs.remove(old.as_str());
        }
    }

    fn put_member(&self, user: UserId, workspace: WorkspaceId, role: Option<RoleRef>, epoch: Epoch) {
        let members = self.members.pin();
        let place = (user, workspace);
        if members.get(&place).is_some_and(|before| epoch < before.epoch) {
            return;
        }
        let is_member = role.is_some();
        members.insert(place, Member { role, epoch });
        let reach = self.reach.pin();
        let before = reach.get(&user).cloned().unwrap_or_else(|| Arc::new([]));
        if before.contains(&workspace) == is_member {
            return;
        }
        let others = before.iter().copied().filter(|id| *id != workspace);
        let after = others.chain(is_member.then_some(workspace)).collect();
        reach.insert(user, after);
    }

    fn put_account(&self, account: ServiceAccount, epoch: Epoch) {
        let accounts = self.accounts.pin();
        if accounts.get(&account.id).is_some_and(|(_, before)| epoch < *before) {
            return;
        }
        accounts.insert(account.id, (Arc::new(account), epoch));
        self.has_accounts.store(true, Ordering::Release);
    }

    fn put_role(&self, role: RoleId, grant: Option<Grant>, epoch: Epoch) {
        let roles = self.roles.pin();
        if roles.get(&role).is_some_and(|before| epoch < before.epoch) {
            return;
        }
        let grants = grant.map(|grant| Grants::compile(&self.profile.catalogue, &grant)).unwrap_or_default();
        roles.insert(role, RoleEntry { grants: Arc::new(grants), epoch });
    }

    fn put_person(&self, user: UserId, name: Box<str>, suspended_at: Option<Timestamp>, epoch: Epoch) {
        let people = self.people.pin();
        if people.get(&user).is_some_and(|before| epoch < before.epoch) {
            return;
        }
        let suspended = suspended_at.is_some();
        people.insert(user, Arc::new(PersonEntry { id: user, name, suspended, epoch }));
    }

    pub(crate) fn key(&self, digest: &SecretDigest) -> Option<(FoundKey, Opens)> {
        if let Some(packed) = self.packed.find(digest) {
            return Some((FoundKey(Form::Packed(packed)), Opens::Current));
        }
        let (entry, opens) = self.whole.pin().get(digest).cloned()?;
        Some((FoundKey(Form::Whole(entry)), opens))
    }

    /// What a key was given.
    pub(crate) fn grants_of<'a>(&'a self, key: &'a FoundKey) -> &'a Grants {
        match &key.0 {
            Form::Packed(packed) => self.grants.get(packed.facts.grants().into()).unwrap_or(&NOTHING),
            Form::Whole(whole) => &whole.grants,
        }
    }

    /// The workspace of a workspace key.
    pub(crate) fn home_of(&self, key: &FoundKey) -> Option<FoundWorkspace> {
        match &key.0 {
            Form::Packed(packed) => match packed.facts.kind() {
                KeyKind::Workspace => self.homes.get(packed.facts.home() as usize)?.get(),
                KeyKind::Personal => None,
            },
            Form::Whole(whole) => match &whole.belongs {
                Belongs::ToWorkspace { workspace, .. } => self.workspace(*workspace),
                Belongs::ToPerson { .. } => None,
            },
        }
    }

    pub(crate) fn workspace(&self, id: WorkspaceId) -> Option<FoundWorkspace> {
        let place = *self.workspaces.pin().get(&id)?;
        self.homes.get(place as usize)?.get()
    }

    pub(crate) fn workspace_by_slug(&self, slug: &str) -> Option<FoundWorkspace> {
        let (id, _) = *self.slugs.pin().get(slug)?;
        // While a slug moves, the two tables may disagree for an instant; then nobody has it.
        self.workspace(id).filter(|workspace| workspace.slug.as_str() == slug)
    }

    pub(crate) fn person(&self, user: UserId) -> Option<Arc<PersonEntry>> {
        self.people.pin().get(&user).cloned()
    }

    /// What has become of the service account that a key acts as. `None`: what the key holds is as new.
    pub(crate) fn account_since(&self, key: &FoundKey) -> Option<Arc<ServiceAccount>> {
        if !self.has_accounts.load(Ordering::Acquire) {
            return None;
        }
        let Whose::Workspace { account, .. } = key.whose() else { return None };
        let accounts = self.accounts.pin();
        let (account, epoch) = accounts.get(&account)?;
        (*epoch >= key.epoch()).then(|| Arc::clone(account))
    }

    /// The workspaces that somebody is a member of.
    pub(crate) fn reach(&self, user: UserId) -> Option<Arc<[WorkspaceId]>> {
        self.reach.pin().get(&user).cloned()
    }

    /// What a member's role gives. `None`: no member.
    pub(crate) fn role_of(&self, user: UserId, workspace: WorkspaceId) -> Option<RoleGrants<'_>> {
        let members = self.members.pin();
        let role = members.get(&(user, workspace))?.role.as_ref()?;
        let found = match role {
            RoleRef::OfProfile(name) => {
                self.profile.role(name).map(|role| RoleGrants::OfProfile(&role.grants))
            }
            RoleRef::Custom(id) => {
                self.roles.pin().get(id).map(|role| RoleGrants::Custom(Arc::clone(&role.grants)))
            }
        };
        Some(found.unwrap_or(RoleGrants::Nothing))
    }
}
