//! A small product with its keys, and a node that serves it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use keyward_core::catalogue::{Catalogue, Scope};
use keyward_core::change::{Changes, Epoch, State};
use keyward_core::grace::Grace;
use keyward_core::grant::{Grant, Grants, Pattern, Rule};
use keyward_core::id::{KeyId, RequestId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, Revocation, ServiceAccount, StoredSecret};
use keyward_core::person::DisplayName;
use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::{ExpiryChoice, ExpiryPolicy, KeyPolicy, Kinds, Product, Profile};
use keyward_core::rate::RequestsPerMinute;
use keyward_core::role::{Role, RoleName, RoleRef};
use keyward_core::route::{Need, ResourceTemplate, Route, Routes, Template};
use keyward_core::secret::{Encoding, PlainSecret, SecretFormat};
use keyward_core::usage::Use;
use keyward_core::workspace::{Slug, Workspace};
use keyward_gateway::{Gateway, Settings, Sources, serve};
use keyward_verifier::{BootTime, Lease, Replica, UseQueue, Verifier};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A running node.
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) boot: Arc<AtomicU64>,
    pub(crate) replica: Arc<Replica>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) uses: Arc<UseQueue>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<usize>,
}

impl Node {
    /// Ready to decide.
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        let node = Self::start_empty(settings).await;
        node.replica.apply(Changes { up_to: Epoch(42), states: everything() });
        node.lease.renew(BootTime(SECOND));
        node
    }

    /// Knows nothing yet.
    pub(crate) async fn start_empty(settings: Settings) -> Self {
        let boot = Arc::new(AtomicU64::new(SECOND));
        let replica = Arc::new(Replica::new(Arc::new(profile())));
        let lease = Arc::new(Lease::unanswered());
        let uses = Arc::new(UseQueue::default());
        let (clock, next) = (Arc::clone(&boot), AtomicU64::new(1));
        let sources = Sources {
            now: Box::new(|| Timestamp::UNIX_EPOCH),
            boot_time: Box::new(move || BootTime(clock.load(Ordering::Relaxed))),
            request_id: Box::new(move || RequestId::new(next.fetch_add(1, Ordering::Relaxed), [0; 10])),
            measures: Box::new(Vec::new),
        };
        let verifier = Verifier::new(Arc::clone(&replica), Arc::clone(&lease));
        let gateway = Gateway::new(verifier, Arc::clone(&uses), settings, sources);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(Arc::new(gateway), listener, async {
            let _ = stopped.await;
        }));
        Self { address, boot, replica, lease, uses, stop: Some(stop), served }
    }

    /// The uses that were recorded since.
    pub(crate) fn uses(&self) -> Vec<Use> {
        self.uses.take_batch(100)
    }
}

pub(crate) fn format() -> SecretFormat {
    SecretFormat::new("kw_", Encoding::Base62).unwrap()
}

pub(crate) fn secret(n: u8) -> PlainSecret {
    format().mint(&[n; 32])
}

fn profile() -> Profile {
    let scope = |name: &str| Scope {
        name: name.into(),
        title: name.into(),
        description: name.into(),
        implies: [].into(),
    };
    let catalogue = Catalogue::new(["products:read", "products:write", "notes:ä"].map(scope).into()).unwrap();
    let everything = Rule { action: Pattern::parse("**").unwrap(), resources: [].into() };
    let grant = Grant { scopes: vec![], rules: vec![everything] };
    let owner = Role {
        name: RoleName::new("owner"),
        title: "Owner".into(),
        grants: Grants::compile(&catalogue, &grant),
        grant,
    };
    let plan = |name: &str, api_keys| Plan {
        name: PlanName::new(name),
        title: name.into(),
        api_keys,
        keys_max: None,
        seats_max: None,
        requests_per_minute: None,
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
        inherit: false,
        rotation_overlap_seconds: 1,
        requests_per_minute: None,
    };
    let product =
        Product { name: "x".into(), workspace_word: "workspace".into(), revoked_word: "Revoked".into() };
    let plans = vec![plan("pro", true), plan("starter", false)];
    Profile::new("test", product, keys, catalogue, vec![owner], plans, routes()).unwrap()
}

fn routes() -> Routes {
    let route = |method: &str, path: &str, need: Need, resource: Option<&str>| {
        let path = Template::parse(path).unwrap();
        let resource = resource.map(|text| ResourceTemplate::parse(text, &path).unwrap());
        Route { method: method.into(), need, resource, path }
    };
    let all = |name: &str| Need::AllOf([name.into()].into());
    let either = Need::AnyOf(["products:write".into(), "products:read".into()].into());
    Routes::new(vec![
        route("GET", "/api/products", all("products:read"), None),
        route("POST", "/api/products", all("products:write"), None),
        route("GET", "/api/either", either, None),
        route("GET", "/w/{workspace}/products", all("products:read"), None),
        route("GET", "/api/credentials/{name}", all("credential:read"), Some("credential:{name}")),
    ])
}

