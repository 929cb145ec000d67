//! A profile: how keys look in one product, and what they may do. Built from a file by the binary, checked
//! here.

use crate::catalogue::Catalogue;
use crate::pages::Pages;
use crate::plan::{Plan, PlanName};
use crate::rate::RequestsPerMinute;
use crate::role::{Role, RoleName};
use crate::route::Routes;
use crate::secret::SecretFormat;

/// Words that people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The product's name.
    pub name: Box<str>,
    /// The product's word for a workspace, such as "organization".
    pub workspace_word: Box<str>,
    /// The product's word for the status `revoked`, such as "Disabled".
    pub revoked_word: Box<str>,
}

/// Which kinds of key the product has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// Keys that belong to a person.
    pub personal: bool,
    /// Keys that belong to a workspace.
    pub workspace: bool,
}

/// One choice of the expiry menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryChoice {
    /// What people read, such as "30 days".
    pub label: Box<str>,
    /// How long. `None`: never expires.
    pub seconds: Option<u64>,
}

/// When keys end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryPolicy {
    /// What a form offers.
    pub menu: Vec<ExpiryChoice>,
    /// The choice that a form starts with: a place in the menu.
    pub default: usize,
    /// Whether a key may have no end.
    pub never: bool,
    /// The longest life that may be asked for, in seconds.
    pub max_seconds: u64,
}

impl ExpiryPolicy {
    /// How long a key lives whose creator did not say. `None`: for ever, if that is allowed.
    pub fn unsaid_seconds(&self) -> Option<u64> {
        if self.never {
            return None;
        }
        let default = self.menu.get(self.default).and_then(|choice| choice.seconds);
        Some(default.unwrap_or(self.max_seconds).min(self.max_seconds))
    }
}

/// How keys of the product are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    /// What a secret looks like.
    pub format: SecretFormat,
    /// Which kinds there are.
    pub kinds: Kinds,
    /// When keys end.
    pub expiry: ExpiryPolicy,
    /// Whether keys may be created through the API, or in the console only (CER-1).
    pub create_by_api: bool,
    /// Whether a personal key has no grants of its own and inherits its owner's role (CYB-1).
    pub inherit: bool,
    /// How long the old secret lives after a rotation, unless the request says otherwise.
    pub rotation_overlap_seconds: u64,
    /// How many requests a minute each key may make. `None`: the profile sets no limit.
    pub requests_per_minute: Option<RequestsPerMinute>,
}

/// A profile. What [`Profile::new`] promises: there is a role and a plan, and names are there once.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name, such as `cveium`.
    pub name: Box<str>,
    /// Words that people see.
    pub product: Product,
    /// How keys are made.
    pub keys: KeyPolicy,
    /// Which scopes there are.
    pub catalogue: Catalogue,
    /// Which scope a request needs.
    pub routes: Routes,
    /// How the console speaks of keys. It changes nothing of what they may do.
    pub pages: Pages,
    roles: Vec<Role>,
    plans: Vec<Plan>,
}

/// The parts do not make a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProfile {
    /// Nobody could be a member.
    #[error("a profile has at least one role")]
    NoRole,
    /// No workspace could be made.
    #[error("a profile has at least one plan")]
    NoPlan,
    /// Two roles of one name.
    #[error("the role \"{name}\" is there twice")]
    DuplicateRole {
        /// Which.
        name: RoleName,
        /// The place of the second.
        index: usize,
    },
    /// Two plans of one name.
    #[error("the plan \"{name}\" is there twice")]
    DuplicatePlan {
        /// Which.
        name: PlanName,
        /// The place of the second.
        index: usize,
    },
    /// Neither kind of key.
    #[error("a profile has personal keys, workspace keys or both")]
    NoKind,
    /// The form would start with a choice that is not there.
    #[error("the default expiry is not in the menu")]
    DefaultNotInMenu,
}

impl Profile {
    /// Puts the parts together.
    pub fn new(
        name: &str,
        product: Product,
        keys: KeyPolicy,
        catalogue: Catalogue,
        roles: Vec<Role>,
        plans: Vec<Plan>,
        routes: Routes,
    ) -> Result<Self, InvalidProfile> {
        if roles.is_empty() {
            return Err(InvalidProfile::NoRole);
        }
        if plans.is_empty() {
            return Err(InvalidProfile::NoPlan);
        }
        if let Some((index, name)) = first_repeated(roles.iter().map(|role| &role.name)) {
            return Err(InvalidProfile::DuplicateRole { name: name.clone(), index });
        }
        if let Some((index, name)) = first_repeated(plans.iter().map(|plan| &plan.name)) {
            return Err(InvalidProfile::DuplicatePlan { name: name.clone(), index });
        }
        if !keys.kinds.personal && !keys.kinds.workspace {
            return Err(InvalidProfile::NoKind);
        }
        if keys.expiry.default >= keys.expiry.menu.len() {
            return Err(InvalidProfile::DefaultNotInMenu);
        }
        let pages = Pages::default();
        Ok(Self { name: name.into(), product, keys, catalogue, routes, pages, roles, plans })
    }

    /// All roles. The first holds everything, and the maker of a workspace gets it.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// All plans. A new workspace is on the first.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The role of that name.
    pub fn role(&self, name: &RoleName) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == *name)
    }

    /// The plan of that name.
    pub fn plan(&self, name: &PlanName) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == *name)
    }

    /// Whether a workspace on this plan may use keys. A plan that the profile does not know has none: fail
    /// closed.
    pub fn plan_has_keys(&self, name: &PlanName) -> bool {
        self.plan(name).is_some_and(|plan| plan.api_keys)
    }

    /// How often a key without a limit of its own may be used in a workspace on this plan: the smaller of the profile's
    /// limit and the plan's. `None`: as often as it likes.
    pub fn rate_limit(&self, plan: &PlanName) -> Option<RequestsPerMinute> {
        let of_plan = self.plan(plan).and_then(|plan| plan.requests_per_minute);
        RequestsPerMinute::smallest([self.keys.requests_per_minute, of_plan])
    }

    /// Whether any key may have a limit that is not its own.
    pub fn limits_rates(&self) -> bool {
        self.keys.requests_per_minute.is_some()
            || self.plans.iter().any(|plan| plan.requests_per_minute.is_some())
    }
}

fn first_repeated<'a, T: PartialEq + 'a>(items: impl Iterator<Item = &'a T>) -> Option<(usize, &'a T)> {
    let mut seen: Vec<&T> = Vec::new();
    for (index, item) in items.enumerate() {
        if seen.contains(&item) {
            return Some((index, item));
        }
        seen.push(item);
    }
    None
}
