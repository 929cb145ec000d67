use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Open connections are drained first; a server that takes longer than this hangs.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// A running server that cannot outlive the test process, however that one ends.
#[derive(Debug)]
pub(crate) struct Process {
    server: Child,
    watchdog: Child,
}

/// A server that can be killed while others use it. It is not reaped before its [`Process`] is dropped, so the
/// number cannot come to mean another process meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct ServerPid(Pid);

impl ServerPid {
    /// The number.
    pub fn number(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// The end that no destructor sees.
    pub fn kill_9(self) {
        kill_process(self.0, Signal::KILL).expect("SIGKILL reaches the server");
    }
}

impl ServerPid {
    /// Nothing of it runs from now on, as if it were frozen.
    pub fn stop(self) {
        kill_process(self.0, Signal::STOP).expect("SIGSTOP reaches the server");
    }

    /// It runs on.
    pub fn go_on(self) {
        kill_process(self.0, Signal::CONT).expect("SIGCONT reaches the server");
    }
}

impl Process {
    /// Starts a server whose logs, and whatever else it keeps, are in that folder.
    pub(crate) fn spawn(mut command: Command, dir: &Path) -> Self {
        let log = |name: &str| {
            File::options()
                .create(true)
                .append(true)
                .open(dir.join(name))
                .expect("a log file in the temp dir")
        };
        command.stdin(Stdio::null()).stdout(log("stdout.log")).stderr(log("stderr.log"));
        let server = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{}: {error} (`cargo xtask setup` installs what the tests start)",
                command.get_program().display()
            )
        });
        let watchdog = watch(&server, dir);
        Self { server, watchdog }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.server.try_wait().expect("the state of a child")
    }

    pub(crate) fn pid(&self) -> ServerPid {
        ServerPid(Pid::from_child(&self.server))
    }

    pub(crate) fn terminate(&self) {
        kill_process(self.pid().0, Signal::TERM).expect("SIGTERM reaches the server");
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        let until = Instant::now() + STOPS_WITHIN;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < until, "still running {STOPS_WITHIN:?} after SIGTERM");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Before the server is reaped, so that the watchdog can never signal a pid that was given to another.
    fn stop_watching(&mut self) {
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop_watching();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A shell that reads a pipe whose other end only this process holds: the pipe closes when this process ends,
/// also by a signal or an abort, where no destructor runs. The shell then kills the server and clears its folder.
fn watch(server: &Child, dir: &Path) -> Child {
    Command::new("/bin/sh")
        .args([
            "-c",
            "trap '' INT TERM HUP; read -r _; kill -9 \"$1\" && sleep 0.1; rm -rf -- \"$2\"",
            "watchdog",
        ])
        .arg(server.id().to_string())
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell to watch over the server")
}
