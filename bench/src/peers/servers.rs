//! What each of them is started as, and what it is asked. The programs are in `bench/peers`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{Peer, installed, postgres};
use crate::Failure;
use crate::contestants::Contestant;
use crate::framing::Exchange;
use crate::keys::Known;
use crate::keyward::{presented, question};
use crate::processes::{Server, free_port, pinned};

const BETTER_AUTH: &str = include_str!("../../peers/better-auth/server.js");
const EXPRESS: &str = include_str!("../../peers/express/server.js");
const FASTAPI: &str = include_str!("../../peers/fastapi/server.py");
const DJANGO: &str = include_str!("../../peers/django/server.py");

/// Keys that those make who have a form of their own. They find each by an index: more would not be faster.
const OWN_KEYS: &str = "1000";
/// Threads of gunicorn's worker: with none it would hang up after each answer, with more there are none who could run.
const DJANGO_THREADS: &str = "4";

const OK: &[u8] = b"HTTP/1.1 200 ";
const UNAUTHORIZED: &[u8] = b"HTTP/1.1 401 ";
const FORBIDDEN: &[u8] = b"HTTP/1.1 403 ";

/// Starts one of them.
type Start = fn(&Path, &[Known]) -> Result<Peer, Failure>;

pub(super) const ALL: [Start; 5] = [better_auth_in_memory, better_auth_on_sqlite, express, fastapi, django];

/// A key as one of them knows it.
struct Own {
    secret: String,
    id: String,
}

impl Own {
    /// One that differs in its last letter, so that whatever stands before it is known.
    fn stranger(&self) -> Result<Self, Failure> {
        let mut secret = self.secret.clone();
        let last = secret.pop().ok_or("a key without a letter")?;
        secret.push(if last == '0' { '1' } else { '0' });
        Ok(Self { secret, id: String::new() })
    }
}

/// The same keys as Keyward has, as many of them as it is asked for.
fn shared(known: &[Known]) -> Vec<Own> {
    presented(known).map(|key| Own { secret: key.secret.clone(), id: key.id.clone() }).collect()
}

/// What Keyward answers about a key that is none.
pub(super) fn stranger_to_keyward(known: &[Known]) -> Result<Exchange, Failure> {
    let stranger = shared(known).first().ok_or("no keys")?.stranger()?;
    Ok(Exchange { request: question(&stranger.secret), begins: OK, holds: b"{\"valid\":false,".to_vec() })
}

fn better_auth_in_memory(folder: &Path, _: &[Known]) -> Result<Peer, Failure> {
    better_auth(
        "better-auth's api-key plugin, keys in its memory",
        folder,
        "better-auth-memory",
        None,
        Some(25.0),
    )
}

fn better_auth_on_sqlite(folder: &Path, _: &[Known]) -> Result<Peer, Failure> {
    let store = folder.join("better-auth.sqlite");
    better_auth("better-auth's api-key plugin, SQLite", folder, "better-auth-sqlite", Some(&store), None)
}

fn better_auth(
    name: &'static str,
    folder: &Path,
    file: &str,
    store: Option<&Path>,
    bar: Option<f64>,
) -> Result<Peer, Failure> {
    let (port, keys) = (free_port()?, folder.join(format!("{file}.keys")));
    let mut command = node("better-auth", BETTER_AUTH, port)?;
    command.arg(&keys).arg(OWN_KEYS).args(store);
    let server = Server::start(&mut command, port, &folder.join(format!("{file}.log")))?;
    let ask = |key: &str| posted(&json!({"key": key}).to_string());
    peer(name, vec![server], &own(&keys)?, ask, UNAUTHORIZED, bar)
}

fn express(folder: &Path, known: &[Known]) -> Result<Peer, Failure> {
    let (database, data) = postgres::start()?;
    let (port, keys) = (free_port()?, digests(folder, known)?);
    let mut command = node("express", EXPRESS, port)?;
    command.arg(keys).arg(format!("postgres://postgres@{}/postgres", database.address));
    let server = Server::start(&mut command, port, &folder.join("express.log"))?;
    let name = "Express, `pg`, SHA-256 and PostgreSQL";
    let mut peer = peer(name, vec![server, database], &shared(known), asked, UNAUTHORIZED, Some(30.0))?;
    peer.data = Some(data);
    Ok(peer)
}

