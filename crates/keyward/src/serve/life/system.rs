//! The real thing: a store in a file, the operations on it, this process's own data plane, and the data plane of
//! another process on the same store, which lags behind.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use keyward_core::change::{Changes, Epoch};
use keyward_core::decision::{Ask as RealAsk, Denied};
use keyward_core::grant::Wanted;
use keyward_core::id::{RequestId, UserId};
use keyward_core::network::Reach;
use keyward_core::person::{DisplayName, Email, Person};
use keyward_core::profile::Profile;
use keyward_core::secret::SecretDigest;
use keyward_service::Service;
use keyward_service::authenticate::{Presented, authenticate};
use keyward_service::checkpoint_key::CheckpointKey;
use keyward_service::clock::Clock;
use keyward_service::ctx::{Ctx, Door, Request};
use keyward_service::entropy;
use keyward_service::lockout::{FreeTries, Lockout};
use keyward_service::password::Passwords;
use keyward_service::refusal::Refusal;
use keyward_service::sealing::{Sealing, SealingKey};
use keyward_service::session_use::SessionUse;
use keyward_service::set_up::SetUpDoor;
use keyward_storage::sqlite::SqliteStore;
use keyward_storage::{Changed, Credentials, Store, SystemReason};
use keyward_verifier::{
    BootTime, Identity, Lease, Place, Question as RealQuestion, Refusal as NoPermit, Replica, Verifier,
};
use tempfile::TempDir;

use super::super::node::LocalNode;
use super::super::usage::SharedQueue;
use super::model::{Question, Said, Where, Works};

/// Every person's.
pub(super) const PASSWORD: &str = "correct horse battery";
/// The same, hashed at the least cost that Argon2 has: people sign in by the thousand here.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gLHIkr1qgP4r3sH1P/NIg3+PMckaLQ3RkuIiytJhVlY";
/// What the operator is known by.
const OPERATOR: &str = "operator-token-0123456789abcdef";
/// Where a file costs no waiting for a disk, if there is such a place: what survives the loss of power is shown
/// elsewhere.
const MEMORY: &str = "/dev/shm";

/// A clock that the test moves, in microseconds since 1970.
#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

pub(super) struct System {
    pub(super) service: Arc<Service>,
    pub(super) node: Arc<LocalNode>,
    pub(super) other: LocalNode,
    /// Changes that are still on their way to the other node.
    pub(super) late: Vec<Changes>,
    clock: Arc<HandClock>,
    path: PathBuf,
    _folder: TempDir,
}

impl System {
    pub(super) async fn start(profile: Profile, now: Timestamp) -> Self {
        let folder = match Path::new(MEMORY) {
            memory if memory.is_dir() => tempfile::tempdir_in(memory),
            _ => tempfile::tempdir(),
        };
        let folder = folder.unwrap();
        let path = folder.path().join("keyward.sqlite");
        let profile = Arc::new(profile);
        let clock = Arc::new(HandClock(AtomicI64::new(now.as_microsecond())));
        let passwords = Passwords::new().unwrap();
        let (service, node) = serve(&path, profile, Arc::clone(&clock), passwords).await;
        let other = second_node(&path, &service.profile).await;
        Self { service, node, other, late: Vec::new(), clock, path, _folder: folder }
    }

    /// The process ends and starts again on the same file.
    pub(super) async fn restart(&mut self) {
        let (profile, passwords) = (Arc::clone(&self.service.profile), self.service.passwords.clone());
        let (service, node) = serve(&self.path, profile, Arc::clone(&self.clock), passwords).await;
        (self.service, self.node) = (service, node);
    }

    /// The other process does. What was on its way to it is lost.
    pub(super) async fn restart_other(&mut self) {
        self.late.clear();
        self.other = second_node(&self.path, &self.service.profile).await;
    }

    pub(super) fn set_clock(&self, now: Timestamp) {
        self.clock.0.store(now.as_microsecond(), Ordering::Relaxed);
    }

    /// Keeps somebody who can sign in.
    pub(super) async fn add_person(&self, name: &str) -> Person {
        let email = Email::parse("email", &format!("{}@example.com", name.to_lowercase())).unwrap();
        let now = self.clock.now();
        let person = Person {
            id: UserId::new(0, entropy::bytes().unwrap()),
            email,
            name: DisplayName::parse("name", name).unwrap(),
            suspended_at: None,
            created_at: now,
        };
        let mut tx = self.service.store.begin_system(SystemReason::Found).await.unwrap();
        let credentials = Credentials { person: person.clone(), password_hash: PASSWORD_HASH.to_owned() };
        tx.insert_person(&credentials).await.unwrap();
        tx.record_change(Changed::Person(person.id)).await.unwrap();
        let epoch = tx.commit().await.unwrap();
        self.service.nodes.catch_up(epoch).await;
        person
    }

    /// A request by whoever these are.
    pub(super) async fn asking(&self, presented: Presented<'_>, ip: Option<IpAddr>) -> Result<Ctx, Refusal> {
        let request =
            Request { id: RequestId::new(0, [7; 10]), door: Door::Api, ip, user_agent: None, session: None };
        Ok(authenticate(&self.service, presented, request).await?)
    }

