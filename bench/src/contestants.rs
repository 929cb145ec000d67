//! Everybody who is asked, each with the same keys and on the same core.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::framing::{Exchange, Framing};
use crate::keys::Known;
use crate::keyward::{Keyward, forwarded, gets, questions};
use crate::processes::{Server, free_port, pinned};
use crate::yardstick::HELLO;

const OK: &[u8] = b"HTTP/1.1 200 ";
const NO_CONTENT: &[u8] = b"HTTP/1.1 204 ";

/// Somebody who is asked.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) framing: Framing,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) resident_mib: u64,
    /// What was started for it alone: whoever is asked, and whom that one asks.
    pub(crate) servers: Vec<Server>,
}

pub(crate) const AXUM: &str = "bare axum";
pub(crate) const AUTHORIZE: &str = "**Keyward `/v1/authorize`**";
pub(crate) const VERIFY: &str = "**Keyward `/v1/verify`**";
pub(crate) const NGINX_HYPER: &str = "nginx `auth_request` to a bare hyper";
pub(crate) const NGINX_KEYWARD: &str = "**nginx `auth_request` to Keyward**";

/// Starts all but Keyward, which is there already.
pub(crate) fn all(folder: &Path, known: &[Known], keyward: &Keyward) -> Result<Vec<Contestant>, Failure> {
    let data = keyward.server.address;
    let hello = || forwarded(known, "/v1/authorize", OK, |_| HELLO.to_owned());
    let identified = |key: &Known| format!("x-keyward-key-id: {}\r\n", key.id);
    let decisions = forwarded(known, "/v1/authorize", OK, identified);
    let hyper = bare(folder, "hyper")?;
    let silent = bare(folder, "silent")?;
    let mut behind_hyper = Contestant::new(
        NGINX_HYPER,
        nginx(folder, "nginx-hyper", &auth_request(silent.address))?,
        Framing::Http,
        forwarded(known, "/", OK, |_| "GIF".to_owned()),
    );
    behind_hyper.servers.push(silent);
    let behind_keyward = nginx(folder, "nginx-keyward", &auth_request(data))?;
    let passed_by_keyward = forwarded(known, "/", OK, |key| format!("X-Key: {}\r\n", key.id));
    let http = |name, server: Server, exchanges| Contestant::new(name, server, Framing::Http, exchanges);
    let already = |name, exchanges| Contestant::already(name, data, exchanges);
    Ok(vec![
        http(AXUM, bare(folder, "axum")?, hello()),
        already(AUTHORIZE, decisions),
        already(VERIFY, questions(known)),
        http("bare hyper", hyper, hello()),
        http(
            "nginx `return 204`",
            nginx(folder, "nginx-204", "location / { return 204; }")?,
            forwarded(known, "/", NO_CONTENT, |_| String::new()),
        ),
        behind_hyper,
        http(NGINX_KEYWARD, behind_keyward, passed_by_keyward),
        http(
            "HAProxy, SHA-256 and a map file",
            haproxy(folder, known)?,
            forwarded(known, "/", OK, identified),
        ),
        Contestant::new("Redis `GET`", redis(folder, known)?, Framing::Redis, gets(known)),
    ])
}

impl Contestant {
    pub(crate) fn new(
        name: &'static str,
        server: Server,
        framing: Framing,
        exchanges: Vec<Exchange>,
    ) -> Self {
        let already = Self::already(name, server.address, exchanges);
        Self { framing, servers: vec![server], ..already }
    }

    /// Somebody who is there already, and speaks HTTP.
    pub(crate) fn already(name: &'static str, address: SocketAddr, exchanges: Vec<Exchange>) -> Self {
        Self { name, address, framing: Framing::Http, exchanges, resident_mib: 0, servers: Vec::new() }
    }

    /// Notes how much memory it has now.
    pub(crate) fn weigh(&mut self, keyward: &Keyward) {
        self.resident_mib = self.servers.first().unwrap_or(&keyward.server).resident_mib();
    }
}

pub(crate) fn bare(folder: &Path, kind: &str) -> Result<Server, Failure> {
    let port = free_port()?;
    let own = std::env::current_exe()?;
    let mut command = pinned(own.to_str().ok_or("a path that is no text")?);
    Server::start(command.args(["serve", kind, &port.to_string()]), port, &folder.join(kind))
}

