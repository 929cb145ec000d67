//! chromedriver and its sessions. One chromedriver serves all tests of a process, and browsers are used again: starting one
//! takes longer than most tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::server::free_port;
use crate::{Answer, Caller};

/// How many browsers one test holds at most.
const SESSIONS_OF_TEST: usize = 2;
/// chromedriver on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What Chromium is started with: without a display, without a sandbox of its own (it would refuse to run as root), and
/// without anything that asks other hosts on its own account. Its end of a pipe closes with chromedriver, and it ends.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
    "--window-size=1280,900",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
];

#[derive(Debug)]
struct Driver {
    caller: Caller,
    dir: TempDir,
    _process: Process,
}

static DRIVER: OnceLock<Driver> = OnceLock::new();

/// Sessions that nobody uses, and how many there are in all.
#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Session>,
    open: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), open: 0 });
static RETURNED: Condvar = Condvar::new();

/// A browser of its own.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
}

/// Browsers at once. As many tests run at a time as there are processors; with one browser more than all of them can hold
/// while they wait for their last, none waits for ever.
fn sessions_max() -> usize {
    let tests = std::thread::available_parallelism().map_or(1, usize::from);
    tests * (SESSIONS_OF_TEST - 1) + 1
}

/// A browser without cookies, once one is free.
pub(super) fn session() -> Session {
    let mut pool = pool();
    loop {
        if let Some(session) = pool.idle.pop() {
            return session;
        }
        if pool.open < sessions_max() {
            pool.open += 1;
            drop(pool);
            return Session::open();
        }
        pool = RETURNED.wait(pool).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Gives a browser to whoever wants it next, with nothing left of what was done in it.
pub(super) fn give_back(session: Session) {
    session.post("url", &json!({"url": "about:blank"}));
    for command in
        ["Network.clearBrowserCookies", "Network.clearBrowserCache", "Emulation.clearDeviceMetricsOverride"]
    {
        session.devtools(command, &json!({}));
    }
    session.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": false}));
    session.devtools("Emulation.setEmulatedMedia", &json!({"features": []}));
    for kind in ["browser", "performance"] {
        session.log(kind);
    }
    pool().idle.push(session);
    RETURNED.notify_one();
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn driver() -> &'static Driver {
    DRIVER.get_or_init(|| {
        let dir =
            tempfile::Builder::new().prefix("keyward-browser-").tempdir().expect("a temporary directory");
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).current_dir(dir.path());
        // Panics where there is none: `cargo xtask setup` installs it.
        let process = Process::spawn(command, dir.path());
        let caller = Caller::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let until = Instant::now() + READY_WITHIN;
        while caller
            .try_send("GET", "/status", None)
            .is_none_or(|answer| answer.body["value"]["ready"] != true)
        {
            assert!(Instant::now() < until, "chromedriver is not ready within {READY_WITHIN:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Driver { caller, dir, _process: process }
    })
}

impl Session {
    fn open() -> Self {
        let driver = driver();
        let data =
            tempfile::Builder::new().tempdir_in(driver.dir.path()).expect("a folder for the browser").keep();
        let mut arguments = ARGUMENTS.map(ToOwned::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", data.display()));
        let wanted = json!({
            "browserName": "chrome",
            "timeouts": {"script": 20_000, "pageLoad": 25_000, "implicit": 0},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": arguments},
        });
        let opened = driver.caller.post("/session", json!({"capabilities": {"alwaysMatch": wanted}}));
        let session = Self { id: value(&opened)["sessionId"].as_str().expect("a session").to_owned() };
        // The page that Chromium starts with is not one of ours.
        session.post("url", &json!({"url": "about:blank"}));
        for kind in ["browser", "performance"] {
            session.log(kind);
        }
        session
    }

    #[track_caller]
    pub(super) fn get(&self, command: &str) -> Value {
        value(&driver().caller.get(&self.path(command)))
    }

    #[track_caller]
    pub(super) fn post(&self, command: &str, body: &Value) -> Value {
        value(&driver().caller.post(&self.path(command), body.clone()))
    }

    /// As [`Self::get`], where a failure is being told already.
    pub(super) fn try_get(&self, command: &str) -> Option<String> {
        let answer = driver().caller.try_send("GET", &self.path(command), None)?;
        answer.body["value"].as_str().map(ToOwned::to_owned)
    }

    /// As [`Self::post`], of what may fail: the error's kind and message.
    pub(super) fn try_post(&self, command: &str, body: &Value) -> Result<Value, String> {
        let answer = driver().caller.post(&self.path(command), body.clone());
        if answer.status == 200 {
            Ok(answer.body["value"].clone())
        } else {
            Err(answer.body["value"]["message"].to_string())
        }
    }

    #[track_caller]
    pub(super) fn devtools(&self, command: &str, params: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({"cmd": command, "params": params}))
    }

    /// What was written into that log since it was last read.
    #[track_caller]
    pub(super) fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.post("se/log", &json!({ "type": kind }));
        entries.as_array().expect("a log").clone()
    }

    /// Types into whatever has the focus.
    #[track_caller]
    pub(super) fn type_keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            [
                json!({"type": "keyDown", "value": key.to_string()}),
                json!({"type": "keyUp", "value": key.to_string()}),
            ]
        });
        let strokes: Vec<Value> = strokes.collect();
        self.post("actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}));
    }

    /// Ends the browser.
    pub(super) fn end(self) {
        let _ = driver().caller.try_send("DELETE", &format!("/session/{}", self.id), None);
        pool().open -= 1;
        RETURNED.notify_one();
    }

    fn path(&self, command: &str) -> String {
        format!("/session/{}/{command}", self.id)
    }
}

#[track_caller]
fn value(answer: &Answer) -> Value {
    assert!(answer.status == 200, "the browser refuses: {answer}");
    answer.body["value"].clone()
}
