use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, ServerPid};
use crate::random::pick;
use crate::{
    Answer, Caller, Database, Gateway, NODE_CREDENTIAL, Person, Workspace, binary, eventually,
    is_on_postgres, unique,
};

/// A debug build on a busy machine hashes a password and migrates a store within this.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Another process may take a port between our choosing it and the server's binding it.
const ATTEMPTS: usize = 5;

pub(crate) const OWNER_EMAIL: &str = "ada@example.com";
pub(crate) const OWNER_PASSWORD: &str = "a long enough passphrase";
const OPERATOR_TOKEN: &str = "operator-token-of-the-tests-0123456789abcdef";

/// How a server is to be started.
#[derive(Debug)]
pub struct Builder {
    env: BTreeMap<String, String>,
    open_files_max: Option<u32>,
    database: Option<Database>,
    is_on_file: bool,
    has_feed: bool,
}

/// The real binary, serving a store of its own in a temporary directory.
#[derive(Debug)]
pub struct Keyward {
    dir: TempDir,
    env: BTreeMap<String, String>,
    open_files_max: Option<u32>,
    ports: (u16, u16),
    feed_port: Option<u16>,
    process: Option<Process>,
    owner: OnceLock<Person>,
    /// Where the store is no file. Dropped last.
    database: Option<Database>,
}

impl Builder {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A server that may send events to this machine, and over plain HTTP.
    pub fn sends_here(self) -> Self {
        self.env("KEYWARD_WEBHOOKS__ALLOW_HTTP", "true")
            .env("KEYWARD_WEBHOOKS__ALLOWED_NETWORKS", crate::LOOPBACK)
    }

    /// Without that variable.
    pub fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Without an owner from the environment: a first start by hand.
    pub fn without_bootstrap(mut self) -> Self {
        self.env.retain(|name, _| !name.starts_with("KEYWARD_BOOTSTRAP__"));
        self
    }

    /// With its store in that database, whatever engine the tests run on.
    pub fn on(mut self, database: Database) -> Self {
        self.database = Some(database);
        self
    }

    /// With its store in a file, whatever engine the tests run on.
    pub fn on_file(mut self) -> Self {
        self.is_on_file = true;
        self
    }

    /// On a machine that allows no more open files than that.
    pub fn open_files_max(mut self, files: u32) -> Self {
        self.open_files_max = Some(files);
        self
    }

    /// With a feed that gateway nodes can follow, on this machine alone and not encrypted.
    pub fn with_feed(mut self) -> Self {
        self.has_feed = true;
        self.env("KEYWARD_FEED__CREDENTIALS", NODE_CREDENTIAL)
    }

    pub fn start(self) -> Keyward {
        let mut keyward = self.prepare();
        for _ in 0..ATTEMPTS {
            keyward.ports = (free_port(), free_port());
            keyward.feed_port = keyward.feed_port.map(|_| free_port());
            if keyward.launch() {
                return keyward;
            }
        }
        panic!("keyward did not start:\n{}", keyward.logs());
    }

    /// Asserts that the server refuses to start, and gives what it said.
    #[track_caller]
    pub fn refuses_to_start(self) -> String {
        let mut keyward = self.prepare();
        keyward.ports = (free_port(), free_port());
        assert!(!keyward.launch(), "keyward started");
        keyward.logs()
    }

    fn prepare(self) -> Keyward {
        let Self { env, open_files_max, database, is_on_file, has_feed } = self;
        let database = database.or_else(|| (is_on_postgres() && !is_on_file).then(Database::new));
        let feed_port = has_feed.then_some(0);
        let dir = tempfile::Builder::new().prefix("keyward-").tempdir().expect("a temporary directory");
        let (ports, owner) = ((0, 0), OnceLock::new());
        Keyward { dir, env, open_files_max, ports, feed_port, process: None, owner, database }
    }
}