    /// A request by the operator.
    pub(super) async fn operator(&self) -> Ctx {
        self.asking(Presented { key: Some(OPERATOR), session: None }, None).await.unwrap()
    }

    /// Some changes after an epoch, as another process would ask for them: the first part of at most so many states.
    pub(super) async fn changes(&self, after: Epoch, states_max: usize) -> Option<Changes> {
        let mut tx = self.service.store.view_system(SystemReason::Feed).await.unwrap();
        let mut first = None;
        let each = &mut |part| {
            first.get_or_insert(part);
        };
        tx.changes_since(after, states_max, each).await.unwrap();
        first
    }
}

async fn serve(
    path: &Path,
    profile: Arc<Profile>,
    clock: Arc<HandClock>,
    passwords: Passwords,
) -> (Arc<Service>, Arc<LocalNode>) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path).unwrap());
    let node = Arc::new(node_on(Arc::clone(&store), &profile).await);
    let service = Service {
        store,
        profile,
        clock,
        nodes: Arc::clone(&node) as _,
        limits: Arc::clone(&node) as _,
        uses: Arc::new(SharedQueue(Arc::default())),
        passwords,
        // Whoever tries while they are suspended would have to wait after it; the wait is shown by tests of its own.
        lockout: Lockout::new(FreeTries { account: u32::MAX, address: u32::MAX }).unwrap(),
        session_use: SessionUse::default(),
        billing: None,
        checkpoint_key: CheckpointKey::from_seed(&[7; 32]).unwrap(),
        sealing: Sealing::new(SealingKey::new(&[7; 32]), Vec::new()),
        reach: Reach::default(),
        operator: Some(SecretDigest::of(OPERATOR.as_bytes())),
        set_up: SetUpDoor::default(),
        public_url: String::new(),
    };
    (Arc::new(service), node)
}

async fn second_node(path: &Path, profile: &Arc<Profile>) -> LocalNode {
    node_on(Arc::new(SqliteStore::open(path).unwrap()), profile).await
}

async fn node_on(store: Arc<dyn Store>, profile: &Arc<Profile>) -> LocalNode {
    let replica = Arc::new(Replica::new(Arc::clone(profile)));
    let verifier = Verifier::new(replica, Arc::new(Lease::unanswered()));
    let node = LocalNode::new("test".to_owned(), store, verifier);
    node.load().await.unwrap();
    node
}

/// What a node answers to a question about a secret.
pub(super) fn ask(node: &LocalNode, secret: &str, question: &Question, now: Timestamp) -> Said {
    let verifier = node.verifier();
    let catalogue = &verifier.replica().profile().catalogue;
    let wanted: Vec<(Vec<Wanted<'_>>, Vec<Wanted<'_>>)> = question
        .asks
        .iter()
        .map(|ask| {
            let all_of = ask.all_of.iter().map(|name| Wanted::new(catalogue, name)).collect();
            let any_of = ask.any_of.iter().map(|name| Wanted::new(catalogue, name)).collect();
            (all_of, any_of)
        })
        .collect();
    let asks: Vec<RealAsk<'_>> = question
        .asks
        .iter()
        .zip(&wanted)
        .map(|(ask, (all_of, any_of))| RealAsk { all_of, any_of, resource: ask.resource.as_deref() })
        .collect();
    let place = match &question.place {
        Where::Unsaid => Place::Unsaid,
        Where::At(slug) => Place::Named(slug),
        Where::Contradictory => Place::Contradictory,
    };
    let real = RealQuestion { presented: secret, place, ip: question.ip, asks: &asks };
    // How long a lease lasts is shown elsewhere; here one that was ever given is enough.
    match verifier.verify(&real, now, || BootTime(0)) {
        Ok(permit) => said(node, "valid", None, Some(&permit.identity)),
        Err(NoPermit::WorkspaceNeeded) => said(node, "needed", None, None),
        Err(NoPermit::Stale) => said(node, "stale", None, None),
        Err(NoPermit::Denied(denial)) => {
            let missing = match &denial.reason {
                Denied::InsufficientScope { missing } => Some(missing.to_string()),
                _ => None,
            };
            said(node, denial.reason.code(), missing, denial.identity.as_ref())
        }
    }
}

fn said(node: &LocalNode, code: &'static str, missing: Option<String>, identity: Option<&Identity>) -> Said {
    let catalogue = &node.verifier().replica().profile().catalogue;
    let key = identity.map(|identity| (identity.key.id_text().to_string(), identity.secret.as_str()));
    let works = identity.filter(|_| matches!(code, "valid" | "insufficient_scope")).map(|identity| {
        let subject = identity.subject();
        Works {
            slug: identity.workspace.as_ref().map(|workspace| workspace.slug.to_string()).unwrap_or_default(),
            subject_type: subject.type_name,
            subject: subject.id.to_string(),
            subject_name: subject.name.to_owned(),
            scopes: catalogue.names(&identity.scopes).map(str::to_owned).collect(),
            grace_seconds: identity.grace.get().into(),
        }
    });
    Said { code, missing, key, works }
}
