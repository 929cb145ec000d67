use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Process, ServerPid};
use crate::server::free_port;
use crate::{Caller, binary};

/// What nodes show to the control planes of the tests.
pub const NODE_CREDENTIAL: &str = "node-credential-of-the-tests-0123456789abcdef";
/// Where a process of another port may take ours before we bind it.
const ATTEMPTS: usize = 5;

/// A gateway node: the real binary, following control planes elsewhere.
#[derive(Debug)]
pub struct Gateway {
    dir: TempDir,
    name: String,
    env: Vec<(String, String)>,
    port: u16,
    process: Option<Process>,
}

impl Gateway {
    /// Starts a node that follows these control planes. It need not be ready.
    pub fn start(name: &str, profile: &str, control_planes: &[String]) -> Self {
        Self::start_with(name, profile, control_planes, &[])
    }

    /// As [`Self::start`], with more in its environment.
    pub fn start_with(name: &str, profile: &str, control_planes: &[String], env: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("KEYWARD_PROFILE".to_owned(), profile.to_owned()),
            ("KEYWARD_DATA_PLANE__NODE".to_owned(), name.to_owned()),
            ("KEYWARD_GATEWAY__CONTROL_PLANES".to_owned(), control_planes.join(",")),
            ("KEYWARD_GATEWAY__CREDENTIAL".to_owned(), NODE_CREDENTIAL.to_owned()),
            ("KEYWARD_LOG".to_owned(), "info".to_owned()),
        ];
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let dir = tempfile::Builder::new().prefix("keyward-node-").tempdir().expect("a temporary directory");
        let mut node = Self { dir, name: name.to_owned(), env: all, port: 0, process: None };
        for _ in 0..ATTEMPTS {
            node.port = free_port();
            if node.launch() {
                return node;
            }
        }
        panic!("the node did not start:\n{}", node.logs());
    }

    /// Starts the process; false if it ended before it listened.
    fn launch(&mut self) -> bool {
        let mut command = Command::new(binary::path());
        command.arg("gateway").current_dir(self.dir.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.dir.path());
        command.env("KEYWARD_DATA_PLANE__LISTEN", self.addr().to_string());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let mut process = Process::spawn(command, self.dir.path());
        let until = Instant::now() + Duration::from_secs(30);
        while self.data().try_send("GET", "/livez", None).is_none_or(|answer| answer.status != 200) {
            if process.ended().is_some() {
                return false;
            }
            assert!(Instant::now() < until, "the node does not listen:\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
        true
    }

    /// Starts again after [`ServerPid::kill_9`], on the same port.
    #[track_caller]
    pub fn restart(&mut self) {
        drop(self.process.take());
        assert!(self.launch(), "the node did not start again:\n{}", self.logs());
    }

    /// SIGTERM; asserts that it exits with 0.
    #[track_caller]
    pub fn terminate(&mut self) {
        let process = self.process.take().expect("a running node");
        process.terminate();
        let status = process.wait();
        assert!(status.success(), "{status} after SIGTERM:\n{}", self.logs());
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its data plane.
    pub fn data(&self) -> Caller {
        Caller::new(self.addr())
    }

    pub fn pid(&self) -> ServerPid {
        self.process.as_ref().expect("a running node").pid()
    }

    pub fn is_ready(&self) -> bool {
        self.data().try_send("GET", "/readyz", None).is_some_and(|answer| answer.status == 200)
    }

    /// The value of a metric without labels.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.data().get("/metrics").expect(200).text;
        let line = text.lines().find(|line| line.split(' ').next() == Some(name))?;
        line.split(' ').nth(1)?.parse().ok()
    }

    pub fn logs(&self) -> String {
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(self.dir.path().join(name)).unwrap_or_default())
                .into_owned()
        };
        format!("{}\n{}", read("stdout.log"), read("stderr.log"))
    }
}
