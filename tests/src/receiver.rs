use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::project_root;

/// Node on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A receiver of webhooks: `tools/receiver/receiver.js` with the library of the Standard Webhooks specification. It can be
/// away for a while.
#[derive(Debug)]
pub struct Receiver {
    dir: TempDir,
    port: u16,
    has_tls: bool,
    process: Option<Child>,
}

impl Receiver {
    /// One that is not there yet, but whose address is known.
    pub fn away() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("its address").port();
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { dir, port, has_tls: false, process: None }
    }

    /// The same behind TLS, with the certificate of `localhost` that is in [`Self::authority`].
    pub fn away_with_tls() -> Self {
        let mut receiver = Self::away();
        receiver.has_tls = true;
        receiver
    }

    /// What a machine must trust to trust a receiver behind TLS.
    pub fn authority() -> PathBuf {
        project_root().join("tests/fixtures/mail-server.pem")
    }

    /// Where it is.
    pub fn url(&self, path: &str) -> String {
        let place = if self.has_tls { "https://localhost" } else { "http://127.0.0.1" };
        format!("{place}:{}{path}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it verifies signatures with from now on.
    pub fn trusts(&self, secret: &str) {
        fs::write(self.secret_file(), secret).expect("a file in the temp dir");
    }

    fn secret_file(&self) -> PathBuf {
        self.dir.path().join("secret")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("received")
    }

    /// Comes (back).
    #[track_caller]
    pub fn comes(&mut self) {
        let test = std::env::current_exe().expect("the path of the running test");
        // target/<profile>/deps/it-0123 → target
        let built = test.ancestors().nth(3).expect("the build folder");
        let modules = built.join("tools/receiver/node_modules");
        assert!(
            modules.join("standardwebhooks").exists(),
            "run `cargo xtask setup` first: {}",
            modules.display()
        );
        let log = File::options().create(true).append(true).open(self.log()).expect("a log file");
        let errors = log.try_clone().expect("the same file");
        let mut command = Command::new("node");
        command.arg(project_root().join("tools/receiver/receiver.js")).arg(self.port.to_string());
        command.arg(self.secret_file()).env("NODE_PATH", modules);
        if self.has_tls {
            command.arg(Self::authority()).arg(project_root().join("tests/fixtures/mail-server-key.pem"));
        }
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let before = self.count("listening");
        self.process = Some(command.spawn().expect("node starts"));
        let until = Instant::now() + STARTS_WITHIN;
        while self.count("listening") == before {
            assert!(
                Instant::now() < until,
                "the receiver does not listen: {:?}",
                fs::read_to_string(self.log())
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Goes away.
    pub fn goes(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// What it received, each with its `outcome`.
    pub fn received(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What it took, in the order in which it came.
    pub fn taken(&self) -> Vec<Value> {
        self.received().into_iter().filter(|line| line["outcome"] == "taken").collect()
    }

    pub fn count(&self, outcome: &str) -> usize {
        self.received().iter().filter(|line| line["outcome"] == outcome).count()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.goes();
    }
}
