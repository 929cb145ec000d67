//! Many keys of every sort, each made from its number alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keyward_core::catalogue::{Catalogue, Scope};
use keyward_core::change::{Epoch, State};
use keyward_core::grace::Grace;
use keyward_core::grant::{Grant, Grants, Pattern, Rule};
use keyward_core::id::{KeyId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, ServiceAccount, StoredSecret};
use keyward_core::person::DisplayName;
use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::{ExpiryChoice, ExpiryPolicy, KeyPolicy, Kinds, Product, Profile};
use keyward_core::role::{Role, RoleName, RoleRef};
use keyward_core::route::Routes;
use keyward_core::secret::{Encoding, PlainSecret, SecretFormat};
use keyward_core::workspace::{Slug, Workspace};
use keyward_verifier::{BootTime, Lease, Replica, Verifier};

use crate::bare::Bare;

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// Keys of one workspace, and of one person.
const KEYS_OF_WORKSPACE: u64 = 100;
/// States that are applied together: as many as of a snapshot.
const PART: usize = 1_024;

/// What a key is for. Of sixteen, one each is expired, has a rule, and is a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Plain,
    Expired,
    Ruled,
    Personal,
}

impl Sort {
    fn of(number: u64) -> Self {
        match number % 16 {
            13 => Self::Expired,
            14 => Self::Ruled,
            15 => Self::Personal,
            _ => Self::Plain,
        }
    }

    /// The number of a key of this sort, at or below another.
    pub(crate) fn near(self, number: u64) -> u64 {
        let within = match self {
            Self::Plain => number % 13,
            Self::Expired => 13,
            Self::Ruled => 14,
            Self::Personal => 15,
        };
        number - number % 16 + within
    }
}

fn scopes(names: &[&str]) -> Grant {
    Grant { scopes: names.iter().map(|&name| name.into()).collect(), rules: vec![] }
}

pub(crate) fn profile() -> Arc<Profile> {
    let names = ["products:read", "products:write", "releases:read", "releases:write", "audit:read"];
    let scope = |name: &str| Scope {
        name: name.into(),
        title: name.into(),
        description: name.into(),
        implies: [].into(),
    };
    let catalogue = Catalogue::new(names.map(scope).into()).unwrap();
    let grant = scopes(&names[..2]);
    let roles = vec![Role {
        name: RoleName::new("member"),
        title: "Member".into(),
        grants: Grants::compile(&catalogue, &grant),
        grant,
    }];
    let keys = KeyPolicy {
        format: SecretFormat::new("kw_", Encoding::Base62).unwrap(),
        kinds: Kinds { personal: true, workspace: true },
        expiry: ExpiryPolicy {
            menu: vec![ExpiryChoice { label: "never".into(), seconds: None }],
            default: 0,
            never: true,
            max_seconds: 1,
        },
        create_by_api: true,
        inherit: false,
        rotation_overlap_seconds: 1,
        requests_per_minute: None,
    };
    let plans = vec![Plan {
        name: PlanName::new("pro"),
        title: "Pro".into(),
        api_keys: true,
        keys_max: None,
        seats_max: None,
        requests_per_minute: None,
    }];
    let product =
        Product { name: "x".into(), workspace_word: "workspace".into(), revoked_word: "Revoked".into() };
    Arc::new(Profile::new("bench", product, keys, catalogue, roles, plans, Routes::default()).unwrap())
}

/// Bytes that look random, and are the same for the same number.
pub(crate) fn drawn(number: u64) -> [u8; 32] {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let words = [(); 4].map(|()| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_be_bytes()
    });
    *words.as_flattened().first_chunk().unwrap()
}

fn random(number: u64) -> [u8; 10] {
    *drawn(!number).first_chunk().unwrap()
}

pub(crate) fn secret(profile: &Profile, number: u64) -> PlainSecret {
    profile.keys.format.mint(&drawn(number))
}

fn workspace_id(number: u64) -> WorkspaceId {
    let place = number / KEYS_OF_WORKSPACE;
    WorkspaceId::new(place, random(place))
}

fn user_id(number: u64) -> UserId {
    let place = number / KEYS_OF_WORKSPACE;
    UserId::new(place, random(place))
}

