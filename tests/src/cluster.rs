//! A real PostgreSQL server that tests start and stop themselves.
//!
//! PostgreSQL refuses to run as root: then it runs as `nobody`. It cannot outlive the process that started it: a shell
//! sees that one end, however it ends, and stops it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A server whose disk nobody waits for: what it keeps is gone after the tests anyway.
pub const FAST: &str = "fsync = off\nfull_page_writes = off\n";
/// A server that keeps what it has acknowledged, also when it is killed.
pub const DURABLE: &str = "fsync = on\n";

/// The roles that every cluster has.
const ROLES: [&str; 3] = ["keyward_owner", "keyward_server", "keyward_system"];
/// `nobody`, on Debian and on most others.
const NOBODY: u32 = 65_534;
/// The oldest version that Keyward runs on, and one that is not there yet.
const VERSIONS: std::ops::Range<u32> = 15..30;

/// A PostgreSQL server with data of its own.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    watchdog: Child,
}

impl Cluster {
    /// Makes one and starts it.
    pub fn start(settings: &str) -> Self {
        let folder = folder("keyward-postgres-");
        let data = folder.join("data");
        let made =
            ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"];
        run(&folder, "initdb", &[&made[..], &[text(&data)]].concat());
        let ours = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 400\n";
        let cluster = Self::launch(folder, &format!("{ours}{settings}"));
        for role in ROLES {
            cluster.sql("postgres", &format!("CREATE ROLE {role} LOGIN"));
        }
        cluster
    }

    /// A standby of it, which follows. From now on the primary acknowledges nothing that the standby does not have.
    pub fn standby(&self) -> Self {
        let folder = folder("keyward-standby-");
        let data = folder.join("data");
        let from = self.url("postgres", "postgres");
        let copy = [
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--dbname",
            &from,
            "--pgdata",
            text(&data),
        ];
        run(&folder, "pg_basebackup", &copy);
        let standby = Self::launch(folder, "");
        self.waits_for("*");
        standby
    }

    /// Makes a standby take over, and waits until it can be written into.
    pub fn take_over(&self) {
        run(&self.folder, "pg_ctl", &["--pgdata", text(&self.data()), "--wait", "promote"]);
        // Its own standby is yet to come.
        self.waits_for("");
    }

    /// Starts a server on what is in the folder, with further settings.
    fn launch(folder: PathBuf, settings: &str) -> Self {
        let (data, port) = (folder.join("data"), free_port());
        let file = data.join("postgresql.conf");
        let usual = fs::read_to_string(&file).expect("a configuration");
        // The last of several settings of one name counts.
        fs::write(&file, format!("{usual}\n{settings}\nport = {port}\n")).expect("our own file");
        let watchdog = watch(&data, &folder);
        let cluster = Self { folder, port, watchdog };
        cluster.go_on();
        cluster
    }

    /// From now on commits wait for these standbys.
    fn waits_for(&self, standbys: &str) {
        self.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{standbys}'"));
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// Starts it (again), and waits until it answers.
    pub fn go_on(&self) {
        let log = self.data().join("server.log");
        run(
            &self.folder,
            "pg_ctl",
            &["--pgdata", text(&self.data()), "--log", text(&log), "--wait", "start"],
        );
    }

    /// Stops it: `fast` ends what is under way, `immediate` is as a crash.
    pub fn stop(&self, mode: &str) {
        run(&self.folder, "pg_ctl", &["--pgdata", text(&self.data()), "--mode", mode, "--wait", "stop"]);
    }

    /// The end that no destructor sees, of all its processes at once, as where the machine loses its power.
    pub fn kill_9(&self) {
        let first = self.pid();
        // Stopped, it starts no more of them.
        signal("-STOP", &[first]);
        let children = children_of(first);
        signal("-KILL", &[&[first], &children[..]].concat());
        // Their shared memory is free when the last is gone.
        while std::iter::once(first).chain(children.iter().copied()).any(is_alive) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Where nobody waits for orphans, a dead one keeps its number, and would pass for a server that runs.
        if Path::new(&format!("/proc/{first}")).exists() {
            let _ = fs::remove_file(self.data().join("postmaster.pid"));
        }
    }

    /// The number of its first process.
    pub fn pid(&self) -> i32 {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).expect("a running server");
        file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a number")
    }

    /// Where it keeps everything.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database, as that role. Nobody needs a password.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as the superuser. Returns what they print, a line a row.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) -> String {
        self.sql_as("postgres", database, statements).unwrap_or_else(|said| panic!("{statements}: {said}"))
    }

    /// Runs statements as that role. An error is what the server said.
    pub fn sql_as(&self, role: &str, database: &str, statements: &str) -> Result<String, String> {
        let url = self.url(role, database);
        let mut command = Command::new(program("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statements, &url]);
        let output = command.stdin(Stdio::null()).output().expect("psql starts");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Closes the pipe, and waits until all is cleared away.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// A program of PostgreSQL: the one on the path, or Debian's, which it does not put there.
pub fn program(name: &str) -> PathBuf {
    let debian = VERSIONS.rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = debian.chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    found.find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("{name} of PostgreSQL 15 or later is not on this machine; `cargo xtask setup` installs it")
    })
}

/// One that has just ended is as good.
fn signal(name: &str, pids: &[i32]) {
    let pids = pids.iter().map(i32::to_string);
    let _ = Command::new("kill").arg(name).args(pids).stderr(Stdio::null()).status();
}

/// The processes that this one has started.
fn children_of(pid: i32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let listed = fs::read_to_string(path).expect("the children of a running server");
    listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // What nobody has waited for yet is gone all the same.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of plain letters")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A folder with an empty one, `data`, that PostgreSQL's programs may fill. Cleared by the watchdog, for no destructor runs
/// where a process is killed.
fn folder(prefix: &str) -> PathBuf {
    let folder = TempDir::with_prefix(prefix).expect("a folder").keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("a folder of ours");
    let data = folder.join("data");
    fs::create_dir(&data).expect("a folder");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("a folder of ours");
    if is_root() {
        chown(&data, Some(NOBODY), Some(NOBODY)).expect("root may give a folder away");
    }
    folder
}

/// Runs a program of PostgreSQL as somebody who may.
#[track_caller]
fn run(folder: &Path, name: &str, arguments: &[&str]) {
    // A server that is started goes on with what it was given: that must be no pipe which is read to its end.
    let said = folder.join(format!("{name}.log"));
    let out = fs::File::create(&said).expect("a file");
    let mut command = Command::new(program(name));
    command.args(arguments).current_dir("/").stdin(Stdio::null());
    command.stdout(out.try_clone().expect("the same file")).stderr(out);
    as_somebody(&mut command);
    let status = command.status().expect("a program of PostgreSQL starts");
    assert!(status.success(), "{name} {arguments:?}: {}", fs::read_to_string(&said).unwrap_or_default());
}

/// Where we are root, as `nobody`: PostgreSQL's programs refuse to run as root.
pub fn as_somebody(command: &mut Command) {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

/// A shell that reads a pipe whose other end only this process holds: the pipe closes when this process ends, also by
/// a signal, where no destructor runs.
fn watch(data: &Path, folder: &Path) -> Child {
    // SIGQUIT is the immediate stop. Its own file goes when a server does, and stays when it was killed.
    const SCRIPT: &str = "trap '' INT TERM HUP; read -r _; n=0; \
        if read -r pid < \"$1/postmaster.pid\"; then kill -QUIT \"$pid\"; fi; \
        while [ -e \"$1/postmaster.pid\" ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done; rm -rf -- \"$2\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "watchdog"]).arg(data).arg(folder).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell to watch over the server")
}
