//! What whoever runs the server does with the store itself.

mod backup;
mod copy;
mod migrate;
mod postgres;
mod restore;
mod upgrade;

use std::path::{Path, PathBuf};

use keyward_tests::{Keyward, Value};

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

/// Runs a command with the environment of that server.
#[track_caller]
pub(crate) fn run(keyward: &Keyward, command: &str, arguments: &[&str]) -> Ran {
    let output = keyward.command(command).args(arguments).output().expect("keyward runs");
    Ran {
        exit: output.status.code().expect("an exit code, not a signal"),
        stdout: String::from_utf8(output.stdout).expect("text on stdout"),
        stderr: String::from_utf8(output.stderr).expect("text on stderr"),
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{self:#?}");
        self
    }

    /// Asserts that it says this, wherever.
    #[track_caller]
    pub(crate) fn saying(self, words: &str) -> Self {
        assert!(
            self.stdout.contains(words) || self.stderr.contains(words),
            "no word of {words:?}: {self:#?}"
        );
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:#?}"))
    }
}

/// Takes a backup and gives its path.
#[track_caller]
fn back_up(keyward: &Keyward, name: &str) -> PathBuf {
    let path = keyward.dir().join(name);
    run(keyward, "backup", &["--out", name]).expect(0);
    path
}

/// Moves the store away, as an operator does before a restore.
fn move_away(keyward: &Keyward) {
    for suffix in ["", "-wal", "-shm"] {
        let path = beside(&keyward.store(), suffix);
        if path.exists() {
            std::fs::rename(&path, beside(&path, ".before")).expect("a move");
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Whether the data plane refuses to decide, and says why.
#[track_caller]
fn assert_denying(keyward: &Keyward, secret: &str) {
    let answer = keyward.data().post("/v1/verify", keyward_tests::json!({ "key": secret }));
    answer.problem(503, "stale_authority");
    keyward.authorize(secret, "GET", "/api/products").problem(503, "stale_authority");
    let ready = keyward.data().get("/readyz").problem(503, "unavailable");
    assert!(ready.text_at("detail").contains("keyward store confirm"), "{ready}");
    keyward.anonymous().get("/readyz").expect(200);
}
