//! A small product, and things that happen in it.

use std::sync::Arc;

use jiff::Timestamp;
use keyward_core::catalogue::{Catalogue, Scope};
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::decision::{Ask, Denied};
use keyward_core::grace::Grace;
use keyward_core::grant::{Grant, Grants, Pattern, Rule, Wanted};
use keyward_core::id::{KeyId, RoleId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret};
use keyward_core::person::DisplayName;
use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::{ExpiryChoice, ExpiryPolicy, KeyPolicy, Kinds, Product, Profile};
use keyward_core::rate::RequestsPerMinute;
use keyward_core::role::{Role, RoleName, RoleRef};
use keyward_core::route::Routes;
use keyward_core::secret::{Encoding, PlainSecret, SecretFormat};
use keyward_core::workspace::{Slug, Workspace};
use keyward_verifier::{Place, Question, Refusal, Replica};

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn format() -> SecretFormat {
    SecretFormat::new("kw_", Encoding::Base62).unwrap()
}

pub(crate) fn catalogue() -> Catalogue {
    let scope = |name: &str| Scope {
        name: name.into(),
        title: name.into(),
        description: name.into(),
        implies: [].into(),
    };
    Catalogue::new(vec![scope("a:read"), scope("b:read")]).unwrap()
}

pub(crate) fn profile(inherit: bool) -> Arc<Profile> {
    let catalogue = catalogue();
    let role = |name: &str, grant: Grant| Role {
        name: RoleName::new(name),
        title: name.into(),
        grants: Grants::compile(&catalogue, &grant),
        grant,
    };
    let everything = Rule { action: Pattern::parse("**").unwrap(), resources: [].into() };
    let roles = vec![
        role("owner", Grant { scopes: vec![], rules: vec![everything] }),
        role("reader", scopes(&["a:read"])),
    ];
    let plan = |name: &str, api_keys, a_minute| Plan {
        name: PlanName::new(name),
        title: name.into(),
        api_keys,
        keys_max: None,
        seats_max: None,
        requests_per_minute: RequestsPerMinute::new(a_minute),
    };
    let keys = KeyPolicy {
        format: format(),
        kinds: Kinds { personal: true, workspace: true },
        expiry: ExpiryPolicy {
            menu: vec![ExpiryChoice { label: "never".into(), seconds: None }],
            default: 0,
            never: true,
            max_seconds: 1,
        },
        create_by_api: true,
        inherit,
        rotation_overlap_seconds: 1,
        requests_per_minute: None,
    };
    let product =
        Product { name: "x".into(), workspace_word: "workspace".into(), revoked_word: "Revoked".into() };
    let plans = vec![plan("pro", true, 0), plan("starter", false, 0), plan("small", true, 2)];
    let profile = Profile::new("test", product, keys, catalogue, roles, plans, Routes::default());
    Arc::new(profile.unwrap())
}

/// The same product with a limit for every key.
pub(crate) fn limited_profile(a_minute: u32) -> Arc<Profile> {
    let mut profile = (*profile(false)).clone();
    profile.keys.requests_per_minute = RequestsPerMinute::new(a_minute);
    Arc::new(profile)
}

/// The key with a limit of its own.
pub(crate) fn slow(key: Key, a_minute: u32) -> Key {
    Key { requests_per_minute: RequestsPerMinute::new(a_minute), ..key }
}

pub(crate) fn scopes(names: &[&str]) -> Grant {
    Grant { scopes: names.iter().map(|&name| name.into()).collect(), rules: vec![] }
}

pub(crate) fn user(n: u64) -> UserId {
    UserId::new(n, [1; 10])
}

pub(crate) fn workspace_id(n: u64) -> WorkspaceId {
    WorkspaceId::new(n, [2; 10])
}

pub(crate) fn secret(n: u8) -> PlainSecret {
    format().mint(&[n; 32])
}

