//! Connections that many tenants use in turn: nothing of one is left for the next. Also through `PgBouncer`, which gives a
//! connection to another client with each transaction.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::id::{KeyId, UserId, WorkspaceId};
use tokio_postgres::NoTls;

use super::database::Database;
use crate::conformance::town::{at, person, personal_key, role, workspace, workspace_key};
use crate::postgres::{Address, PostgresStore, Settings};
use crate::{KeyFilter, KeyScope, KeySort, Page, Store, StoreError, SystemReason, Tenant, Tx};

/// How many transactions are interleaved: few by default, as many as one likes with `KEYWARD_INTERLEAVED`.
const TRANSACTIONS: usize = 5_000;
const TENANTS: usize = 12;
const TASKS: usize = 24;
/// How often a task waits for its turn, some seconds each time.
const TRIES: usize = 12;

fn transactions() -> usize {
    std::env::var("KEYWARD_INTERLEAVED").ok().and_then(|text| text.parse().ok()).unwrap_or(TRANSACTIONS)
}

/// A tenant, and the keys that it may see.
#[derive(Clone)]
struct Resident {
    workspace: WorkspaceId,
    person: UserId,
    key: KeyId,
    own: KeyId,
}

async fn settle(store: &dyn Store) -> Vec<Resident> {
    let mut residents = Vec::new();
    for n in 0..TENANTS {
        let (place, owner) = (workspace(&format!("place-{n}")), person(&format!("p{n}")));
        let mut tx = store.begin_system(SystemReason::Found).await.unwrap();
        tx.insert_person(&owner).await.unwrap();
        tx.insert_workspace(&place).await.unwrap();
        tx.insert_membership(place.id, owner.person.id, &role("owner"), at(0)).await.unwrap();
        let (key, own) =
            (workspace_key("ci", place.id, owner.person.id), personal_key("own", owner.person.id, None));
        tx.insert_key(&key).await.unwrap();
        tx.insert_key(&own).await.unwrap();
        tx.commit().await.unwrap();
        residents.push(Resident { workspace: place.id, person: owner.person.id, key: key.id, own: own.id });
    }
    residents
}

/// One transaction of a resident, of one of several kinds, that looks at everything it can and at a neighbour's.
async fn visit(store: &dyn Store, residents: &[Resident], n: usize) {
    let (own, other) = (&residents[n % TENANTS], &residents[(n / 5 + 1 + n) % TENANTS]);
    let is_other = own.workspace != other.workspace;
    let tenant = match n % 4 {
        0 => Tenant::workspace(own.workspace),
        1 => Tenant::person(own.person),
        2 => Tenant::workspace(own.workspace).and_person(own.person),
        _ => Tenant::default(),
    };
    let mut tx = opened(store, tenant, n.is_multiple_of(3)).await;
    let sees = |of: Option<WorkspaceId>| of == Some(own.workspace);
    assert_eq!(tx.key(own.key).await.unwrap().is_some(), sees(tenant.workspace), "{n}");
    assert_eq!(tx.key(own.own).await.unwrap().is_some(), tenant.person.is_some(), "{n}");
    if is_other {
        assert!(tx.key(other.key).await.unwrap().is_none(), "{n}: a neighbour's key");
        assert!(tx.key(other.own).await.unwrap().is_none(), "{n}: a neighbour's own key");
    }
    let filter = KeyFilter {
        scope: KeyScope::OfWorkspace,
        status: None,
        owner: None,
        search: None,
        last_used_before: None,
        now: at(0),
    };
    let page = Page { limit: 10, after: None };
    let listed = tx.keys(&filter, KeySort::DEFAULT, &page).await.unwrap().rows;
    let expected: Vec<KeyId> = tenant.workspace.iter().map(|_| own.key).collect();
    assert_eq!(listed.iter().map(|row| row.key.id).collect::<Vec<_>>(), expected, "{n}");
    // Some fail, some are given up, some are committed.
    if n.is_multiple_of(15) {
        tx.insert_key(&workspace_key("foreign", other.workspace, other.person)).await.err();
    }
    if n.is_multiple_of(6) {
        tx.commit().await.unwrap();
    }
}

/// Opened once it is its turn: on a busy machine more wait for one workspace than have their turn in time, and are told
/// so. Nothing else may be refused, and not for ever.
async fn opened(store: &dyn Store, tenant: Tenant, writes: bool) -> Box<dyn Tx> {
    for _ in 0..TRIES {
        match if writes { store.begin(tenant).await } else { store.view(tenant).await } {
            Err(StoreError::Unavailable(why)) if why == "other writers take too long" => {}
            opened => return opened.unwrap(),
        }
    }
    panic!("no turn in {TRIES} times");
}

async fn interleave(settings: &Settings) {
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(settings).await.unwrap());
    let residents = Arc::new(settle(store.as_ref()).await);
    let each = transactions() / TASKS + 1;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, residents) = (Arc::clone(&store), Arc::clone(&residents));
            tokio::spawn(async move {
                for n in 0..each {
                    visit(store.as_ref(), &residents, task * each + n).await;
                    if n % 50 == 7 {
                        // Somebody hangs up in the middle of it.
                        let call = visit(store.as_ref(), &residents, n);
                        let _ = tokio::time::timeout(Duration::from_micros(700), call).await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_interleaved_transactions_leak_nothing() {
    interleave(&Database::new().settings()).await;
}

/// A pool in transaction mode before a database, with few connections.
struct Bouncer {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    fn start(database: &Database) -> Self {
        let program =
            ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].map(PathBuf::from);
        let program = program.into_iter().find(|path| path.is_file());
        let program = program.expect("pgbouncer is on this machine; `cargo xtask setup` installs it");
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let users = folder.path().join("users.txt");
        std::fs::write(&users, "\"keyward_server\" \"\"\n\"keyward_system\" \"\"\n").unwrap();
        let config = format!(
            "[databases]\n{0} = host=127.0.0.1 port={1} dbname={0}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {2}\npool_mode = transaction\n\
             default_pool_size = 3\nmax_client_conn = 200\nlog_connections = 0\nlog_disconnections = 0\n",
            database.name,
            database.cluster.port(),
            users.display(),
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, config).unwrap();
        for path in [folder.path(), users.as_path(), file.as_path()] {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new(program);
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        super::cluster::as_somebody(&mut command);
        let process = command.spawn().unwrap();
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port, _folder: folder }
    }

    fn url(&self, role: &str, database: &Database) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{}", self.port, database.name)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_interleaved_transactions_through_pgbouncer_leak_nothing() {
    let database = Database::new();
    let bouncer = Bouncer::start(&database);
    let address = |role: &str| Address::parse(&bouncer.url(role, &database)).unwrap();
    let settings =
        Settings { server: address("keyward_server"), system: address("keyward_system"), prepares: false };
    interleave(&settings).await;
    // Outside of a transaction nothing is set, on none of its connections.
    let config: tokio_postgres::Config = bouncer.url("keyward_server", &database).parse().unwrap();
    for _ in 0..20 {
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let sql = "SELECT concat(current_setting('keyward.workspace', true), current_setting('keyward.person', true),
                   (SELECT count(*) FROM keyward.keys))";
        let rows = client.simple_query(sql).await.unwrap();
        let told = rows.iter().find_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(told, Some("0"));
    }
}
