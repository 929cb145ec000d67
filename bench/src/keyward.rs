//! The real binary, with routes, rules, limits, usage log and metrics, and all keys in it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::client::Work;
use crate::contest::CONNECTIONS;
use crate::framing::{Exchange, Framing};
use crate::keys::{IMPORTED_AT_ONCE, Known, PRESENTED, import, with_a_rule};
use crate::line::Line;
use crate::processes::{Server, free_port, pinned};

const OWNER: (&str, &str) = ("owner@example.com", "three quiet otters paddle");
pub(crate) const SLUG: &str = "acme";
/// A limit that every key has, and none reaches: as high as it can be.
const REQUESTS_PER_MINUTE: u32 = 1_000_000;
const PROFILE: &str = include_str!("../../profiles/cveium.toml");

/// A running server. The data plane is `server.address`.
pub(crate) struct Keyward {
    pub(crate) server: Server,
    pub(crate) control: SocketAddr,
    /// The file of its profile, for nodes that follow it.
    pub(crate) profile: PathBuf,
    store: PathBuf,
}

impl Keyward {
    /// Starts the release build beside this program, and imports the keys. They learn their identifiers.
    pub(crate) fn start(folder: &Path, known: &mut [Known]) -> Result<Self, Failure> {
        Self::start_with(folder, known, &[])
    }

    /// The same, with more in its environment.
    pub(crate) fn start_with(
        folder: &Path,
        known: &mut [Known],
        settings: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let keyward = Self::launch(folder, settings)?;
        let cookie = keyward.sign_in()?;
        for (part, keys) in known.chunks_mut(IMPORTED_AT_ONCE).enumerate() {
            let first = part * IMPORTED_AT_ONCE;
            keyward.import(&cookie, &import(keys, |n| with_a_rule(first + n)), keys)?;
        }
        Ok(keyward)
    }

    /// Starts it on what is in the folder, and waits until it takes connections.
    pub(crate) fn launch(folder: &Path, settings: &[(&str, &str)]) -> Result<Self, Failure> {
        let program = std::env::current_exe()?.with_file_name("keyward");
        let profile = folder.join("bench.toml");
        let limit = format!("[keys]\nrequests_per_minute = {REQUESTS_PER_MINUTE}\n");
        fs::write(&profile, PROFILE.replacen("[keys]\n", &limit, 1))?;
        let (control, data) = (free_port()?, free_port()?);
        let store = folder.join("keyward.sqlite");
        let mut command = pinned(program.to_str().ok_or("a path that is no text")?);
        command
            .arg("serve")
            .env("KEYWARD_PROFILE", &profile)
            .env("KEYWARD_STORE__URL", format!("sqlite:{}", store.display()))
            .env("KEYWARD_SERVER__LISTEN", format!("127.0.0.1:{control}"))
            .env("KEYWARD_DATA_PLANE__LISTEN", format!("127.0.0.1:{data}"))
            .env("KEYWARD_BOOTSTRAP__OWNER_EMAIL", OWNER.0)
            .env("KEYWARD_BOOTSTRAP__OWNER_PASSWORD", OWNER.1)
            .env("KEYWARD_BOOTSTRAP__WORKSPACE_NAME", "Acme")
            .env("KEYWARD_BOOTSTRAP__WORKSPACE_SLUG", SLUG)
            .envs(settings.iter().copied())
            .current_dir(folder);
        let server = Server::start(&mut command, data, &folder.join("keyward.log"))?;
        let control = SocketAddr::from(([127, 0, 0, 1], control));
        Ok(Self { server, control, profile, store })
    }

    /// Imports keys by this body. They learn their identifiers.
    pub(crate) fn import(&self, cookie: &str, body: &Value, keys: &mut [Known]) -> Result<(), Failure> {
        let (_, imported) = self.post(&format!("/api/v1/{SLUG}/keys/import"), cookie, body)?;
        let imported: Value = serde_json::from_str(&imported)?;
        let ids = imported.get("keys").and_then(Value::as_array).ok_or("no keys were imported")?;
        if ids.len() != keys.len() {
            return Err("some keys were not imported".into());
        }
        for (key, id) in keys.iter_mut().zip(ids) {
            id.get("id").and_then(Value::as_str).ok_or("a key without an id")?.clone_into(&mut key.id);
        }
        Ok(())
    }

