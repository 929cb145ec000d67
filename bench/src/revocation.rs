//! How long after a revoke was acknowledged the last of many gateway nodes refuses the key, where nothing fails.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::keys::Known;
use crate::keyward::{Keyward, SLUG};
use crate::node::{CREDENTIAL, Node};
use crate::processes::free_port;
use crate::{Failure, keys, report, say};

/// How many nodes follow the control plane, in turn.
const FLEETS: [usize; 3] = [3, 10, 50];
/// Revocations beside each fleet.
const REVOCATIONS: usize = 2_000;
/// No node may accept for longer, whatever happens: the bound that is promised.
const BOUND: Duration = Duration::from_secs(5);
/// Between two rounds of questions to those that still accept, so that the asking does not keep them from hearing.
const PAUSE: Duration = Duration::from_micros(500);

/// Whether a node accepts the key.
fn accepts(node: &mut Node, question: &[u8]) -> Result<bool, Failure> {
    decided(&node.line.exchange(question)?)
}

/// What a node decided. An answer that is neither ends the run.
fn decided(answer: &str) -> Result<bool, Failure> {
    let accepted = answer.contains("{\"valid\":true,\"code\":\"valid\",");
    let revoked = answer.contains("{\"valid\":false,\"code\":\"revoked\",");
    if answer.starts_with("HTTP/1.1 200 ") && accepted != revoked {
        Ok(accepted)
    } else {
        Err(format!("neither accepted nor refused as revoked: {answer}").into())
    }
}

fn question(key: &Known) -> Vec<u8> {
    let body = json!({"key": key.secret, "scopes": ["products:read"]}).to_string();
    format!(
        "POST /v1/verify HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Times of one fleet, sorted.
struct Times {
    /// From the acknowledged revoke to the last node's refusal. Zero where all refused before it.
    last: Vec<Duration>,
    /// From a question to its answer, of one node.
    asked: Vec<Duration>,
}

pub(crate) fn revocation() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut known = keys::make()?;
    say("importing the keys");
    let feed = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let listen = feed.to_string();
    let settings = [("KEYWARD_FEED__LISTEN", listen.as_str()), ("KEYWARD_FEED__CREDENTIALS", CREDENTIAL)];
    let keyward = Keyward::start_with(folder.path(), &mut known, &settings)?;
    let cookie = keyward.sign_in()?;
    let mut keys = known.iter();
    let mut nodes: Vec<Node> = Vec::new();
    let mut text = "\n| nodes | revokes | p50 | p99 | longest | one question to a node, p50 |\n|--:|--:|--:|--:|--:|--:|\n".to_owned();
    for fleet in FLEETS {
        say(&format!("{fleet} nodes"));
        while nodes.len() < fleet {
            nodes.push(Node::start(folder.path(), nodes.len(), feed, &keyward.profile)?);
        }
        nodes.iter_mut().try_for_each(Node::connect_anew)?;
        let mut times = Times { last: Vec::new(), asked: Vec::new() };
        for key in keys.by_ref().take(REVOCATIONS) {
            revoke(&keyward, &cookie, key, &mut nodes, &mut times)?;
        }
        times.last.sort_unstable();
        times.asked.sort_unstable();
        let at =
            |of: &[Duration], percent: usize| of.get(of.len() * percent / 100).copied().unwrap_or_default();
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        writeln!(
            text,
            "| {fleet} | {} | {} | {} | {} | {} |",
            times.last.len(),
            ms(at(&times.last, 50)),
            ms(at(&times.last, 99)),
            ms(times.last.last().copied().unwrap_or_default()),
            ms(at(&times.asked, 50)),
        )?;
    }
    report(&text)
}

/// Revokes a key that every node accepts, and asks until none does.
fn revoke(
    keyward: &Keyward,
    cookie: &str,
    key: &Known,
    nodes: &mut [Node],
    times: &mut Times,
) -> Result<(), Failure> {
    let question = question(key);
    for node in &mut *nodes {
        let begun = Instant::now();
        if !accepts(node, &question)? {
            return Err(format!("{} is refused before it was revoked", key.id).into());
        }
        times.asked.push(begun.elapsed());
    }
    keyward.post(&format!("/api/v1/{SLUG}/keys/{}/revoke", key.id), cookie, &json!({}))?;
    let acknowledged = Instant::now();
    let mut accepting: Vec<&mut Node> = nodes.iter_mut().collect();
    loop {
        let mut still = Vec::new();
        for node in accepting {
            if accepts(node, &question)? {
                still.push(node);
            }
        }
        if still.is_empty() {
            times.last.push(acknowledged.elapsed());
            return Ok(());
        }
        if acknowledged.elapsed() > BOUND {
            return Err(format!("{} nodes still accept {}", still.len(), key.id).into());
        }
        accepting = still;
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_accepted_nor_revoked_ends_the_run() {
        let answer =
            |status: &str, body: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 9\r\n\r\n{body}");
        assert!(decided(&answer("200 OK", "{\"valid\":true,\"code\":\"valid\",\"key\":{}}")).unwrap());
        assert!(!decided(&answer("200 OK", "{\"valid\":false,\"code\":\"revoked\",\"key\":{}}")).unwrap());
        for wrong in [
            answer("503 Service Unavailable", "{\"valid\":false,\"code\":\"revoked\",}"),
            answer("200 OK", "{\"valid\":false,\"code\":\"invalid\"}"),
            answer("200 OK", "{}"),
        ] {
            decided(&wrong).unwrap_err();
        }
    }
}
