//! A store that commits one transaction after another, and can be put back to an earlier state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyward_core::change::{Epoch, Incarnation, Point, State};
use keyward_core::grace::{Grace, GraceSeconds};
use keyward_core::grant::Grant;
use keyward_core::id::{KeyId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret};
use keyward_core::person::DisplayName;
use keyward_core::plan::PlanName;
use keyward_core::secret::{PlainSecret, SecretFormat};
use keyward_core::workspace::{Slug, Workspace};
use keyward_service::feed::{NodeId, Told};
use keyward_storage::{NodeElsewhere, NodeNote};

/// Workspaces: keys are theirs by turns.
const WORKSPACES: usize = 2;
/// The grace that the second one gives at the beginning, and most that it ever gives.
pub(super) const GRACE: GraceSeconds = match GraceSeconds::new(6) {
    Some(grace) => grace,
    None => GraceSeconds::NONE,
};

/// What the store holds: keys by number, and the changes with what they are about.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) incarnation: Incarnation,
    revoked: Vec<bool>,
    /// What the workspaces give: the first never any.
    graces: [Grace; WORKSPACES],
    /// Epoch and key, or, beyond the keys, workspace. With a planted fault they are not in order.
    changes: Vec<(Epoch, usize)>,
    next_epoch: u64,
    histories: u8,
    /// What servers have noted: their beats, and their nodes.
    notes: BTreeMap<String, (u64, BTreeMap<NodeIdText, Epoch>)>,
}

/// Name and start of a node.
type NodeIdText = (String, String);

/// What a read finds of a store at one instant.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) told: Told,
    pub(super) states: Vec<State>,
}

pub(super) fn secret(format: &SecretFormat, n: usize) -> PlainSecret {
    let mut entropy = [0; 32];
    entropy[..8].copy_from_slice(&n.to_be_bytes());
    format.mint(&entropy)
}

impl Store {
    pub(super) fn with_keys(keys: usize) -> Self {
        let mut store = Self {
            incarnation: Incarnation::from_bytes([1; 16]),
            revoked: vec![false; keys],
            graces: [Grace::NONE, Grace::NONE.choose(GRACE, Timestamp::UNIX_EPOCH)],
            changes: Vec::new(),
            next_epoch: 1,
            histories: 1,
            notes: BTreeMap::new(),
        };
        for key in 0..keys {
            let epoch = store.draw();
            store.changes.push((epoch, key));
        }
        store
    }

    /// The next number. Drawn at the commit, it is in its order.
    pub(super) fn draw(&mut self) -> Epoch {
        self.next_epoch += 1;
        Epoch(self.next_epoch - 1)
    }

    /// Commits a change of a key under a number that was drawn for it.
    pub(super) fn commit(&mut self, epoch: Epoch, key: usize, revoke: bool) {
        self.revoked[key] |= revoke;
        self.changes.push((epoch, key));
    }

    /// Commits another choice of the second workspace.
    pub(super) fn choose_grace(&mut self, seconds: GraceSeconds, now: Timestamp) {
        let epoch = self.draw();
        self.graces[1] = self.graces[1].choose(seconds, now);
        self.changes.push((epoch, self.revoked.len() + 1));
    }

    /// What the workspace of a key gives.
    pub(super) fn grace(&self, key: usize) -> Grace {
        self.graces[key % WORKSPACES]
    }

    /// Notes all nodes of a server, in the place of what was noted before.
    pub(super) fn note(&mut self, server: &str, beat: u64, nodes: &[(NodeId, Epoch)]) {
        let of =
            |(node, applied): &(NodeId, Epoch)| ((node.name.to_string(), node.start.to_string()), *applied);
        self.notes.insert(server.to_owned(), (beat, nodes.iter().map(of).collect()));
    }

    /// Strikes a server off that has said nothing since that beat.
    pub(super) fn strike(&mut self, server: &str, beat: u64) {
        if self.notes.get(server).is_some_and(|(last, _)| *last == beat) {
            self.notes.remove(server);
        }
    }

