//! A real Keyward on free ports of loopback, with a store of its own that is gone when it is.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use serde_json::{Value, json};

use crate::curl::{self, Ask};
use crate::failure::Failure;
use crate::run;
use crate::tree::Tree;

pub(crate) const OWNER_EMAIL: &str = "owner@example.com";
pub(crate) const OWNER_PASSWORD: &str = "three quiet otters paddle";
pub(crate) const SLUG: &str = "acme";
pub(crate) const OPERATOR_TOKEN: &str = "operator-token-of-a-server-on-loopback";
pub(crate) const INTROSPECTION_SECRET: &str = "introspection-secret-of-a-server-on-loopback";
const WEBHOOK_SECRET: &str = "whsec_of_a_server_on_loopback";

/// A debug build on a busy machine migrates its store and hashes the owner's password in a few seconds.
const START_MAX: Duration = Duration::from_secs(30);
/// Longer than the server's own bound on draining.
const STOP_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    /// `http://127.0.0.1:PORT` of the control plane.
    pub(crate) control: String,
    /// The same of the data plane.
    pub(crate) data: String,
}

impl Server {
    /// Starts the debug build, which must have been built, and waits until both listeners are ready.
    pub(crate) fn start(tree: &Tree, profile: &str) -> Result<Self, Failure> {
        let folder = tree.built("tools/runs").join(format!("{profile}-{}", process::id()));
        fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
        let log_path = folder.join("log");
        let log = fs::File::create(&log_path).map_err(Failure::file(&log_path))?;
        let out = log.try_clone().map_err(Failure::file(&log_path))?;
        let (control, data) = (free_address()?, free_address()?);
        let mut command = undisturbed(&tree.built("debug/keyward"));
        command
            .arg("serve")
            .env("KEYWARD_PROFILE", profile)
            .env("KEYWARD_STORE__URL", format!("sqlite:{}", folder.join("keyward.sqlite").display()))
            .env("KEYWARD_SERVER__LISTEN", &control)
            .env("KEYWARD_DATA_PLANE__LISTEN", &data)
            .env("KEYWARD_OPERATOR__TOKEN", OPERATOR_TOKEN)
            .env("KEYWARD_DATA_PLANE__INTROSPECTION_SECRET", INTROSPECTION_SECRET)
            .env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .env("KEYWARD_SIGN_IN__ACCOUNT_FREE_TRIES", "1000000")
            .env("KEYWARD_SIGN_IN__ADDRESS_FREE_TRIES", "1000000")
            .env("KEYWARD_WEBHOOKS__ALLOW_HTTP", "true")
            .env("KEYWARD_WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")
            .env("KEYWARD_BOOTSTRAP__OWNER_EMAIL", OWNER_EMAIL)
            .env("KEYWARD_BOOTSTRAP__OWNER_PASSWORD", OWNER_PASSWORD)
            .env("KEYWARD_BOOTSTRAP__WORKSPACE_NAME", "Acme")
            .env("KEYWARD_BOOTSTRAP__WORKSPACE_SLUG", SLUG)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(log);
        let child =
            command.spawn().map_err(|source| Failure::Start { command: run::shown(&command), source })?;
        let (control, data) = (format!("http://{control}"), format!("http://{data}"));
        let mut server = Self { child, folder, control, data };
        for listener in [server.control.clone(), server.data.clone()] {
            wait_until_answered(&format!("{listener}/readyz"), || server.has_ended())
                .map_err(|failure| Failure::said(format!("{failure}\n{}", server.log())))?;
        }
        Ok(server)
    }

    /// Signs the owner in and returns the session's cookie.
    pub(crate) fn sign_in(&self) -> Result<String, Failure> {
        self.sign_in_as(OWNER_EMAIL, OWNER_PASSWORD)
    }

    /// Signs somebody in and returns their cookie.
    pub(crate) fn sign_in_as(&self, email: &str, password: &str) -> Result<String, Failure> {
        let ask = Ask::new("POST", format!("{}/api/v1/session", self.control))
            .json(&json!({"email": email, "password": password}));
        let answer = ask.expect(200)?;
        answer.cookie().ok_or_else(|| Failure::said("signing in set no cookie"))
    }

    /// Every scope that the profile knows.
    pub(crate) fn all_scopes(&self, cookie: &str) -> Result<Vec<String>, Failure> {
        let catalogue =
            Ask::new("GET", format!("{}/api/v1/{SLUG}/scopes", self.control)).session(cookie).expect(200)?;
        let catalogue = catalogue.json()?;
        let items = catalogue.pointer("/items").and_then(Value::as_array).cloned().unwrap_or_default();
        items.iter().map(|item| curl::text(item, "/name")).collect()
    }

    /// Asks it to end as an init system would; `Err` if it does not end well.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        terminate(&self.child)?;
        let deadline = Instant::now() + STOP_MAX;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(Failure::Ended { command: "keyward serve".to_owned(), status });
                }
                Ok(None) if Instant::now() < deadline => sleep(POLL),
                _ => return Err(Failure::said("keyward serve did not end on SIGTERM")),
            }
        }
    }

    /// The last of what it wrote.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(30).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if there is nothing left to end or to remove.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A command that this terminal's own `KEYWARD_…` settings don't reach.
pub(crate) fn undisturbed(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("KEYWARD_") {
            command.env_remove(&name);
        }
    }
    command
}

/// An address that was free a moment ago; nobody else on loopback is asked to leave it so, and a clash is an error at start.
pub(crate) fn free_address() -> Result<String, Failure> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.to_string()).map_err(|error| Failure::said(format!("no free port: {error}")))
}

/// Waits for 200 at the address, at most [`START_MAX`] and no longer than the program lives.
pub(crate) fn wait_until_answered(url: &str, mut has_ended: impl FnMut() -> bool) -> Result<(), Failure> {
    let deadline = Instant::now() + START_MAX;
    while !run::succeeds(Command::new("curl").args(["-q", "--silent", "--fail", "--max-time", "5", url])) {
        if has_ended() {
            return Err(Failure::said(format!("the program that should answer {url} has ended")));
        }
        if Instant::now() > deadline {
            return Err(Failure::said(format!("{url} was not answered by 200 in {} s", START_MAX.as_secs())));
        }
        sleep(POLL);
    }
    Ok(())
}

/// SIGTERM by the shell's own `kill`: the standard library only knows SIGKILL, and a minimal Debian has no other.
fn terminate(child: &Child) -> Result<(), Failure> {
    let command = format!("kill -TERM {}", child.id());
    let status = Command::new("sh").args(["-c", &command]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Ended { command, status }),
        Err(source) => Err(Failure::Start { command, source }),
    }
}
