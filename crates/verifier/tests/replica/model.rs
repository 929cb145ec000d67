//! Changes in any order, repeated and overlapping, beside a model that only knows how things ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{
    NOW, code, format, has, member, of_workspace, person, personal, profile, revoked, scopes, secret,
    workspace,
};
use jiff::SignedDuration;
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::key::{Belongs, Key, StoredSecret};
use keyward_verifier::Replica;
use proptest::prelude::*;

const USERS: u64 = 2;
const WORKSPACES: u64 = 3;
const KEYS: u8 = 6;
const SLUGS: [&str; 4] = ["one", "two", "three", "four"];

/// How things are: plain maps, read in the plainest way.
#[derive(Debug, Default, Clone)]
struct Model {
    keys: BTreeMap<u8, Key>,
    /// Slug and plan.
    workspaces: BTreeMap<u64, (&'static str, &'static str)>,
    members: BTreeMap<(u64, u64), &'static str>,
    suspended: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
enum Happening {
    Create {
        key: u8,
        personal: bool,
        who: u64,
        only: Option<u64>,
        both: bool,
    },
    Revoke {
        key: u8,
    },
    Member {
        user: u64,
        of: u64,
        role: Option<&'static str>,
    },
    Workspace {
        n: u64,
        slug: &'static str,
        plan: &'static str,
    },
    Suspend {
        user: u64,
        suspended: bool,
    },
    Disable {
        key: u8,
        disabled: bool,
    },
    /// From here on it has two secrets, and is no simple key any more.
    Rotate {
        key: u8,
    },
}

/// The secret that a key gets when it is rotated.
const fn second(key: u8) -> u8 {
    key + 100
}

fn happening() -> impl Strategy<Value = Happening> {
    let slug = prop::sample::select(&SLUGS[..]);
    let role = prop::sample::select(vec![None, Some("owner"), Some("reader"), Some("unheard of")]);
    prop_oneof![
        (1..=KEYS, any::<bool>(), 1..=USERS, prop::option::of(1..=WORKSPACES), any::<bool>()).prop_map(
            |(key, personal, who, only, both)| Happening::Create { key, personal, who, only, both }
        ),
        (1..=KEYS).prop_map(|key| Happening::Revoke { key }),
        (1..=USERS, 1..=WORKSPACES, role).prop_map(|(user, of, role)| Happening::Member { user, of, role }),
        (1..=WORKSPACES, slug, prop::sample::select(vec!["pro", "starter"]))
            .prop_map(|(n, slug, plan)| Happening::Workspace { n, slug, plan }),
        (1..=USERS, any::<bool>()).prop_map(|(user, suspended)| Happening::Suspend { user, suspended }),
        (1..=KEYS, any::<bool>()).prop_map(|(key, disabled)| Happening::Disable { key, disabled }),
        (1..=KEYS).prop_map(|key| Happening::Rotate { key }),
    ]
}

impl Model {
    /// Lets it happen, if it can, and says what changed.
    fn happen(&mut self, what: &Happening) -> Option<State> {
        match *what {
            Happening::Create { key, personal: is_personal, who, only, both } => {
                if self.keys.contains_key(&key) {
                    return None;
                }
                let grant = scopes(if both { &["a:read", "b:read"] } else { &["a:read"] });
                let made = if is_personal {
                    personal(key, who, only.as_ref().map(std::slice::from_ref), grant)
                } else {
                    of_workspace(key, only.unwrap_or(1), grant)
                };
                self.keys.insert(key, made.clone());
                Some(has(made))
            }
            Happening::Revoke { key } => {
                let held = self.keys.get_mut(&key)?;
                *held = revoked(held.clone());
                Some(has(held.clone()))
            }
            Happening::Rotate { key } => {
                let held = self.keys.get(&key)?.clone();
                let secret = secret(second(key));
                let new = StoredSecret { digest: secret.digest(), hint: secret.hint(&format()) };
                let rotated = held.rotate(new, NOW, SignedDuration::from_hours(1)).ok()?;
                self.keys.insert(key, rotated.clone());
                Some(has(rotated))
            }
            Happening::Member { user, of, role } => {
                match role {
                    Some(role) => self.members.insert((user, of), role),
                    None => self.members.remove(&(user, of)),
                };
                Some(member(user, of, role))
            }
            Happening::Workspace { n, slug, plan } => {
                if self.workspaces.iter().any(|(other, (taken, _))| *other != n && *taken == slug) {
                    return None;
                }
                self.workspaces.insert(n, (slug, plan));
                Some(workspace(n, slug, plan))
            }
            Happening::Disable { key, disabled } => {
                let Belongs::ToWorkspace { acts_as, .. } = &mut self.keys.get_mut(&key)?.belongs else {
                    return None;
                };
                acts_as.disabled = disabled;
                Some(State::ServiceAccount(acts_as.clone()))
            }
            Happening::Suspend { user, suspended } => {
                if suspended {
                    self.suspended.insert(user)
                } else {
                    self.suspended.remove(&user)
                };
                Some(person(user, suspended))
            }
        }
    }

