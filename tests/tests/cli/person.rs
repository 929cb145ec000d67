use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keyward_tests::{Keyward, Person, Value, binary_path};
use tempfile::TempDir;

/// Somebody at a shell, with a home folder of their own.
pub(crate) struct Shell {
    home: TempDir,
    env: Vec<(String, String)>,
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shell {
    /// A shell whose environment names that server.
    pub(crate) fn at(keyward: &Keyward) -> Self {
        Self::at_addresses(
            &format!("http://{}", keyward.control_addr()),
            &format!("http://{}", keyward.data_addr()),
        )
    }

    pub(crate) fn at_addresses(server: &str, data_plane: &str) -> Self {
        let home = tempfile::Builder::new().prefix("keyward-cli-").tempdir().expect("a temporary directory");
        let env = [("KEYWARD_SERVER_URL", server), ("KEYWARD_DATA_PLANE_URL", data_plane)];
        Self { home, env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into() }
    }

    /// The same, signed in.
    pub(crate) fn signed_in(keyward: &Keyward, person: &Person) -> Self {
        let shell = Self::at(keyward);
        shell.run_with(&["login", "--email", &person.email, "--password-stdin"], &person.password).expect(0);
        shell
    }

    /// The same, with one more variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.home.path().join(".config/keyward/credentials.json")
    }

    /// The command, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary_path());
        command.args(arguments).current_dir(self.home.path()).env_clear();
        command.env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm").envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs a command that finds that text on stdin.
    #[track_caller]
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("keyward starts");
        // A command that wants nothing may be gone before it was written.
        let _ = child.stdin.take().expect("its stdin").write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("its end");
        Ran {
            exit: output.status.code().expect("an exit code, not a signal"),
            stdout: String::from_utf8(output.stdout).expect("text on stdout"),
            stderr: String::from_utf8(output.stderr).expect("text on stderr"),
        }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{self:#?}");
        self
    }

    /// Asserts that stderr says this.
    #[track_caller]
    pub(crate) fn saying(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "stderr does not say {words:?}: {self:#?}");
        self
    }

    /// Asserts that there is no data: a failure must not look like an answer.
    #[track_caller]
    pub(crate) fn without_data(self) -> Self {
        assert_eq!(self.stdout, "", "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:#?}"))
    }
}