pub(crate) fn key(profile: &Profile, number: u64) -> Key {
    let by = Principal { id: PrincipalId::System, name: "x".into() };
    let secret = secret(profile, number);
    let name = format!("ci-pipeline-{number:05}");
    let name = &name[..17];
    let account = || {
        ServiceAccount::of_key(ServiceAccountId::new(number, random(number)), format!("api_{name}").into())
    };
    let sort = Sort::of(number);
    let belongs = if sort == Sort::Personal {
        Belongs::ToPerson { owner: user_id(number), workspaces: None }
    } else {
        Belongs::ToWorkspace { workspace: workspace_id(number), owner: None, acts_as: account() }
    };
    let rule = Rule {
        action: Pattern::parse("projects:read").unwrap(),
        resources: [Pattern::parse("organization:*:project:cy-*").unwrap()].into(),
    };
    let grant = if sort == Sort::Ruled {
        Grant { rules: vec![rule], ..scopes(&[]) }
    } else {
        scopes(&["products:read"])
    };
    Key {
        id: KeyId::new(number, random(number)),
        belongs,
        name: DisplayName::from_stored(name),
        description: None,
        grant,
        secret: StoredSecret { digest: secret.digest(), hint: secret.hint(&profile.keys.format) },
        old: None,
        retired: vec![],
        created_at: NOW,
        created_by: by,
        expires_at: (sort == Sort::Expired).then_some(NOW),
        revoked: None,
        allowed_cidrs: vec![],
        requests_per_minute: None,
        metadata: std::collections::BTreeMap::default(),
        version: 1,
    }
}

/// The workspace of some keys, a person, and their place there.
fn around(number: u64) -> [State; 3] {
    let workspace = Workspace {
        id: workspace_id(number),
        slug: Slug::parse(&format!("ws-{:08}", number / KEYS_OF_WORKSPACE)).unwrap(),
        name: DisplayName::from_stored("Acme"),
        plan: PlanName::new("pro"),
        grace: Grace::NONE,
        allowed_cidrs: vec![],
        key_lifetime_max: None,
        created_at: NOW,
        version: 1,
    };
    let role = Some(RoleRef::OfProfile(RoleName::new("member")));
    [
        State::Membership { workspace: workspace.id, user: user_id(number), role },
        State::Workspace(workspace),
        State::Person { user: user_id(number), name: "Ada".into(), suspended_at: None },
    ]
}

/// The same of all that so many keys stand among.
pub(crate) fn around_all(keys: u64) -> impl Iterator<Item = State> {
    (0..keys.div_ceil(KEYS_OF_WORKSPACE)).flat_map(|place| around(place * KEYS_OF_WORKSPACE))
}

/// A replica of so many keys, and what filling it took.
pub(crate) struct Loaded {
    pub(crate) verifier: Verifier,
    pub(crate) bare: Bare,
    /// How long it took to put in states that were there already.
    pub(crate) loading: Duration,
    /// Bytes that the replica asked the allocator for and holds, but for what is around the keys.
    pub(crate) bytes: i64,
}

/// Fills both tables, the replica as a snapshot does. Only the replica's part is timed and counted: what is applied to it
/// was made before.
pub(crate) fn load(profile: &Arc<Profile>, keys: u64) -> Loaded {
    let replica = Replica::new(Arc::clone(profile));
    replica.put(Epoch(1), around_all(keys));
    let (mut loading, mut bytes) = (Duration::ZERO, 0);
    for first in (0..keys).step_by(PART) {
        let part = first..keys.min(first + PART as u64);
        let part: Vec<Key> = part.map(|number| key(profile, number)).collect();
        // Counted are those that stay: what is applied is given back, and is counted here as it comes.
        let counted = allocation_counter::measure(|| {
            let states: Vec<State> = part.iter().map(|key| State::Key(Box::new(key.clone()))).collect();
            let begun = Instant::now();
            replica.put(Epoch(1), states);
            loading += begun.elapsed();
        });
        bytes += counted.bytes_current;
    }
    let counted = allocation_counter::measure(|| {
        let begun = Instant::now();
        replica.complete(Epoch(1));
        loading += begun.elapsed();
    });
    bytes += counted.bytes_current;
    assert_eq!(replica.keys_len() as u64, keys);
    let mut bare = Bare::with_room_for(usize::try_from(keys).unwrap());
    for number in 0..keys {
        bare.put(*secret(profile, number).digest().as_bytes(), number);
    }
    let lease = Arc::new(Lease::unanswered());
    lease.renew(BootTime(1));
    Loaded { verifier: Verifier::new(Arc::new(replica), lease), bare, loading, bytes }
}