    pub(super) fn nodes_elsewhere(&self, than: &str) -> Vec<NodeElsewhere> {
        let others = self.notes.iter().filter(|(server, _)| *server != than);
        let each = others.flat_map(|(server, (beat, nodes))| {
            nodes.iter().map(|((name, start), applied)| NodeElsewhere {
                server: server.clone(),
                beat: *beat,
                node: NodeNote { start: start.clone(), name: name.clone(), applied: *applied },
            })
        });
        each.collect()
    }

    pub(super) fn is_revoked(&self, key: usize) -> bool {
        self.revoked[key]
    }

    pub(super) fn last(&self) -> Epoch {
        self.changes.iter().map(|(epoch, _)| *epoch).max().unwrap_or_default()
    }

    fn told(&self) -> Told {
        let up_to = Point { incarnation: self.incarnation, epoch: self.last() };
        Told { up_to, is_confirmed: true }
    }

    /// What was changed after an epoch, as it is now, at its first change.
    pub(super) fn changes_since(&self, format: &SecretFormat, after: Epoch) -> Found {
        let mut told = Vec::new();
        let mut changes = self.changes.clone();
        changes.sort_unstable_by_key(|(epoch, _)| *epoch);
        for (epoch, key) in changes {
            if epoch > after && !told.contains(&key) {
                told.push(key);
            }
        }
        let states = told.into_iter().map(|key| self.state(format, key)).collect();
        Found { told: self.told(), states }
    }

    pub(super) fn snapshot(&self, format: &SecretFormat) -> Found {
        let keys = (0..self.revoked.len()).map(|key| self.state(format, key));
        Found { told: self.told(), states: (0..WORKSPACES).map(|n| self.workspace(n)).chain(keys).collect() }
    }

    /// Goes back to how it was then. `anew`: as another history.
    pub(super) fn put_back(&mut self, then: &Self, anew: bool, now: Timestamp) {
        let histories = self.histories + 1;
        *self = then.clone();
        self.graces = self.graces.map(|grace| grace.put_back(now));
        self.histories = histories;
        if anew {
            self.incarnation = Incarnation::from_bytes([histories; 16]);
        }
    }

    fn workspace(&self, n: usize) -> State {
        State::Workspace(Workspace {
            id: place(n),
            slug: Slug::parse(&format!("acme-{n}")).unwrap(),
            name: DisplayName::from_stored("Acme"),
            plan: PlanName::new("standard"),
            grace: self.graces[n],
            allowed_cidrs: vec![],
            key_lifetime_max: None,
            created_at: Timestamp::UNIX_EPOCH,
            version: 1,
        })
    }

    fn state(&self, format: &SecretFormat, n: usize) -> State {
        if let Some(workspace) = n.checked_sub(self.revoked.len()) {
            return self.workspace(workspace);
        }
        let secret = secret(format, n);
        let number = n as u64;
        let by = Principal { id: PrincipalId::User(UserId::new(1, [1; 10])), name: "Ada".into() };
        let account = ServiceAccount::of_key(ServiceAccountId::new(number, [4; 10]), "api_ci".into());
        let at = Timestamp::UNIX_EPOCH;
        State::Key(Box::new(Key {
            id: KeyId::new(number, [3; 10]),
            belongs: Belongs::ToWorkspace { workspace: place(n % WORKSPACES), owner: None, acts_as: account },
            name: DisplayName::from_stored("ci"),
            description: None,
            grant: Grant { scopes: vec!["any".into()], rules: vec![] },
            secret: StoredSecret { digest: secret.digest(), hint: secret.hint(format) },
            old: None,
            retired: vec![],
            created_at: at,
            created_by: by.clone(),
            expires_at: None,
            revoked: self.revoked[n].then_some(Revocation { at, by }),
            allowed_cidrs: vec![],
            requests_per_minute: None,
            metadata: BTreeMap::new(),
            version: 1,
        }))
    }
}

/// The most that the workspace of a key ever gives.
pub(super) fn most_grace(key: usize) -> GraceSeconds {
    if key.is_multiple_of(WORKSPACES) { GraceSeconds::NONE } else { GRACE }
}

fn place(n: usize) -> WorkspaceId {
    WorkspaceId::new(n as u64, [2; 10])
}
