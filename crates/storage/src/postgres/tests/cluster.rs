//! A real PostgreSQL server, one for all tests of this process, and a database in it for each.
//!
//! PostgreSQL refuses to run as root: then it runs as `nobody`. It is stopped by a shell that sees this process end,
//! however it ends.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::postgres::{Address, Roles, Settings, migrate};

/// A server whose disk nobody waits for.
const FAST: &str = "fsync = off\nsynchronous_commit = on\nfull_page_writes = off\n";
const NOBODY: u32 = 65_534;

/// A running server.
pub(super) struct Cluster {
    /// Kept until the process ends; the watchdog clears it.
    folder: PathBuf,
    port: u16,
    _watchdog: Child,
}

impl Cluster {
    /// The one for this process.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| {
            let cluster = Self::start(FAST);
            cluster.make_template();
            cluster
        })
    }

    fn start(settings: &str) -> Self {
        let folder = TempDir::with_prefix("keyward-pg-").unwrap().keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.join("data");
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let initdb = program("initdb");
        let data_text = data.to_str().unwrap();
        succeeded(as_nobody(
            &initdb,
            &["-D", data_text, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        ));
        let config = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 400\n{settings}"
        );
        let file = data.join("conf.d.conf");
        std::fs::write(&file, config).unwrap();
        let start = format!("-c config_file={0}/postgresql.conf -c include_if_exists=''", data.display());
        drop(start);
        let main = data.join("postgresql.conf");
        let whole = std::fs::read_to_string(&main).unwrap() + &std::fs::read_to_string(&file).unwrap();
        std::fs::write(&main, whole).unwrap();
        let log = folder.join("data/server.log");
        succeeded(as_nobody(
            &program("pg_ctl"),
            &["-D", data_text, "-l", log.to_str().unwrap(), "-w", "start"],
        ));
        let watchdog = watch(&program("pg_ctl"), &data, &folder);
        Self { folder, port, _watchdog: watchdog }
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    fn sql(&self, sql: &str) {
        let url = self.url("postgres", "postgres");
        let output = Command::new(program("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &url])
            .output();
        succeeded(output.unwrap());
    }

    /// The roles, and a database with the schema that the others are copies of.
    fn make_template(&self) {
        for role in ["keyward_owner", "keyward_server", "keyward_system"] {
            self.sql(&format!("CREATE ROLE {role} LOGIN"));
        }
        self.sql("CREATE DATABASE template OWNER keyward_owner");
        let owner = Address::parse(&self.url("keyward_owner", "template")).unwrap();
        let roles = Roles { server: "keyward_server".to_owned(), system: "keyward_system".to_owned() };
        std::thread::scope(|scope| {
            let migrated = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(migrate(&owner, &roles)).unwrap()
            });
            assert_eq!(migrated.join().unwrap(), (0, 1));
        });
        assert!(self.folder.is_dir());
    }
}

/// A database of its own.
pub(super) struct Database {
    cluster: &'static Cluster,
    pub(super) name: String,
}

impl Database {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let cluster = Cluster::shared();
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        cluster.sql(&format!("CREATE DATABASE {name} TEMPLATE template OWNER keyward_owner"));
        Self { cluster, name }
    }

    /// As that role.
    pub(super) fn url(&self, role: &str) -> String {
        self.cluster.url(role, &self.name)
    }

    pub(super) fn settings(&self) -> Settings {
        let address = |role| Address::parse(&self.url(role)).unwrap();
        Settings { server: address("keyward_server"), system: address("keyward_system"), prepares: true }
    }
}

/// A program of PostgreSQL: Debian does not put them on the path.
fn program(name: &str) -> PathBuf {
    let debian = (15..30).rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = debian.chain(std::env::split_paths(&path)).collect();
    let found = folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} of PostgreSQL 15 or later is not there; `cargo xtask setup` installs it")
    })
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

fn as_nobody(program: &Path, arguments: &[&str]) -> Output {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").stdin(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    // The server keeps what it was started with open: it must be no pipe that somebody reads to its end.
    let log = std::env::temp_dir().join(format!("keyward-pg-{}.log", std::process::id()));
    let file = std::fs::File::create(&log).unwrap();
    let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
    let stdout = std::fs::read(&log).unwrap();
    Output { status, stdout, stderr: Vec::new() }
}

#[track_caller]
fn succeeded(output: Output) {
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// A shell that reads a pipe whose other end only this process holds. When it closes, the server is stopped.
fn watch(pg_ctl: &Path, data: &Path, folder: &Path) -> Child {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("/bin/sh");
    let script =
        "trap '' INT TERM HUP; read -r _; \"$1\" -D \"$2\" -m immediate stop; rm -rf -- \"$2\"; rmdir \"$3\"";
    command.args(["-c", script, "watchdog"]).arg(pg_ctl).arg(data).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.spawn().unwrap()
}
