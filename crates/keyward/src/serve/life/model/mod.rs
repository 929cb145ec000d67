//! The reference: who is where, with what, in plain lists, and what follows from that. It takes identifiers and
//! secrets from the service, and nothing else: never an answer to what a key may do.

mod answer;
mod keys;
mod members;
pub(crate) mod rights;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyward_core::catalogue::Scope;
use keyward_core::profile::Profile;
use keyward_core::role::Role as ProfileRole;

pub(crate) use answer::{Ask, Presented, Question, Said, Where, Works};
pub(crate) use keys::{Asked, Edit, Via};
use rights::{Grant, Rule, Scopes};

/// Why an operation does not happen. Several may hold at once; which of them is told is not the model's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    Unauthenticated,
    NotFound,
    Forbidden,
    Conflict,
    Invalid,
    Plan,
}

/// All reasons that hold. None: it happens.
pub(crate) type Reasons = BTreeSet<Why>;

/// What the product says.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) scopes: Scopes,
    pub(crate) roles: Vec<(String, Grant)>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) inherit: bool,
    pub(crate) has_personal: bool,
    pub(crate) has_workspace: bool,
    pub(crate) life_max_seconds: u64,
    pub(crate) overlap_seconds: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) has_keys: bool,
    pub(crate) keys_max: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) suspended: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) slug: String,
    pub(crate) plan: String,
    pub(crate) grace_seconds: u64,
    /// By person.
    pub(crate) members: BTreeMap<usize, Member>,
    pub(crate) roles: Vec<CustomRole>,
    pub(crate) accounts: Vec<Account>,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) suspended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    OfProduct(String),
    /// By its place in the workspace's list.
    Custom(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct CustomRole {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) grant: Grant,
    pub(crate) deleted: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    /// It stands alone. Otherwise it goes with its key.
    pub(crate) shared: bool,
    pub(crate) disabled: bool,
    pub(crate) deleted: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Invitation {
    pub(crate) workspace: usize,
    pub(crate) person: usize,
    pub(crate) role: Role,
    pub(crate) by: usize,
    pub(crate) expires_at: Timestamp,
    pub(crate) token: String,
    /// Used, replaced by another, or gone with its role.
    pub(crate) gone: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) home: Home,
    pub(crate) name: String,
    pub(crate) grant: Grant,
    pub(crate) networks: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: usize,
    pub(crate) expires_at: Option<Timestamp>,
    /// When, and by whom.
    pub(crate) revoked: Option<(Timestamp, usize)>,
    /// In the order in which they were made.
    pub(crate) secrets: Vec<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Home {
    Person { owner: usize, only: Option<Vec<usize>> },
    Workspace { workspace: usize, owner: Option<usize>, acts_as: usize },
}

#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) text: String,
    pub(crate) life: Life,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Current,
    Old { since: Timestamp, until: Timestamp },
    Dead,
}

/// Everything.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) now: Timestamp,
    pub(crate) product: Product,
    pub(crate) people: Vec<Person>,
    pub(crate) workspaces: Vec<Workspace>,
    pub(crate) invitations: Vec<Invitation>,
    pub(crate) keys: Vec<Key>,
}

impl Product {
    /// Takes down what the profile says, as it is written there.
    pub(crate) fn new(profile: &Profile) -> Self {
        let scopes = profile.catalogue.scopes().iter();
        let included = |scope: &Scope| scope.implies.iter().map(ToString::to_string).collect();
        let scopes = scopes.map(|scope| (scope.name.to_string(), included(scope))).collect();
        let role = |role: &ProfileRole| (role.name.to_string(), grant(&role.grant));
        let plans = profile.plans().iter().map(|plan| Plan {
            name: plan.name.to_string(),
            has_keys: plan.api_keys,
            keys_max: plan.keys_max.map(|most| most as usize),
        });
        Self {
            scopes: Scopes::new(&scopes),
            roles: profile.roles().iter().map(role).collect(),
            plans: plans.collect(),
            inherit: profile.keys.inherit,
            has_personal: profile.keys.kinds.personal,
            has_workspace: profile.keys.kinds.workspace,
            life_max_seconds: profile.keys.expiry.max_seconds,
            overlap_seconds: profile.keys.rotation_overlap_seconds,
        }
    }

    pub(crate) fn first_role(&self) -> Role {
        Role::OfProduct(self.roles[0].0.clone())
    }

    fn plan(&self, name: &str) -> &Plan {
        self.plans.iter().find(|plan| plan.name == name).unwrap()
    }
}

