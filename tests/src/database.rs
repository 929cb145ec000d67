use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binary;
use crate::cluster::{Cluster, FAST};

/// Which engine the tests run on: `sqlite`, which is the default, or `postgres`.
const VARIABLE: &str = "KEYWARD_TEST_STORE";

/// Whether servers keep their store in PostgreSQL unless a test says otherwise.
pub fn is_on_postgres() -> bool {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("" | "sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("{VARIABLE} is {other}; write sqlite or postgres"),
    }
}

/// A database of a server under test, in a PostgreSQL server of the tests' own.
#[derive(Debug)]
pub struct Database {
    cluster: &'static Cluster,
    /// Who takes over when the cluster is gone.
    standby: Option<&'static Cluster>,
    /// The port of what stands between it and its servers.
    way: Option<u16>,
    name: String,
}

impl Database {
    /// One with the schema, in the cluster that all tests of this process share.
    pub fn new() -> Self {
        Self::in_cluster(shared())
    }

    /// The same in another cluster, whose template `make_template` has made.
    pub fn in_cluster(cluster: &'static Cluster) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("keyward_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        cluster.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template OWNER keyward_owner"));
        Self { cluster, standby: None, way: None, name }
    }

    /// The same, where a standby may take over.
    pub fn followed_by(mut self, standby: &'static Cluster) -> Self {
        self.standby = Some(standby);
        self
    }

    /// The same, which servers reach by way of a port of this machine.
    pub fn by_way_of(mut self, port: u16) -> Self {
        self.way = Some(port);
        self
    }

    /// The server that it is in.
    pub fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a server is told of it.
    pub fn env(&self) -> [(&'static str, String); 2] {
        self.env_by_way_of(self.way.unwrap_or(self.cluster.port()))
    }

    /// The same for a server that reaches it by way of a port of this machine.
    pub fn env_by_way_of(&self, port: u16) -> [(&'static str, String); 2] {
        let url = |role| {
            let url = self.cluster.url(role, &self.name);
            let url = url.replace(&format!(":{}/", self.cluster.port()), &format!(":{port}/"));
            match self.standby {
                None => url,
                Some(standby) => {
                    url.replace(&format!(":{port}/"), &format!(":{port},127.0.0.1:{}/", standby.port()))
                }
            }
        };
        [("KEYWARD_STORE__URL", url("keyward_server")), ("KEYWARD_STORE__SYSTEM_URL", url("keyward_system"))]
    }

    /// What `keyward migrate` is told beside that.
    pub fn owner_url(&self) -> String {
        self.cluster.url("keyward_owner", &self.name)
    }

    /// Runs statements as the superuser, whom row-level security does not stop.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        self.cluster.sql(&self.name, &format!("SET search_path = keyward; {statements}"))
    }

    /// Runs statements as that role.
    pub fn sql_as(&self, role: &str, statements: &str) -> Result<String, String> {
        self.cluster.sql_as(role, &self.name, &format!("SET search_path = keyward; {statements}"))
    }

    /// Every byte that the server has of it on the disk: its tables, and the log of all that was written.
    pub fn bytes(&self) -> Vec<u8> {
        self.cluster.sql(&self.name, "CHECKPOINT");
        let folder = self.sql("SELECT pg_relation_filepath('pg_class')");
        let tables = self.cluster.data().join(folder).parent().expect("a folder").to_owned();
        let mut bytes = Vec::new();
        for folder in [tables, self.cluster.data().join("pg_wal")] {
            for entry in std::fs::read_dir(folder).expect("a folder of the server") {
                let path = entry.expect("an entry").path();
                if path.is_file() {
                    bytes.extend(std::fs::read(path).unwrap_or_default());
                }
            }
        }
        bytes
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Eight megabytes each.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = self.cluster.sql_as("postgres", "postgres", &drop);
    }
}

fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        let small_log = "min_wal_size = 32MB\nmax_wal_size = 64MB\n";
        let cluster = Cluster::start(&format!("{FAST}{small_log}"));
        make_template(&cluster);
        cluster
    })
}

/// Makes the database that all others are copies of, as whoever runs a server does.
pub fn make_template(cluster: &Cluster) {
    cluster.sql("postgres", "CREATE DATABASE template OWNER keyward_owner");
    let output = std::process::Command::new(binary::path())
        .arg("migrate")
        .env("KEYWARD_STORE__URL", cluster.url("keyward_server", "template"))
        .env("KEYWARD_STORE__SYSTEM_URL", cluster.url("keyward_system", "template"))
        .env("KEYWARD_STORE__OWNER_URL", cluster.url("keyward_owner", "template"))
        .output();
    let output = output.expect("keyward starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
