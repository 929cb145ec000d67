//! Keyward's `/v1/verify` beside what would be built or taken instead, each at its best, on the same core.

mod installed;
mod postgres;
mod servers;

use std::fmt::Write as _;
use std::time::Duration;

use tempfile::TempDir;

use crate::client::{self, Work};
use crate::contest::{CONNECTIONS, Measured, in_turn, median, ratio};
use crate::contestants::{AXUM, Contestant, VERIFY, bare};
use crate::framing::{Exchange, Framing};
use crate::keys::Known;
use crate::keyward::{Keyward, questions};
use crate::yardstick::HELLO;
use crate::{Failure, keys, processes, report, say};

/// Somebody who is asked beside Keyward, or Keyward itself.
struct Peer {
    contestant: Contestant,
    /// A question with a key that nobody has, and how that is refused. A bare server knows no keys.
    stranger: Option<Exchange>,
    /// How much faster Keyward is to be, at least.
    bar: Option<f64>,
    /// Where a server of it keeps what it has, for as long as it runs.
    data: Option<TempDir>,
}

pub(crate) fn peers() -> Result<(), Failure> {
    installed::check()?;
    processes::pin_client()?;
    let folder = tempfile::tempdir()?;
    let mut known = keys::make()?;
    say("importing the keys");
    let keyward = Keyward::start(folder.path(), &mut known)?;
    let ours = Peer {
        contestant: Contestant::already(VERIFY, keyward.server.address, questions(&known)),
        stranger: Some(servers::stranger_to_keyward(&known)?),
        bar: None,
        data: None,
    };
    let axum = Peer {
        contestant: Contestant::new(AXUM, bare(folder.path(), "axum")?, Framing::Http, hello(&known)),
        stranger: None,
        bar: None,
        data: None,
    };
    let mut all = vec![axum, ours];
    for start in servers::ALL {
        let peer = start(folder.path(), &known)?;
        say(&format!("{} is there", peer.contestant.name));
        all.push(peer);
    }
    all.iter().try_for_each(refuses)?;
    let contestants: Vec<&Contestant> = all.iter().map(|peer| &peer.contestant).collect();
    let measured = in_turn(&contestants, &keyward)?;
    report(&table(&all, &measured.rates)?)
}

/// The same questions as Keyward gets, answered without looking.
fn hello(known: &[Known]) -> Vec<Exchange> {
    let hello = |question: Exchange| Exchange { holds: HELLO.into(), ..question };
    questions(known).into_iter().map(hello).collect()
}

/// A key that nobody has must not open anything, or the rest of its answers says nothing.
fn refuses(peer: &Peer) -> Result<(), Failure> {
    let Contestant { name, address, framing, .. } = &peer.contestant;
    let Some(stranger) = &peer.stranger else { return Ok(()) };
    let work = Work {
        address: *address,
        framing: *framing,
        exchanges: std::slice::from_ref(stranger),
        connections: 1,
    };
    match client::closed(&work, Duration::ZERO) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{name} does not refuse a key that nobody has: {error}").into()),
    }
}

fn table(all: &[Peer], measured: &Measured) -> Result<String, Failure> {
    let mut text = format!(
        "\n| {CONNECTIONS} connections, one core | answers a second, median | Keyward to it, median (middle half) | to be at least |\n\
         |---|--:|--:|--:|\n"
    );
    for Peer { contestant: Contestant { name, .. }, bar, .. } in all {
        let rate = median(measured, name);
        let ratio = if *name == VERIFY { String::new() } else { ratio(measured, VERIFY, name).to_string() };
        let bar = bar.map(|bar| bar.to_string()).unwrap_or_default();
        writeln!(text, "| {name} | {rate:.0} | {ratio} | {bar} |")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::server;

    #[test]
    fn who_takes_any_key_for_a_good_one_ends_the_run() {
        let asked = |answer| Peer {
            contestant: Contestant::already("it", server(answer), vec![]),
            stranger: Some(Exchange {
                request: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
                begins: b"HTTP/1.1 401 ",
                holds: vec![],
            }),
            bar: None,
            data: None,
        };
        refuses(&asked(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno")).unwrap();
        let error =
            refuses(&asked(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes")).unwrap_err().to_string();
        assert!(error.starts_with("it does not refuse a key that nobody has: a wrong answer: "), "{error}");
    }
}