impl Keyward {
    /// A server of that profile (a name, or the path of a file), with an owner and the workspace `acme`.
    pub fn profile(profile: &str) -> Builder {
        let env = [
            ("KEYWARD_PROFILE", profile),
            ("KEYWARD_BOOTSTRAP__OWNER_EMAIL", OWNER_EMAIL),
            ("KEYWARD_BOOTSTRAP__OWNER_PASSWORD", OWNER_PASSWORD),
            ("KEYWARD_BOOTSTRAP__WORKSPACE_NAME", "Acme"),
            ("KEYWARD_BOOTSTRAP__WORKSPACE_SLUG", "acme"),
            ("KEYWARD_OPERATOR__TOKEN", OPERATOR_TOKEN),
            ("KEYWARD_LOG", "info"),
            // Tests guess on purpose. Those of the wait itself say otherwise.
            ("KEYWARD_SIGN_IN__ACCOUNT_FREE_TRIES", "1000000"),
            ("KEYWARD_SIGN_IN__ADDRESS_FREE_TRIES", "1000000"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Builder { env, open_files_max: None, database: None, is_on_file: false, has_feed: false }
    }

    /// Starts the process; false if it ended before it was ready.
    fn launch(&mut self) -> bool {
        self.launch_until(|keyward| is_ready(&keyward.anonymous()) && is_ready(&keyward.data()))
    }

    fn launch_until(&mut self, is_up: impl Fn(&Self) -> bool) -> bool {
        let mut process = Process::spawn(self.command("serve"), self.dir.path());
        let until = Instant::now() + READY_WITHIN;
        while !is_up(self) {
            if process.ended().is_some() {
                return false;
            }
            assert!(Instant::now() < until, "not ready within {READY_WITHIN:?}:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
        true
    }

    /// A command with the environment of this server.
    pub fn command(&self, name: &str) -> Command {
        let mut command = match self.open_files_max {
            None => Command::new(binary::path()),
            Some(files) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "ulimit -n \"$1\" && shift && exec \"$@\"", "limited"]);
                shell.arg(files.to_string()).arg(binary::path());
                shell
            }
        };
        command.arg(name).current_dir(self.dir.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.dir.path());
        match &self.database {
            None => command.env("KEYWARD_STORE__URL", format!("sqlite:{}", self.store().display())),
            Some(database) => command.envs(database.env()),
        };
        command.env("KEYWARD_SERVER__LISTEN", self.control_addr().to_string());
        command.env("KEYWARD_DATA_PLANE__LISTEN", self.data_addr().to_string());
        if let Some(feed) = self.feed_port {
            command.env("KEYWARD_FEED__LISTEN", format!("127.0.0.1:{feed}"));
        }
        command.envs(&self.env);
        command
    }

    /// Where gateway nodes follow.
    pub fn feed_addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.feed_port.expect("a server with a feed")))
    }

    /// A gateway node that follows this server, once it is ready.
    pub fn gateway(&self, name: &str) -> Gateway {
        let control_plane = format!("http://{}", self.feed_addr());
        let gateway = Gateway::start(name, self.profile_name(), &[control_plane]);
        eventually(READY_WITHIN, || gateway.is_ready(), |ready| *ready);
        gateway
    }

    /// What ends the server from another thread than the one that holds it.
    pub fn pid(&self) -> ServerPid {
        self.process.as_ref().expect("a running server").pid()
    }

    /// SIGTERM; asserts that the server drains and exits with 0.
    #[track_caller]
    pub fn terminate(&mut self) {
        self.ask_to_terminate();
        self.wait_for_exit_0();
    }

    /// SIGTERM without waiting for what follows.
    pub fn ask_to_terminate(&self) {
        self.process.as_ref().expect("a running server").terminate();
    }

    /// Waits for the end of a server that was asked to terminate.
    #[track_caller]
    pub fn wait_for_exit_0(&mut self) {
        let status = self.process.take().expect("a running server").wait();
        assert!(status.success(), "{status} after SIGTERM:\n{}", self.logs());
    }

    /// Starts again on the same store and the same ports.
    #[track_caller]
    pub fn restart(&mut self) {
        if self.process.is_some() {
            self.terminate();
        }
        self.start_again();
    }

    /// As [`Self::restart`], of a server that was killed.
    #[track_caller]
    pub fn restart_after_death(&mut self) {
        drop(self.process.take());
        self.start_again();
    }

    #[track_caller]
    fn start_again(&mut self) {
        assert!(self.launch(), "keyward did not start again:\n{}", self.logs());
    }

    /// Starts a server that was stopped, on a store that was put back: people are let in, anew, and everything is denied.
    #[track_caller]
    pub fn start_denying(&mut self) {
        self.owner = OnceLock::new();
        let lives = |listener: &Caller| {
            listener.try_send("GET", "/livez", None).is_some_and(|answer| answer.status == 200)
        };
        let started = self.launch_until(|keyward| is_ready(&keyward.anonymous()) && lives(&keyward.data()));
        assert!(started, "keyward did not start again:\n{}", self.logs());
    }

    /// As [`Self::start_denying`], on a store that must not start.
    #[track_caller]
    pub fn refuses_to_start_again(&mut self) -> String {
        let before = self.logs().len();
        assert!(!self.launch(), "keyward started");
        self.logs().split_off(before)
    }

    /// Starts a server that was stopped.
    #[track_caller]
    pub fn start_stopped(&mut self) {
        self.start_again();
    }

    /// Sets a variable for the next start.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// Takes a variable away for the next start.
    pub fn unset_env(&mut self, name: &str) {
        self.env.remove(name);
    }

    pub(crate) fn profile_name(&self) -> &str {
        self.env.get("KEYWARD_PROFILE").map_or("default", String::as_str)
    }

    pub fn control_addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.0))
    }

    pub fn data_addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.1))
    }

    /// The control plane, asked by nobody in particular.
    pub fn anonymous(&self) -> Caller {
        Caller::new(self.control_addr())
    }

    /// The data plane.
    pub fn data(&self) -> Caller {
        Caller::new(self.data_addr())
    }

    /// The control plane, asked with a key.
    pub fn with_key(&self, secret: &str) -> Caller {
        self.anonymous().bearer(secret)
    }

    /// The control plane, asked by whoever runs this deployment.
    pub fn operator(&self) -> Caller {
        self.anonymous().bearer(OPERATOR_TOKEN)
    }

    pub fn operator_token(&self) -> &'static str {
        OPERATOR_TOKEN
    }

    /// The owner whom the environment created, signed in.
    pub fn owner(&self) -> &Person {
        self.owner.get_or_init(|| self.sign_in(OWNER_EMAIL, OWNER_PASSWORD))
    }

    pub fn sign_in(&self, email: &str, password: &str) -> Person {
        Person::sign_in(self, email, password)
    }

    /// A fresh workspace, owned by the owner of this server, on a plan that allows keys.
    pub fn workspace(&self) -> Workspace<'_> {
        let workspace = self.workspace_of(self.owner());
        if self.profile_name() == "cybrium" {
            workspace.set_plan("pro");
        }
        workspace
    }

    /// A fresh workspace made by that person, as the profile makes it.
    pub fn workspace_of(&self, person: &Person) -> Workspace<'_> {
        Workspace::create(self, person, &unique("ws"))
    }

    /// The workspace that the environment created.
    pub fn first_workspace(&self) -> Workspace<'_> {
        Workspace::of(self, self.owner(), "acme", "Acme")
    }

    /// Asks the data plane; the answer's status is 200.
    #[track_caller]
    pub fn verify(&self, question: Value) -> Value {
        self.data().post("/v1/verify", question).expect(200).body
    }

    /// The code of a question that names the key alone.
    #[track_caller]
    pub fn verify_code(&self, secret: &str) -> String {
        let body = self.verify(json!({ "key": secret }));
        body["code"].as_str().expect("a code").to_owned()
    }

    /// Asks as a gateway does for a request that it holds.
    pub fn authorize(&self, secret: &str, method: &str, uri: &str) -> Answer {
        let gateway = self.data().with("X-Forwarded-Method", method).with("X-Forwarded-Uri", uri);
        gateway.bearer(secret).get("/v1/authorize")
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The file that the store is in.
    #[track_caller]
    pub fn store(&self) -> PathBuf {
        assert!(self.database.is_none(), "the store is a database: this test is about a file");
        self.dir.path().join("keyward.sqlite")
    }

    /// The database that the store is in. `None`: it is a file.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Every byte that the store has on the disk, also of what is not in its tables yet, or any more.
    pub fn store_bytes(&self) -> Vec<u8> {
        if let Some(database) = &self.database {
            return database.bytes();
        }
        let read = |suffix: &str| {
            let path = self.dir.path().join(format!("keyward.sqlite{suffix}"));
            std::fs::read(path).unwrap_or_default()
        };
        [read(""), read("-wal")].concat()
    }

    /// Whether a text stands in the store.
    pub fn store_holds(&self, text: &str) -> bool {
        self.store_bytes().windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// The file with what checkpoints of audit logs are signed with.
    pub fn audit_key(&self) -> PathBuf {
        self.key_file("audit-key")
    }

    /// The file with what secrets that are read again are sealed with.
    pub fn sealing_key(&self) -> PathBuf {
        self.key_file("sealing-key")
    }

    fn key_file(&self, of: &str) -> PathBuf {
        let beside = if self.database.is_some() { "keyward" } else { "keyward.sqlite" };
        self.dir.path().join(format!("{beside}.{of}"))
    }

    /// Everything that all runs of this server have printed.
    pub fn logs(&self) -> String {
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(self.dir.path().join(name)).unwrap_or_default())
                .into_owned()
        };
        format!("{}\n{}", read("stdout.log"), read("stderr.log"))
    }
}

fn is_ready(listener: &Caller) -> bool {
    listener.try_send("GET", "/readyz", None).is_some_and(|answer| answer.status == 200)
}

/// A port that nobody listens on, below the range that the kernel gives to outgoing connections.
pub fn free_port() -> u16 {
    loop {
        let port = 10_000 + u16::try_from(pick(20_000)).expect("a small number");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
