//! Servers on a core of their own, that end when they are let go.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::line::Line;

/// The core of whatever is asked; the client has the other one.
pub(crate) const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";
/// Loading ten million keys on a busy machine.
const START_MAX: Duration = Duration::from_mins(10);
/// Some times to start are told: this is as exact as they are.
const POLL: Duration = Duration::from_millis(5);

/// A server that was started.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// A command whose program, and what it starts, run on the servers' core alone. `KEYWARD_…` of this terminal does not
/// reach it.
pub(crate) fn pinned(program: &str) -> Command {
    let mut command = unpinned("taskset");
    command.args(["-c", SERVER_CORE, program]);
    command
}

/// A command that runs where this process does: beside the client, once that is pinned. `KEYWARD_…` of this terminal does not
/// reach it.
pub(crate) fn unpinned(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KEYWARD_") {
            command.env_remove(name);
        }
    }
    command
}

/// Keeps this process on the client's core.
pub(crate) fn pin_client() -> Result<(), Failure> {
    let own = std::process::id().to_string();
    let pinned =
        Command::new("taskset").args(["-p", "-c", CLIENT_CORE, &own]).stdout(Stdio::null()).status()?;
    if pinned.success() { Ok(()) } else { Err("taskset cannot pin the client; it takes two cores".into()) }
}

/// Time of the servers' core, in ticks of the system: all that has passed, and what of it nobody used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoreTime {
    idle: u64,
    all: u64,
}

impl CoreTime {
    pub(crate) fn now() -> Result<Self, Failure> {
        let told = fs::read_to_string("/proc/stat")?;
        let name = format!("cpu{SERVER_CORE} ");
        let line = told.lines().find_map(|line| line.strip_prefix(&name)).ok_or("no such core")?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests used is in the first two.
        let ticks: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { idle: ticks.iter().skip(3).take(2).sum(), all: ticks.iter().sum() })
    }

    /// What of a hundred ticks since then nobody used.
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    pub(crate) fn idle_percent_since(self, before: Self) -> f64 {
        100.0 * (self.idle - before.idle) as f64 / (self.all - before.all).max(1) as f64
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until what listens there says that it may decide.
pub(crate) fn until_ready(address: SocketAddr) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut line = Line::patient(address, START_MAX)?;
    while !line.exchange(b"GET /readyz HTTP/1.1\r\nHost: node\r\n\r\n")?.starts_with("HTTP/1.1 200 ") {
        if begun.elapsed() > START_MAX {
            return Err("it is not ready".into());
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

impl Server {
    /// Starts it, with its output in `log`, and waits until it takes connections on the port.
    pub(crate) fn start(command: &mut Command, port: u16, log: &Path) -> Result<Self, Failure> {
        let out = fs::File::create(log)?;
        let err = out.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn()?;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let begun = Instant::now();
        while TcpStream::connect(server.address).is_err() {
            if server.child.try_wait()?.is_some() || begun.elapsed() > START_MAX {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{:?} did not start: {said}", command.get_args()).into());
            }
            std::thread::sleep(POLL);
        }
        Ok(server)
    }

    /// Resident memory of the process and those that it started, in MiB.
    pub(crate) fn resident_mib(&self) -> u64 {
        let family = family(self.child.id());
        let kib = |pid: &u32| -> Option<u64> {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse().ok()
        };
        family.iter().filter_map(kib).sum::<u64>() / 1024
    }
}

/// A process and its descendants.
fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let mut at = 0;
    while let Some(pid) = family.get(at).copied() {
        at += 1;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        family.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    family
}

impl Drop for Server {
    fn drop(&mut self) {
        // `taskset` has become the program itself. Its children end with it or are ended by it: SIGTERM, and SIGKILL
        // only for who does not listen.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(POLL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