fn key(n: u8, belongs: Belongs, scopes: &[&str]) -> Key {
    let by = Principal { id: PrincipalId::User(UserId::new(1, [1; 10])), name: "Ada".into() };
    Key {
        id: KeyId::new(n.into(), [3; 10]),
        belongs,
        name: DisplayName::from_stored(&format!("key {n}")),
        description: None,
        grant: Grant { scopes: scopes.iter().map(|&name| name.into()).collect(), rules: vec![] },
        secret: StoredSecret { digest: secret(n).digest(), hint: secret(n).hint(&format()) },
        old: None,
        retired: vec![],
        created_at: Timestamp::UNIX_EPOCH,
        created_by: by,
        expires_at: None,
        revoked: None,
        allowed_cidrs: vec![],
        requests_per_minute: None,
        metadata: BTreeMap::default(),
        version: 1,
    }
}

fn of_workspace(n: u8, workspace: u64, scopes: &[&str]) -> Key {
    let acts_as = ServiceAccount::of_key(ServiceAccountId::new(n.into(), [4; 10]), "api_ci".into());
    let workspace = WorkspaceId::new(workspace, [2; 10]);
    key(n, Belongs::ToWorkspace { workspace, owner: None, acts_as }, scopes)
}

fn workspace(n: u64, slug: &str, plan: &str) -> State {
    State::Workspace(Workspace {
        id: WorkspaceId::new(n, [2; 10]),
        slug: Slug::parse(slug).unwrap(),
        name: DisplayName::from_stored(slug),
        plan: PlanName::new(plan),
        grace: Grace::NONE,
        allowed_cidrs: vec![],
        key_lifetime_max: None,
        created_at: Timestamp::UNIX_EPOCH,
        version: 1,
    })
}

pub(crate) const READER: u8 = 1;
pub(crate) const PERSONAL: u8 = 2;
pub(crate) const REVOKED: u8 = 3;
pub(crate) const EXPIRED: u8 = 4;
pub(crate) const LIMITED: u8 = 5;
pub(crate) const UNPAID: u8 = 6;
pub(crate) const RULED: u8 = 7;
/// Two requests a minute.
pub(crate) const SLOW: u8 = 8;
pub(crate) const UNKNOWN: u8 = 99;

fn everything() -> Vec<State> {
    let ada = UserId::new(1, [1; 10]);
    let member = |n: u64| State::Membership {
        workspace: WorkspaceId::new(n, [2; 10]),
        user: ada,
        role: Some(RoleRef::OfProfile(RoleName::new("owner"))),
    };
    let mut revoked = of_workspace(REVOKED, 1, &["products:read"]);
    revoked.revoked = Some(Revocation { at: Timestamp::UNIX_EPOCH, by: revoked.created_by.clone() });
    let mut expired = of_workspace(EXPIRED, 1, &["products:read"]);
    expired.expires_at = Some(Timestamp::UNIX_EPOCH);
    let mut limited = of_workspace(LIMITED, 1, &["products:read"]);
    limited.allowed_cidrs = vec!["10.0.0.0/8".parse().unwrap()];
    let mut ruled = of_workspace(RULED, 1, &["notes:ä"]);
    ruled.grant.rules = vec![Rule {
        action: Pattern::parse("credential:*").unwrap(),
        resources: [Pattern::parse("credential:cy-*").unwrap()].into(),
    }];
    let mut slow = of_workspace(SLOW, 1, &["products:read"]);
    slow.requests_per_minute = RequestsPerMinute::new(2);
    let personal = key(PERSONAL, Belongs::ToPerson { owner: ada, workspaces: None }, &["products:read"]);
    let keys = [
        of_workspace(READER, 1, &["products:read"]),
        personal,
        revoked,
        expired,
        limited,
        of_workspace(UNPAID, 3, &["products:read"]),
        ruled,
        slow,
    ];
    let mut states = vec![
        workspace(1, "acme", "pro"),
        workspace(2, "globex", "pro"),
        workspace(3, "unpaid", "starter"),
        State::Person { user: ada, name: "Ada".into(), suspended_at: None },
        member(1),
        member(2),
    ];
    states.extend(keys.map(|key| State::Key(Box::new(key))));
    states
}
