//! A database for each test, in one server for all tests of this process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::cluster::{Cluster, FAST};
use crate::postgres::{Address, Roles, Settings, Versions, migrate, versions};

/// The one server, with a database that has the schema and of which the others are copies.
pub(super) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        let cluster = Cluster::start(FAST);
        cluster.sql("postgres", "CREATE DATABASE template OWNER keyward_owner");
        let owner = address(&cluster, "keyward_owner", "template");
        std::thread::scope(|scope| {
            let migrated = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let known = versions(&owner, &roles()).await.unwrap().known;
                    assert_eq!(migrate(&owner, &roles()).await.unwrap(), (0, known));
                    assert_eq!(migrate(&owner, &roles()).await.unwrap(), (known, known), "again");
                    assert_eq!(versions(&owner, &roles()).await.unwrap(), Versions { found: known, known });
                });
            });
            migrated.join().unwrap();
        });
        cluster
    })
}

pub(super) fn roles() -> Roles {
    Roles { server: "keyward_server".to_owned(), system: "keyward_system".to_owned() }
}

pub(super) fn address(cluster: &Cluster, role: &str, database: &str) -> Address {
    Address::parse(&cluster.url(role, database)).unwrap()
}

/// A database of its own.
pub(in crate::postgres) struct Database {
    pub(super) cluster: &'static Cluster,
    pub(super) name: String,
}

impl Database {
    pub(in crate::postgres) fn new() -> Self {
        Self::of("template")
    }

    /// One without any schema.
    pub(super) fn empty() -> Self {
        Self::of("template1")
    }

    fn of(template: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let cluster = shared();
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        cluster.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template} OWNER keyward_owner"));
        Self { cluster, name }
    }

    pub(super) fn address(&self, role: &str) -> Address {
        address(self.cluster, role, &self.name)
    }

    pub(in crate::postgres) fn settings(&self) -> Settings {
        Settings {
            server: self.address("keyward_server"),
            system: self.address("keyward_system"),
            prepares: true,
        }
    }

    /// As the superuser.
    #[track_caller]
    pub(crate) fn sql(&self, statements: &str) -> String {
        self.cluster.sql(&self.name, statements)
    }

    /// As a role of the server's.
    pub(super) fn sql_as(&self, role: &str, statements: &str) -> Result<String, String> {
        self.cluster.sql_as(role, &self.name, statements)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Eight megabytes each.
        let _ = self.cluster.sql_as(
            "postgres",
            "postgres",
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}
