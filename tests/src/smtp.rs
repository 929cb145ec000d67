use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Builder, free_port};
use crate::{eventually, project_root};

/// Python and its modules start within this on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A real SMTP server, `tests/fixtures/mail_server.py`. What it has taken outlives its process.
#[derive(Debug)]
pub struct MailServer {
    folder: TempDir,
    port: u16,
    has_tls: bool,
    process: Option<Child>,
}

/// A mail that the server has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub headers: Vec<String>,
    /// Whether it came over TLS.
    pub tls: bool,
    /// Who had signed in.
    pub user: Option<String>,
}

impl MailServer {
    /// Takes whatever comes, in clear.
    pub fn start() -> Self {
        Self::start_with(false)
    }

    /// Takes mail after STARTTLS and the password alone.
    pub fn start_with_tls() -> Self {
        Self::start_with(true)
    }

    fn start_with(has_tls: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("keyward-mail-").tempdir().expect("a folder");
        let mut server = Self { folder, port: free_port(), has_tls, process: None };
        server.begin();
        server
    }

    /// The server is gone, as when its machine restarts. What it has taken stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the mail server ends");
            process.wait().expect("the mail server has ended");
        }
    }

    /// It is there again, at the same port.
    pub fn begin(&mut self) {
        // The tests' own tools, as `cargo xtask setup` installs them.
        let python = tools().join("bin/python");
        let mut command = Command::new(&python);
        command.arg(fixture("mail_server.py")).arg(self.folder.path()).arg(self.port.to_string());
        if self.has_tls {
            command.args([fixture("mail-server.pem"), fixture("mail-server-key.pem")]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn();
        self.process = Some(
            process.unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", python.display())),
        );
        let until = Instant::now() + READY_WITHIN;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = self.process.as_mut().expect("a process").try_wait().expect("its state");
            assert!(ended.is_none(), "the mail server ended: {ended:?}; run `cargo xtask setup`");
            assert!(Instant::now() < until, "the mail server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The settings of a server that sends its mail here.
    pub fn configure(&self, builder: Builder) -> Builder {
        let builder = builder
            .env("KEYWARD_MAIL__HOST", "localhost")
            .env("KEYWARD_MAIL__PORT", &self.port.to_string())
            .env("KEYWARD_MAIL__FROM", "Keyward <keyward@example.com>");
        if !self.has_tls {
            return builder.env("KEYWARD_MAIL__TLS", "none");
        }
        builder
            .env("KEYWARD_MAIL__USERNAME", "keyward")
            .env("KEYWARD_MAIL__PASSWORD", "a mail password")
            .env("SSL_CERT_FILE", &fixture("mail-server.pem").display().to_string())
    }

    /// All that it has taken, the first one first.
    pub fn mails(&self) -> Vec<Mail> {
        self.lines("mails.jsonl").iter().map(mail).collect()
    }

    /// Waits until it has taken so many, and gives them.
    #[track_caller]
    pub fn expect(&self, count: usize, within: Duration) -> Vec<Mail> {
        eventually(within, || self.mails(), |mails| mails.len() >= count)
    }

    /// How many mails have come in whole, answered or not.
    pub fn arrived(&self) -> usize {
        self.lines("arrived.jsonl").len()
    }

    /// How many senders were gone before their mail was answered.
    pub fn lost(&self) -> usize {
        self.lines("lost.jsonl").len()
    }

    /// From now on it reads what comes, and answers nothing.
    pub fn hold(&self) {
        std::fs::write(self.folder.path().join("hold"), "").expect("a file");
    }

    /// It answers again.
    pub fn let_go(&self) {
        std::fs::remove_file(self.folder.path().join("hold")).expect("a file less");
    }

    /// What mail to somebody is answered with from now on.
    pub fn answer(&self, address: &str, reply: &str) {
        let replies = json!({ address: reply }).to_string();
        std::fs::write(self.folder.path().join("replies.json"), replies).expect("a file");
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        // A line that is being written has no end yet.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| line.parse().expect("JSON")).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn mail(line: &Value) -> Mail {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let texts = |name: &str| -> Vec<String> {
        let texts = line[name].as_array().expect("a list").iter();
        texts.map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    };
    Mail {
        id: text("id"),
        from: text("from"),
        to: texts("to").join(", "),
        subject: text("subject"),
        text: text("text"),
        headers: texts("headers"),
        tls: line["tls"] == true,
        user: line["user"].as_str().map(str::to_owned),
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn tools() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| project_root().join("target")).join("tools/venv")
}