fn fastapi(folder: &Path, known: &[Known]) -> Result<Peer, Failure> {
    let (port, keys) = (free_port()?, digests(folder, known)?);
    let folder = folder.join("fastapi");
    fs::create_dir(&folder)?;
    let program = folder.join("server.py");
    fs::write(&program, FASTAPI)?;
    let python = installed::folder("fastapi/bin/python")?;
    let mut command = pinned(python.to_str().ok_or("a path that is no text")?);
    command.arg(program).arg(port.to_string()).arg(keys).arg(folder.join("store.sqlite"));
    let server = Server::start(&mut command, port, &folder.join("log"))?;
    peer("FastAPI, SHA-256 and SQLite", vec![server], &shared(known), asked, UNAUTHORIZED, Some(25.0))
}

fn django(folder: &Path, _: &[Known]) -> Result<Peer, Failure> {
    let (folder, port) = (folder.join("django"), free_port()?);
    fs::create_dir(&folder)?;
    fs::write(folder.join("server.py"), DJANGO)?;
    let (store, keys) = (folder.join("django.sqlite"), folder.join("keys"));
    let python = installed::folder("django/bin/python")?;
    let mut made = Command::new(&python);
    made.arg("server.py").arg(&store).arg(&keys).arg(OWN_KEYS).current_dir(&folder);
    if !made.stdin(Stdio::null()).status()?.success() {
        return Err("djangorestframework-api-key made no keys".into());
    }
    let mut command = pinned(python.to_str().ok_or("a path that is no text")?);
    command.args(["-m", "gunicorn", "--workers", "1", "--worker-class", "gthread"]);
    command.args(["--threads", DJANGO_THREADS, "--keep-alive", "600", "--no-control-socket"]);
    command.args(["--bind", &format!("127.0.0.1:{port}"), "server:application"]);
    let server = Server::start(command.env("STORE", store).current_dir(&folder), port, &folder.join("log"))?;
    let ask = |key: &str| {
        format!("GET /verify HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Api-Key {key}\r\n\r\n")
            .into_bytes()
    };
    peer(
        "djangorestframework-api-key, gunicorn and SQLite",
        vec![server],
        &own(&keys)?,
        ask,
        FORBIDDEN,
        Some(100.0),
    )
}

/// A program of `bench/peers` on node, which looks for what it needs beside itself.
fn node(name: &str, program: &str, port: u16) -> Result<Command, Failure> {
    let path = installed::folder(name)?.join("server.js");
    fs::write(&path, program)?;
    let mut command = pinned("node");
    command.arg(path).arg(port.to_string()).env("NODE_ENV", "production");
    Ok(command)
}

/// The file from which those know the keys who have no form of their own: "digest id" a line.
fn digests(folder: &Path, known: &[Known]) -> Result<std::path::PathBuf, Failure> {
    let path = folder.join("digests");
    let mut lines = String::new();
    for Known { sha256, id, .. } in known {
        writeln!(lines, "{sha256} {id}")?;
    }
    fs::write(&path, lines)?;
    Ok(path)
}

/// The keys that one of them has made: "secret id" a line.
fn own(path: &Path) -> Result<Vec<Own>, Failure> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().map(|line| line.split_once(' ').ok_or("a line without a key"));
    let keys =
        lines.map(|line| line.map(|(secret, id)| Own { secret: secret.to_owned(), id: id.to_owned() }));
    Ok(keys.collect::<Result<_, _>>()?)
}

/// What is asked of those that were written in an afternoon.
fn asked(key: &str) -> Vec<u8> {
    posted(&json!({"key": key, "scope": "products:read"}).to_string())
}

fn posted(body: &str) -> Vec<u8> {
    let len = body.len();
    let head =
        "POST /verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length:";
    format!("{head} {len}\r\n\r\n{body}").into_bytes()
}

/// All of them name the key in the same words.
fn peer(
    name: &'static str,
    servers: Vec<Server>,
    keys: &[Own],
    ask: impl Fn(&str) -> Vec<u8>,
    refused: &'static [u8],
    bar: Option<f64>,
) -> Result<Peer, Failure> {
    let address = servers.first().ok_or("nobody was started")?.address;
    let stranger = keys.first().ok_or("no keys were made")?.stranger()?;
    let exchange = |key: &Own| Exchange {
        request: ask(&key.secret),
        begins: OK,
        holds: format!("{{\"valid\":true,\"key\":{{\"id\":\"{}\"}}}}", key.id).into_bytes(),
    };
    let exchanges = keys.iter().map(exchange).collect();
    let stranger = Some(Exchange { request: ask(&stranger.secret), begins: refused, holds: Vec::new() });
    let contestant = Contestant { servers, ..Contestant::already(name, address, exchanges) };
    Ok(Peer { contestant, stranger, bar, data: None })
}
