//! All of them in turn, round after round, and the table that comes of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::client::{self, Work};
use crate::contestants::{self, AUTHORIZE, AXUM, Contestant, NGINX_HYPER, NGINX_KEYWARD, VERIFY};
use crate::keyward::Keyward;
use crate::rounds::Spread;
use crate::{Failure, keys, processes, report, say};

pub(crate) const CONNECTIONS: usize = 64;
/// Rounds of everybody in turn, and how long each lasts in each.
const ROUNDS: usize = 9;
const LASTING: Duration = Duration::from_millis(700);
/// Rounds at half of what one can: the times of answers.
const PACED_ROUNDS: usize = 5;

/// Times of answers in microseconds, round by round: the 50th of a hundred, and the 99th.
type Times = BTreeMap<&'static str, (Vec<f64>, Vec<f64>)>;

/// What was measured of everybody, by name.
pub(crate) type Measured = BTreeMap<&'static str, Vec<f64>>;

pub(crate) fn http() -> Result<(), Failure> {
    let missing = contestants::missing();
    if !missing.is_empty() {
        let install =
            "apt-get install -y --no-install-recommends util-linux nginx haproxy redis-server python3";
        return Err(format!("not installed: {}. On Debian: {install}", missing.join(", ")).into());
    }
    processes::pin_client()?;
    let folder = tempfile::tempdir()?;
    let mut known = keys::make()?;
    say("importing the keys");
    let keyward = Keyward::start(folder.path(), &mut known)?;
    let mut all = contestants::all(folder.path(), &known, &keyward)?;
    let full = in_turn(&all.iter().collect::<Vec<_>>(), &keyward)?;
    for one in &mut all {
        one.weigh(&keyward);
    }
    let paced = paced(&all, &full)?;
    let logging = logging(&all, &keyward)?;
    let written = table(&all, &full, &paced, &logging)?;
    report(&written)
}

fn work(one: &Contestant) -> Work<'_> {
    Work { address: one.address, framing: one.framing, exchanges: &one.exchanges, connections: CONNECTIONS }
}

/// Answers a second of everybody, round by round. Each round begins with another one. Whoever comes after Keyward waits
/// until it has written the uses of its turn, which it does on the same core.
pub(crate) fn in_turn(all: &[&Contestant], keyward: &Keyward) -> Result<Measured, Failure> {
    let mut measured = Measured::new();
    for round in 0..=ROUNDS {
        for step in 0..all.len() {
            let Some(one) = all.get((step + round) % all.len()).copied() else { continue };
            let rate =
                client::closed(&work(one), LASTING).map_err(|error| format!("{}: {error}", one.name))?;
            keyward.until_written()?;
            // The first warms up.
            if round > 0 {
                measured.entry(one.name).or_default().push(rate);
            }
        }
        say(&format!("round {round} of {ROUNDS}"));
    }
    Ok(measured)
}

/// The 50th and 99th of a hundred answers, in microseconds, at half of what each can.
fn paced(all: &[Contestant], full: &Measured) -> Result<Times, Failure> {
    let mut times = Times::new();
    for round in 0..PACED_ROUNDS {
        for one in all {
            let rate = median(full, one.name) / 2.0;
            let taken =
                client::open(&work(one), rate, LASTING).map_err(|error| format!("{}: {error}", one.name))?;
            let at = |percent: usize| {
                taken.get(taken.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
            };
            let (half, most) = times.entry(one.name).or_default();
            half.push(at(50));
            most.push(at(99));
        }
        say(&format!("at half load: round {} of {PACED_ROUNDS}", round + 1));
    }
    Ok(times)
}

/// What is left of the answers a second while the usage log is written, of those while it is not.
fn logging(all: &[Contestant], keyward: &Keyward) -> Result<Vec<(&'static str, Spread)>, Failure> {
    let mut shares = Measured::new();
    for round in 0..ROUNDS {
        for one in all.iter().filter(|one| [AUTHORIZE, VERIFY].contains(&one.name)) {
            let with = client::closed(&work(one), LASTING)?;
            let written = keyward.counter("keyward_uses_written_total")?;
            let held = keyward.without_log()?;
            // Until the queue is full, and nothing is put into it any more.
            client::closed(&work(one), LASTING * 2)?;
            let before = keyward.counter("keyward_uses_written_total")?;
            let without = client::closed(&work(one), LASTING)?;
            if keyward.counter("keyward_uses_written_total")? > before || before == 0.0 || written == 0.0 {
                return Err("the usage log was written where it should not be, or not where it should".into());
            }
            drop(held);
            shares.entry(one.name).or_default().push(with / without);
            // What waited is written before the next round.
            std::thread::sleep(LASTING * 4);
        }
        say(&format!("usage log: round {} of {ROUNDS}", round + 1));
    }
    Ok(shares.into_iter().map(|(name, values)| (name, Spread::of(values))).collect())
}

pub(crate) fn median(measured: &Measured, name: &str) -> f64 {
    Spread::of(measured.get(name).cloned().unwrap_or_default()).median
}

/// Round by round, one to another.
pub(crate) fn ratio(measured: &Measured, one: &str, other: &str) -> Spread {
    let of = |name| measured.get(name).into_iter().flatten();
    Spread::of(of(one).zip(of(other)).map(|(one, other)| one / other).collect())
}

fn table(
    all: &[Contestant],
    full: &Measured,
    paced: &Times,
    logging: &[(&'static str, Spread)],
) -> Result<String, Failure> {
    let mut text = format!(
        "\n| {CONNECTIONS} connections, one core | to bare axum, median (middle half) | answers a second | at half load: p50 | p99 | p99 to bare axum | MiB |\n\
         |---|--:|--:|--:|--:|--:|--:|\n"
    );
    let tails: Measured = paced.iter().map(|(name, (_, most))| (*name, most.clone())).collect();
    for one in all {
        let (half, most) = paced.get(one.name).cloned().unwrap_or_default();
        writeln!(
            text,
            "| {} | {} | {:.0} | {:.0} µs | {:.0} µs | {} | {} |",
            one.name,
            ratio(full, one.name, AXUM),
            median(full, one.name),
            Spread::of(half).median,
            Spread::of(most).median,
            ratio(&tails, one.name, AXUM),
            one.resident_mib,
        )?;
    }
    writeln!(text, "\nBehind nginx, Keyward to a bare hyper: {}.", ratio(full, NGINX_KEYWARD, NGINX_HYPER))?;
    for (name, share) in logging {
        writeln!(text, "With the usage log written, to the same without, {name}: {share}.")?;
    }
    Ok(text)
}