/// Lets a request pass when the server behind says so; connections to it are kept.
fn auth_request(behind: SocketAddr) -> String {
    // The content comes from nginx itself, in both cases: what is compared is the question.
    format!(
        "location / {{ auth_request /_ask; auth_request_set $key $upstream_http_x_keyward_key_id;
                       add_header X-Key $key; empty_gif; }}
         location = /_ask {{ internal; proxy_pass http://{behind}/v1/authorize?mode=nginx; proxy_pass_request_body off;
                             proxy_set_header Content-Length \"\"; proxy_set_header Connection \"\";
                             proxy_http_version 1.1; proxy_set_header X-Forwarded-Uri /api/products/42; }}"
    )
    .replace(&format!("http://{behind}"), "http://behind")
        + &format!("\n#upstream behind {{ server {behind}; keepalive 64; keepalive_requests 1000000000; }}")
}

fn nginx(folder: &Path, name: &str, locations: &str) -> Result<Server, Failure> {
    let port = free_port()?;
    let (locations, upstream) = locations.split_once("\n#").unwrap_or((locations, ""));
    let path = folder.join(name);
    let shown = path.display();
    let text = format!(
        "daemon off; worker_processes 1; pid {shown}.pid; error_log {shown}.log;
         events {{ worker_connections 1024; }}
         http {{
           access_log off; keepalive_requests 1000000000; {upstream}
           server {{ listen 127.0.0.1:{port}; {locations} }}
         }}"
    );
    fs::write(&path, text)?;
    let mut command = pinned("nginx");
    Server::start(
        command.args(["-e", &format!("{shown}.log"), "-c"]).arg(&path),
        port,
        &folder.join(format!("{name}.out")),
    )
}

fn haproxy(folder: &Path, known: &[Known]) -> Result<Server, Failure> {
    let port = free_port()?;
    let (config, map) = (folder.join("haproxy.cfg"), folder.join("haproxy.map"));
    let mut lines = String::new();
    for key in known {
        writeln!(lines, "{} {}", key.sha256.to_uppercase(), key.id)?;
    }
    fs::write(&map, lines)?;
    let found = format!("http_auth_bearer,sha2(256),hex,map_str({})", map.display());
    let text = format!(
        "global\n  nbthread 1\n  maxconn 1000\ndefaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n\
         frontend keys\n  bind 127.0.0.1:{port}\n  http-request set-var(txn.key) {found}\n\
         \x20 http-request return status 200 hdr x-keyward-key-id %[var(txn.key)] if {{ var(txn.key) -m found }}\n\
         \x20 http-request return status 403\n"
    );
    fs::write(&config, text)?;
    Server::start(pinned("haproxy").arg("-f").arg(&config), port, &folder.join("haproxy.log"))
}

fn redis(folder: &Path, known: &[Known]) -> Result<Server, Failure> {
    let port = free_port()?;
    let mut command = pinned("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    let server = Server::start(command.current_dir(folder), port, &folder.join("redis.log"))?;
    let mut stream = TcpStream::connect(server.address)?;
    for part in known.chunks(1_000) {
        let mut sets = String::new();
        for Known { sha256, id, .. } in part {
            write!(sets, "*3\r\n$3\r\nSET\r\n${}\r\n{sha256}\r\n${}\r\n{id}\r\n", sha256.len(), id.len())?;
        }
        stream.write_all(sets.as_bytes())?;
        let mut said = vec![0; part.len() * "+OK\r\n".len()];
        stream.read_exact(&mut said)?;
    }
    Ok(server)
}

/// Which of the programs that this starts are missing.
pub(crate) fn missing() -> Vec<&'static str> {
    let is_there = |program: &str| {
        Command::new("sh")
            .args(["-c", &format!("command -v {program} >/dev/null")])
            .status()
            .is_ok_and(|s| s.success())
    };
    ["taskset", "nginx", "haproxy", "redis-server", "python3"]
        .into_iter()
        .filter(|program| !is_there(program))
        .collect()
}