fn grant(written: &keyward_core::grant::Grant) -> Grant {
    let rule = |rule: &keyward_core::grant::Rule| Rule {
        action: rule.action.to_string(),
        resources: rule.resources.iter().map(ToString::to_string).collect(),
    };
    Grant {
        scopes: written.scopes.iter().map(ToString::to_string).collect(),
        rules: written.rules.iter().map(rule).collect(),
    }
}

impl Key {
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && !self.is_expired(now)
    }

    /// The place of the old secret, while a rotation is open, and since and until when that is.
    pub(crate) fn rotation(&self, now: Timestamp) -> Option<(usize, Timestamp, Timestamp)> {
        self.secrets.iter().enumerate().find_map(|(place, secret)| match secret.life {
            Life::Old { since, until } if now < until && self.is_alive(now) => Some((place, since, until)),
            _ => None,
        })
    }

    /// The place of the secret that was made last and not cancelled.
    pub(crate) fn current(&self) -> usize {
        self.secrets.iter().position(|secret| secret.life == Life::Current).unwrap()
    }

    pub(crate) fn is_of_workspace(&self, at: usize) -> bool {
        matches!(self.home, Home::Workspace { workspace, .. } if workspace == at)
    }

    pub(crate) fn is_of_person(&self, who: usize) -> bool {
        matches!(self.home, Home::Person { owner, .. } if owner == who)
    }

    /// The instants at which it changes by itself.
    pub(crate) fn boundaries(&self) -> Vec<Timestamp> {
        let ends = self.secrets.iter().filter_map(|secret| match secret.life {
            Life::Old { until, .. } => Some(until),
            Life::Current | Life::Dead => None,
        });
        ends.chain(self.expires_at).collect()
    }
}

impl Model {
    /// What somebody's role in a workspace gives. `None`: they are no member, or suspended.
    pub(crate) fn role_of(&self, who: usize, at: usize) -> Option<Grant> {
        let member = self.workspaces[at].members.get(&who)?;
        if member.suspended || self.people[who].suspended {
            return None;
        }
        Some(self.grant_of(&member.role, at).unwrap_or_default())
    }

    /// What a role gives. `None`: it was deleted.
    pub(crate) fn grant_of(&self, role: &Role, at: usize) -> Option<Grant> {
        match role {
            Role::OfProduct(name) => {
                let found = self.product.roles.iter().find(|(other, _)| other == name);
                found.map(|(_, grant)| grant.clone())
            }
            Role::Custom(place) => {
                let role = &self.workspaces[at].roles[*place];
                (!role.deleted).then(|| role.grant.clone())
            }
        }
    }

    /// Whether somebody may, in a workspace.
    pub(crate) fn may(&self, who: usize, at: usize, permission: &str) -> bool {
        self.role_of(who, at).is_some_and(|role| self.product.scopes.allow(&role, permission, None))
    }

    /// What somebody's role gives, once they have entered a workspace, or why they cannot.
    fn enter(&self, who: usize, at: usize) -> Result<Grant, Why> {
        if self.people[who].suspended {
            return Err(Why::Unauthenticated);
        }
        self.role_of(who, at).ok_or(Why::NotFound)
    }

    /// The same, with a permission that they need.
    fn enter_with(&self, who: usize, at: usize, permission: &str) -> Result<Grant, Reasons> {
        let role = self.enter(who, at).map_err(|why| Reasons::from([why]))?;
        let may = self.product.scopes.allow(&role, permission, None);
        if may { Ok(role) } else { Err(Reasons::from([Why::Forbidden])) }
    }

    /// The workspaces that somebody is in and not suspended.
    pub(crate) fn places(&self, who: usize) -> Vec<usize> {
        (0..self.workspaces.len())
            .filter(|at| self.workspaces[*at].members.get(&who).is_some_and(|member| !member.suspended))
            .collect()
    }

    pub(crate) fn plan_has_keys(&self, at: usize) -> bool {
        self.product.plan(&self.workspaces[at].plan).has_keys
    }

    pub(crate) fn alive(&self) -> Vec<usize> {
        (0..self.keys.len()).filter(|key| self.keys[*key].is_alive(self.now)).collect()
    }

    pub(crate) fn keys_where(&self, is_wanted: impl Fn(&Key) -> bool) -> Vec<usize> {
        (0..self.keys.len()).filter(|key| is_wanted(&self.keys[*key])).collect()
    }
}
