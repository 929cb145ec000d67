//! Rows to test with: two workspaces, and people in them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use keyward_core::grace::Grace;
use keyward_core::grant::{Grant, Pattern, Rule};
use keyward_core::id::{KeyId, RoleId, ServiceAccountId, UserId, WorkspaceId};
use keyward_core::key::{Belongs, Key, Principal, PrincipalId, ServiceAccount, StoredSecret};
use keyward_core::person::{DisplayName, Email, Person};
use keyward_core::plan::PlanName;
use keyward_core::rate::RequestsPerMinute;
use keyward_core::role::{CustomRole, RoleName, RoleRef};
use keyward_core::secret::{Encoding, SecretFormat};
use keyward_core::workspace::{Slug, Workspace};

use crate::{Changed, Credentials, ServiceAccountRow, Store, SystemReason, Tenant, Tx};

/// Where the clocks of these tests begin.
const BEGIN_MS: i64 = 1_800_000_000_000;

/// Milliseconds after the beginning.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(BEGIN_MS + ms).unwrap()
}

/// Ten bytes that no other identifier of this process has.
pub(crate) fn unique() -> [u8; 10] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

fn unix_ms(ms: i64) -> u64 {
    u64::try_from(BEGIN_MS + ms).unwrap()
}

pub(crate) fn display(text: &str) -> DisplayName {
    DisplayName::parse("name", text).unwrap()
}

pub(crate) fn role(text: &str) -> RoleRef {
    RoleRef::OfProfile(RoleName::new(text))
}

/// A role of a workspace's own.
pub(crate) fn custom_role(name: &str) -> CustomRole {
    let action = Pattern::parse("items:*").unwrap();
    let rule = Rule { action, resources: [Pattern::parse("item:1").unwrap()].into() };
    CustomRole {
        id: RoleId::new(unix_ms(0), unique()),
        name: RoleName::new(name),
        description: Some("what it is for".into()),
        grant: Grant { scopes: vec!["items:read".into()], rules: vec![rule] },
        created_at: at(0),
        version: 1,
    }
}

/// A service account that stands alone.
pub(crate) fn shared_account(name: &str) -> ServiceAccountRow {
    let id = ServiceAccountId::new(unix_ms(0), unique());
    ServiceAccountRow {
        account: ServiceAccount { id, name: name.into(), shared: true, disabled: false },
        description: Some("what it is for".into()),
        created_at: at(0),
        disabled_at: None,
        keys: 0,
        version: 1,
    }
}

/// A workspace key that acts as a given service account.
pub(crate) fn key_acting_as(
    name: &str,
    workspace: WorkspaceId,
    owner: UserId,
    acts_as: &ServiceAccount,
) -> Key {
    key(name, Belongs::ToWorkspace { workspace, owner: Some(owner), acts_as: acts_as.clone() }, owner)
}

pub(crate) fn person(name: &str) -> Credentials {
    let person = Person {
        id: UserId::new(unix_ms(0), unique()),
        email: Email::parse("email", &format!("{name}@example.com")).unwrap(),
        name: display(name),
        suspended_at: None,
        created_at: at(0),
    };
    Credentials { person, password_hash: format!("$argon2id$of-{name}") }
}

pub(crate) fn workspace(slug: &str) -> Workspace {
    Workspace {
        id: WorkspaceId::new(unix_ms(0), unique()),
        slug: Slug::parse(slug).unwrap(),
        name: display(slug),
        plan: PlanName::new("free"),
        grace: Grace::NONE,
        allowed_cidrs: vec![],
        key_lifetime_max: None,
        created_at: at(0),
        version: 1,
    }
}

/// A secret that nobody has yet.
pub(crate) fn another_secret() -> StoredSecret {
    let format = SecretFormat::new("test_", Encoding::Base62).unwrap();
    let mut entropy = [7; 32];
    entropy[..10].copy_from_slice(&unique());
    let secret = format.mint(&entropy);
    StoredSecret { digest: secret.digest(), hint: secret.hint(&format) }
}