    fn code(&self, key: u8, slug: Option<&str>, wanted: &str, known: &BTreeSet<u64>) -> &'static str {
        let Some(held) = self.keys.get(&key) else { return "not_found" };
        if held.revoked.is_some() {
            return "revoked";
        }
        let holds = |key: &Key| key.grant.scopes.iter().any(|name| **name == *wanted);
        let named = slug.map(|slug| self.workspaces.iter().find(|(_, (s, _))| *s == slug).map(|(n, _)| *n));
        match &held.belongs {
            Belongs::ToWorkspace { acts_as, .. } if acts_as.disabled => "workspace_mismatch",
            Belongs::ToWorkspace { workspace, .. } => {
                let own = (1..=WORKSPACES).find(|n| crate::support::workspace_id(*n) == *workspace).unwrap();
                if !self.workspaces.contains_key(&own) || named.is_some_and(|named| named != Some(own)) {
                    return "workspace_mismatch";
                }
                self.last_words(own, holds(held))
            }
            Belongs::ToPerson { owner, workspaces } => {
                let owner = (1..=USERS).find(|n| crate::support::user(*n) == *owner).unwrap();
                let allowed = |n: u64| {
                    workspaces.as_ref().is_none_or(|only| only.contains(&crate::support::workspace_id(n)))
                };
                if self.suspended.contains(&owner) || !known.contains(&owner) {
                    return "workspace_mismatch";
                }
                let reached: Vec<u64> = (1..=WORKSPACES)
                    .filter(|n| self.members.contains_key(&(owner, *n)) && allowed(*n))
                    .collect();
                let at = match named {
                    Some(named) => named.filter(|n| reached.contains(n)),
                    None if reached.len() > 1 => return "needed",
                    None => reached.first().copied(),
                };
                let Some(at) = at.filter(|n| self.workspaces.contains_key(n)) else {
                    return "workspace_mismatch";
                };
                let role_holds = match self.members[&(owner, at)] {
                    "owner" => true,
                    "reader" => wanted == "a:read",
                    _ => false,
                };
                self.last_words(at, holds(held) && role_holds)
            }
        }
    }

    fn last_words(&self, at: u64, holds: bool) -> &'static str {
        match (self.workspaces[&at].1, holds) {
            ("starter", _) => "plan_required",
            (_, true) => "valid",
            (_, false) => "insufficient_scope",
        }
    }
}

fn same_answers(replica: &Replica, model: &Model, known: &BTreeSet<u64>) -> Result<(), TestCaseError> {
    for key in 1..=KEYS {
        for slug in SLUGS.into_iter().map(Some).chain([None]) {
            for wanted in ["a:read", "b:read"] {
                let got = code(replica, secret(key).expose(), slug, Some(wanted));
                let expected = model.code(key, slug, wanted, known);
                prop_assert_eq!(got, expected, "key {}, {:?}, {}", key, slug, wanted);
                let is_rotated = model.keys.get(&key).is_some_and(|key| key.old.is_some());
                let got = code(replica, secret(second(key)).expose(), slug, Some(wanted));
                let expected = if is_rotated { expected } else { "not_found" };
                prop_assert_eq!(got, expected, "the second of key {}, {:?}, {}", key, slug, wanted);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_end_is_the_same_in_whatever_order_changes_arrive(
        happenings in prop::collection::vec(happening(), 1..60),
        windows in prop::collection::vec((0_usize..60, 0_usize..60), 0..12),
        order in any::<u64>(),
        // So many of them come before the replica is a whole for the first time.
        loaded_after in 0_usize..70,
    ) {
        let mut model = Model::default();
        let mut known = BTreeSet::new();
        let states: Vec<State> = happenings.iter().filter_map(|what| {
            let state = model.happen(what)?;
            if let Happening::Suspend { user, .. } = what { known.insert(*user); }
            Some(state)
        }).collect();

        // Each change once, in an order of its own, and some stretches again in between.
        let mut deliveries: Vec<(usize, usize)> = (0..states.len()).map(|n| (n, n + 1)).collect();
        deliveries.extend(windows.iter().map(|(a, b)| {
            let (a, b) = ((*a).min(states.len()), (*b).min(states.len()));
            (a.min(b), a.max(b))
        }));
        let mut shuffle = order;
        for n in (1..deliveries.len()).rev() {
            shuffle = shuffle.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            deliveries.swap(n, usize::try_from(shuffle >> 33).unwrap() % (n + 1));
        }
        let replica = Replica::new(profile(false));
        for (n, (from, to)) in deliveries.into_iter().enumerate() {
            replica.put(Epoch(to as u64), states[from..to].to_vec());
            if n >= loaded_after {
                replica.complete(Epoch(to as u64));
            }
        }
        replica.complete(Epoch(states.len() as u64));
        same_answers(&replica, &model, &known)?;
    }

    #[test]
    fn in_order_every_step_answers_like_the_model(happenings in prop::collection::vec(happening(), 1..40)) {
        let mut model = Model::default();
        let mut known = BTreeSet::new();
        let replica = Replica::new(profile(false));
        for (n, what) in happenings.iter().enumerate() {
            let Some(state) = model.happen(what) else { continue };
            if let Happening::Suspend { user, .. } = what { known.insert(*user); }
            replica.apply(Changes { up_to: Epoch(n as u64 + 1), states: vec![state] });
            same_answers(&replica, &model, &known)?;
        }
    }
}
