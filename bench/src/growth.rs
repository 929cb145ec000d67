//! What of Keyward grows with its keys, and what does not: the real binary on stores of several sizes, asked in turn.

mod questions;
mod store;
mod table;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::keyward::Keyward;
use crate::node::{CREDENTIAL, Node};
use crate::processes::{self, free_port, until_ready};
use crate::rounds::rotated;
use crate::{Failure, client, report, say};
use questions::Visitor;
use store::Filled;
use table::{Measured, What};

const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Leaves out stores that are larger than it says.
const KEYS_MAX: &str = "KEYWARD_BENCH_KEYS";
/// Rounds of verifies, and how long each lasts with each store.
const ROUNDS: usize = 9;
const LASTING: Duration = Duration::from_millis(700);
/// Rounds of what people ask. Each asks everything so often, and the median of them counts.
const VISITS: usize = 9;
pub(crate) const TIMES: usize = 3;
/// A start of ten million keys takes its time.
const STARTS: usize = 3;

/// A store that is served.
struct Served {
    filled: Filled,
    keyward: Keyward,
    /// Where nodes follow it.
    feed: std::net::SocketAddr,
}

pub(crate) fn growth() -> Result<(), Failure> {
    processes::pin_client()?;
    let folder = tempfile::tempdir()?;
    let most = std::env::var(KEYS_MAX).ok().map(|text| text.parse()).transpose()?.unwrap_or(u64::MAX);
    let sizes: Vec<u64> = SIZES.into_iter().filter(|keys| *keys <= most).collect();
    let mut filled = Vec::new();
    for keys in &sizes {
        filled.push(Filled::make(folder.path(), *keys)?);
    }
    let mut measured = Measured::new(&sizes);
    let served = start(filled, &mut measured)?;
    verify(&served, &mut measured)?;
    visit(&served, &mut measured)?;
    nodes(folder.path(), &served, &mut measured)?;
    for (number, one) in served.iter().enumerate() {
        measured.note(What::Worked, number, mib(one.keyward.server.resident_mib()));
        measured.note(What::File, number, one.filled.mib()?);
    }
    let filled: Vec<&Filled> = served.iter().map(|one| &one.filled).collect();
    report(&table::table(&filled, &measured)?)
}

/// Starts everybody again and again, in turn, and leaves them running after the last time.
fn start(stores: Vec<Filled>, measured: &mut Measured) -> Result<Vec<Served>, Failure> {
    for round in 1..STARTS {
        for (number, filled) in stores.iter().enumerate() {
            let ((keyward, _), took) = launch(filled)?;
            measured.note(What::Start, number, took);
            measured.note(What::Resident, number, mib(keyward.server.resident_mib()));
        }
        say(&format!("starts: round {round} of {STARTS}"));
    }
    let mut served = Vec::new();
    for (number, filled) in stores.into_iter().enumerate() {
        let ((keyward, feed), took) = launch(&filled)?;
        measured.note(What::Start, number, took);
        measured.note(What::Resident, number, mib(keyward.server.resident_mib()));
        served.push(Served { filled, keyward, feed });
    }
    say(&format!("starts: round {STARTS} of {STARTS}"));
    Ok(served)
}

/// Starts a server on a store, and tells how long it took until it said that it may decide.
fn launch(filled: &Filled) -> Result<((Keyward, std::net::SocketAddr), f64), Failure> {
    let feed = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let listen = feed.to_string();
    let settings = [("KEYWARD_FEED__LISTEN", listen.as_str()), ("KEYWARD_FEED__CREDENTIALS", CREDENTIAL)];
    let begun = Instant::now();
    let keyward = Keyward::launch(&filled.folder, &settings)?;
    until_ready(keyward.server.address)?;
    Ok(((keyward, feed), begun.elapsed().as_secs_f64()))
}

/// How long a verify takes where the server does nothing else, in seconds.
fn verify(served: &[Served], measured: &mut Measured) -> Result<(), Failure> {
    for round in 0..=ROUNDS {
        for (number, one) in rotated(served, round) {
            let rate = client::closed(&one.keyward.work(&one.filled.exchanges), LASTING)?;
            // It writes the uses on the core that the next one has.
            one.keyward.until_written()?;
            // The first warms up.
            if round > 0 {
                measured.note(What::Verify, number, 1.0 / rate);
            }
        }
        say(&format!("verify: round {round} of {ROUNDS}"));
    }
    Ok(())
}

/// What people ask, one thing after the other.
fn visit(served: &[Served], measured: &mut Measured) -> Result<(), Failure> {
    for round in 0..=VISITS {
        for (number, one) in rotated(served, round) {
            let mut visitor = Visitor::come(&one.keyward)?;
            for what in What::ASKED {
                let took = visitor.ask(what)?;
                if round > 0 {
                    measured.note(what, number, took);
                }
            }
        }
        say(&format!("questions: round {round} of {VISITS}"));
    }
    Ok(())
}

/// Nodes that know nothing yet, one after the other.
fn nodes(folder: &Path, served: &[Served], measured: &mut Measured) -> Result<(), Failure> {
    for round in 1..=STARTS {
        for (number, one) in served.iter().enumerate() {
            let begun = Instant::now();
            let node = Node::start(folder, number, one.feed, &one.keyward.profile)?;
            measured.note(What::Node, number, begun.elapsed().as_secs_f64());
            measured.note(What::NodeResident, number, mib(node.server.resident_mib()));
        }
        say(&format!("nodes: round {round} of {STARTS}"));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn mib(number: u64) -> f64 {
    number as f64
}