    /// The cookie of the owner's session.
    pub(crate) fn sign_in(&self) -> Result<String, Failure> {
        let (head, _) = self.post("/api/v1/session", "", &json!({"email": OWNER.0, "password": OWNER.1}))?;
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).ok_or("no session")?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    }

    pub(crate) fn post(&self, path: &str, cookie: &str, body: &Value) -> Result<(String, String), Failure> {
        let (control, body) = (self.control, body.to_string());
        let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
        let mut stream = TcpStream::connect(control)?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {control}\r\nOrigin: http://{control}\r\nSec-Fetch-Site: same-origin\r\n\
             {cookie}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without an end of its head")?;
        if head.starts_with("HTTP/1.1 2") {
            Ok((head.to_owned(), body.to_owned()))
        } else {
            Err(answer.into())
        }
    }

    /// Nothing can be written into its store for as long as this is held: uses of keys are then dropped and counted.
    pub(crate) fn without_log(&self) -> Result<NotWritten, Failure> {
        let hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60); \
                    c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", hold, self.store.to_str().unwrap_or_default()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = [0; 5];
        child.stdout.take().ok_or("no output")?.read_exact(&mut said)?;
        Ok(NotWritten(child))
    }

    /// Waits until no more uses of keys are written.
    pub(crate) fn until_written(&self) -> Result<(), Failure> {
        let mut before = -1.0;
        loop {
            let written = self.uses()?.written;
            if written <= before {
                return Ok(());
            }
            before = written;
            // They are written every 250 ms.
            std::thread::sleep(Duration::from_millis(600));
        }
    }

    /// What has become of all uses so far.
    pub(crate) fn uses(&self) -> Result<Uses, Failure> {
        let mut line = Line::connect(self.server.address)?;
        let metrics = line.exchange(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let written = counted(&metrics, "keyward_uses_written_total")?;
        Ok(Uses { written, dropped: counted(&metrics, "keyward_uses_dropped_total")? })
    }

    /// Questions to its data plane.
    pub(crate) fn work<'a>(&self, exchanges: &'a [Exchange]) -> Work<'a> {
        Work { address: self.server.address, framing: Framing::Http, exchanges, connections: CONNECTIONS }
    }
}

/// Uses of keys: what came into the log, and what was dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uses {
    pub(crate) written: f64,
    pub(crate) dropped: f64,
}

impl Uses {
    pub(crate) fn since(self, before: Self) -> Self {
        Self { written: self.written - before.written, dropped: self.dropped - before.dropped }
    }
}

/// A counter among metrics, all that its labels tell apart together.
fn counted(metrics: &str, name: &str) -> Result<f64, Failure> {
    let mut found = None;
    for line in metrics.lines() {
        let Some(rest) = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{'])) else {
            continue;
        };
        let value: f64 = rest.rsplit(' ').next().unwrap_or_default().parse()?;
        found = Some(found.unwrap_or(0.0) + value);
    }
    found.ok_or_else(|| format!("no counter {name}").into())
}

/// What keeps the store from being written.
pub(crate) struct NotWritten(Child);

impl Drop for NotWritten {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

pub(crate) fn presented(known: &[Known]) -> impl Iterator<Item = &Known> {
    let step = known.len() / PRESENTED;
    known.iter().step_by(step.max(1)).take(PRESENTED)
}

/// What a gateway asks before it lets a request pass, to be answered so.
pub(crate) fn forwarded(
    known: &[Known],
    path: &str,
    begins: &'static [u8],
    holds: impl Fn(&Known) -> String,
) -> Vec<Exchange> {
    let ask = |key: &Known| {
        Exchange {
        request: format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nX-Forwarded-Method: GET\r\n\
             X-Forwarded-Uri: /api/products/42\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: api.example.com\r\nUser-Agent: curl/8.5.0\r\n\r\n",
            key.secret
        )
        .into_bytes(),
        begins,
        holds: holds(key).into_bytes(),
    }
    };
    presented(known).map(ask).collect()
}

/// What a product asks of a key, to be answered with the key's identifier.
pub(crate) fn questions(known: &[Known]) -> Vec<Exchange> {
    presented(known).map(verified).collect()
}

/// The same of one key.
pub(crate) fn verified(key: &Known) -> Exchange {
    Exchange {
        request: question(&key.secret),
        begins: b"HTTP/1.1 200 ",
        holds: format!("{{\"valid\":true,\"code\":\"valid\",\"key\":{{\"id\":\"{}\"", key.id).into_bytes(),
    }
}

/// The question alone, of any key.
pub(crate) fn question(secret: &str) -> Vec<u8> {
    let body = json!({"key": secret, "scopes": ["products:read"], "ip": "203.0.113.7", "method": "GET", "path": "/api/products/42"});
    let body = body.to_string();
    let len = body.len();
    let head =
        "POST /v1/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length:";
    format!("{head} {len}\r\n\r\n{body}").into_bytes()
}

/// A key's identifier, looked up by the digest of its secret.
pub(crate) fn gets(known: &[Known]) -> Vec<Exchange> {
    let ask = |key: &Known| Exchange {
        request: format!("*2\r\n$3\r\nGET\r\n${}\r\n{}\r\n", key.sha256.len(), key.sha256).into_bytes(),
        begins: b"$",
        holds: format!("\r\n{}\r\n", key.id).into_bytes(),
    };
    presented(known).map(ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_the_sum_of_what_its_labels_tell_apart() {
        let metrics = "# TYPE uses_total counter\nuses_total{reason=\"full\"} 3\nuses_total{reason=\"stopped\"} 4\n\
                       uses_total_more 9\nwritten_total 5\n";
        assert_eq!(counted(metrics, "uses_total").unwrap().to_string(), "7");
        assert_eq!(counted(metrics, "written_total").unwrap().to_string(), "5");
        counted(metrics, "read_total").unwrap_err();
    }

    #[test]
    fn as_many_keys_are_presented_as_is_told() {
        assert_eq!(presented(&crate::keys::some(0..10_000).unwrap()).count(), PRESENTED);
    }
}