pub(crate) fn key(n: u8, belongs: Belongs, grant: Grant) -> Key {
    let by = Principal { id: PrincipalId::User(user(1)), name: "Ada".into() };
    Key {
        id: KeyId::new(n.into(), [3; 10]),
        belongs,
        name: DisplayName::from_stored(&format!("key {n}")),
        description: None,
        grant,
        secret: StoredSecret { digest: secret(n).digest(), hint: secret(n).hint(&format()) },
        old: None,
        retired: vec![],
        created_at: NOW,
        created_by: by,
        expires_at: None,
        revoked: None,
        allowed_cidrs: vec![],
        requests_per_minute: None,
        metadata: std::collections::BTreeMap::default(),
        version: 1,
    }
}

pub(crate) fn personal(n: u8, owner: u64, only: Option<&[u64]>, grant: Grant) -> Key {
    let workspaces = only.map(|only| only.iter().map(|n| workspace_id(*n)).collect());
    key(n, Belongs::ToPerson { owner: user(owner), workspaces }, grant)
}

pub(crate) fn of_workspace(n: u8, workspace: u64, grant: Grant) -> Key {
    let acts_as = ServiceAccount::of_key(ServiceAccountId::new(n.into(), [4; 10]), "api_ci".into());
    key(n, Belongs::ToWorkspace { workspace: workspace_id(workspace), owner: None, acts_as }, grant)
}

pub(crate) fn revoked(mut key: Key) -> Key {
    key.revoked = Some(Revocation { at: NOW, by: key.created_by.clone() });
    key
}

pub(crate) fn workspace(n: u64, slug: &str, plan: &str) -> State {
    State::Workspace(Workspace {
        id: workspace_id(n),
        slug: Slug::parse(slug).unwrap(),
        name: DisplayName::from_stored(slug),
        plan: PlanName::new(plan),
        grace: Grace::NONE,
        allowed_cidrs: vec![],
        key_lifetime_max: None,
        created_at: NOW,
        version: 1,
    })
}

pub(crate) fn member(n: u64, of: u64, role: Option<&str>) -> State {
    State::Membership {
        workspace: workspace_id(of),
        user: user(n),
        role: role.map(|name| RoleRef::OfProfile(RoleName::new(name))),
    }
}

/// A member with a role that the workspace made.
pub(crate) fn custom_member(n: u64, of: u64, role: RoleId) -> State {
    State::Membership { workspace: workspace_id(of), user: user(n), role: Some(RoleRef::Custom(role)) }
}

pub(crate) fn person(n: u64, suspended: bool) -> State {
    State::Person { user: user(n), name: "Ada".into(), suspended_at: suspended.then_some(NOW) }
}

pub(crate) fn has(key: Key) -> State {
    State::Key(Box::new(key))
}

pub(crate) fn apply(replica: &Replica, up_to: u64, states: Vec<State>) {
    replica.apply(Changes { up_to: Epoch(up_to), states });
}

/// The code of the answer, or `valid`, `needed`.
pub(crate) fn code(
    replica: &Replica,
    presented: &str,
    place: Option<&str>,
    wanted: Option<&str>,
) -> &'static str {
    let catalogue = catalogue();
    let wanted: Vec<Wanted<'_>> = wanted.iter().map(|name| Wanted::new(&catalogue, name)).collect();
    let asks = [Ask { all_of: &wanted, ..Ask::default() }];
    let place = place.map_or(Place::Unsaid, Place::Named);
    match replica.decide(&Question { place, asks: &asks, ..Question::about(presented) }, NOW) {
        Ok(_) => "valid",
        Err(Refusal::WorkspaceNeeded) => "needed",
        Err(Refusal::Stale) => "stale",
        Err(Refusal::Denied(denial)) => denial.reason.code(),
    }
}

pub(crate) fn reason(refusal: Refusal) -> Denied {
    match refusal {
        Refusal::Denied(denial) => denial.reason,
        other => panic!("{other:?}"),
    }
}