fn key(name: &str, belongs: Belongs, maker: UserId) -> Key {
    let pattern = |text| Pattern::parse(text).unwrap();
    let rule = Rule { action: pattern("items:*"), resources: [pattern("item:1"), pattern("item:2*")].into() };
    Key {
        id: KeyId::new(unix_ms(0), unique()),
        belongs,
        name: display(name),
        description: Some("what it is for".into()),
        grant: Grant { scopes: vec!["items:read".into()], rules: vec![rule] },
        secret: another_secret(),
        old: None,
        retired: vec![],
        created_at: at(0),
        created_by: Principal { id: PrincipalId::User(maker), name: "Somebody".into() },
        expires_at: Some(at(1_000_000)),
        revoked: None,
        allowed_cidrs: vec!["10.1.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        requests_per_minute: RequestsPerMinute::new(600),
        metadata: BTreeMap::from([("team".to_owned(), "\"quoted\" ✓".to_owned())]),
        version: 1,
    }
}

pub(crate) fn personal_key(name: &str, owner: UserId, workspaces: Option<Vec<WorkspaceId>>) -> Key {
    key(name, Belongs::ToPerson { owner, workspaces }, owner)
}

pub(crate) fn workspace_key(name: &str, workspace: WorkspaceId, owner: UserId) -> Key {
    let id = ServiceAccountId::new(unix_ms(0), unique());
    let acts_as = ServiceAccount::of_key(id, format!("api_{name}").into());
    key(name, Belongs::ToWorkspace { workspace, owner: Some(owner), acts_as }, owner)
}

pub(crate) fn service_account_of(key: &Key) -> ServiceAccount {
    match &key.belongs {
        Belongs::ToWorkspace { acts_as, .. } => acts_as.clone(),
        Belongs::ToPerson { .. } => panic!("a personal key has none"),
    }
}

/// Ada is the owner of acme, Eve of globex. They share nothing.
pub(crate) struct Town {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ada: Person,
    pub(crate) eve: Person,
    pub(crate) acme: Workspace,
    pub(crate) globex: Workspace,
}

impl Town {
    /// Founds it, and numbers all that as changes.
    pub(crate) async fn found(store: Arc<dyn Store>) -> Self {
        let (ada, eve) = (person("ada"), person("eve"));
        let (acme, globex) = (workspace("acme"), workspace("globex"));
        let mut tx = store.begin_system(SystemReason::Found).await.unwrap();
        for (who, place) in [(&ada, &acme), (&eve, &globex)] {
            let (user, workspace) = (who.person.id, place.id);
            tx.insert_person(who).await.unwrap();
            tx.record_change(Changed::Person(user)).await.unwrap();
            tx.insert_workspace(place).await.unwrap();
            tx.record_change(Changed::Workspace(workspace)).await.unwrap();
            tx.insert_membership(workspace, user, &role("owner"), at(0)).await.unwrap();
            tx.record_change(Changed::Membership(workspace, user)).await.unwrap();
        }
        tx.commit().await.unwrap();
        Self { store, ada: ada.person, eve: eve.person, acme, globex }
    }

    /// What Ada sees in acme.
    pub(crate) fn inside(&self) -> Tenant {
        Tenant::workspace(self.acme.id).and_person(self.ada.id)
    }

    /// What Eve sees in globex.
    pub(crate) fn outside(&self) -> Tenant {
        Tenant::workspace(self.globex.id).and_person(self.eve.id)
    }

    pub(crate) async fn begin(&self) -> Box<dyn Tx> {
        self.store.begin(self.inside()).await.unwrap()
    }

    pub(crate) async fn view(&self) -> Box<dyn Tx> {
        self.store.view(self.inside()).await.unwrap()
    }

    pub(crate) async fn system(&self) -> Box<dyn Tx> {
        self.store.begin_system(SystemReason::Maintain).await.unwrap()
    }

    pub(crate) async fn system_view(&self) -> Box<dyn Tx> {
        self.store.view_system(SystemReason::Feed).await.unwrap()
    }

    /// Keeps a person who is in no workspace.
    pub(crate) async fn settle(&self, name: &str) -> Person {
        let credentials = person(name);
        let mut tx = self.system().await;
        tx.insert_person(&credentials).await.unwrap();
        tx.commit().await.unwrap();
        credentials.person
    }

    /// Lets a person into acme.
    pub(crate) async fn let_in(&self, user: UserId, role: &RoleRef, joined_at: Timestamp) {
        let mut tx = self.system().await;
        tx.insert_membership(self.acme.id, user, role, joined_at).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Keeps a key and numbers the change.
    pub(crate) async fn keep(&self, key: &Key) {
        let mut tx = self.begin().await;
        tx.insert_key(key).await.unwrap();
        tx.record_change(Changed::Key(key.id)).await.unwrap();
        tx.commit().await.unwrap();
    }
}
