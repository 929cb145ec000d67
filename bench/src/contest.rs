//! All of them in turn, round after round, and the table that comes of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::client::{self, Work};
use crate::contestants::{self, AUTHORIZE, AXUM, Contestant, NGINX_HYPER, NGINX_KEYWARD, VERIFY};
use crate::keyward::{Keyward, Uses};
use crate::processes::CoreTime;
use crate::rounds::{Spread, rotated};
use crate::{Failure, keys, processes, report, say};

pub(crate) const CONNECTIONS: usize = 64;
/// Rounds of everybody in turn, and how long each lasts in each.
const ROUNDS: usize = 9;
const LASTING: Duration = Duration::from_millis(700);
/// Rounds at half of what one can, and how long each lasts: the times of answers.
const PACED_ROUNDS: usize = 5;
const PACED: Duration = Duration::from_secs(2);
/// A turn in which many times as many uses come as can wait to be written: what the usage log takes in the long run.
const LOGGED: Duration = Duration::from_secs(4);

/// Loads at which it is told what became of the uses, in eighths of what Keyward can, and how long each lasts: longer than
/// what waits hides.
const LOADS: [u32; 4] = [1, 2, 3, 4];
const LOADED: Duration = Duration::from_secs(10);

/// Times of answers in microseconds, round by round: the 50th of a hundred, and the 99th.
#[derive(Default)]
struct Times {
    half: Measured,
    most: Measured,
}

/// What the usage log takes of each door, round by round.
#[derive(Default)]
struct Logging {
    /// Answers a second while it is written, to those while it is not.
    shares: Measured,
    /// How many of a hundred uses of a turn while it is written came into it meanwhile, and how many were dropped.
    written: Measured,
    dropped: Measured,
}

/// What was measured of everybody, by name.
pub(crate) type Measured = BTreeMap<&'static str, Vec<f64>>;

/// Answers a second of everybody, round by round, and what of a hundred parts of their core nobody used meanwhile.
#[derive(Default)]
pub(crate) struct Turns {
    pub(crate) rates: Measured,
    idle: Measured,
}

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
    let all: Vec<&Contestant> = all.iter().collect();
    let times = paced(&all, &full.rates, &keyward)?;
    let logging = logging(&all, &keyward)?;
    let mut text = table(&all, &full, &times, &logging)?;
    text.push_str(&kept(&all, &full.rates, &keyward)?);
    report(&text)
}

fn work(one: &Contestant) -> Work<'_> {
    Work { address: one.address, framing: one.framing, exchanges: &one.exchanges, connections: CONNECTIONS }
}

/// Answers a second of everybody, round by round. Each round begins with another one. Whoever comes after Keyward waits
/// until it has written the uses of its turn, which it does on the same core.
pub(crate) fn in_turn(all: &[&Contestant], keyward: &Keyward) -> Result<Turns, Failure> {
    let mut turns = Turns::default();
    for round in 0..=ROUNDS {
        for (_, one) in rotated(all, round) {
            let before = CoreTime::now()?;
            let rate = client::closed(&work(one), LASTING).map_err(|error| of(one, &error))?;
            let idle = CoreTime::now()?.idle_percent_since(before);
            keyward.until_written()?;
            // The first warms up.
            if round > 0 {
                turns.rates.entry(one.name).or_default().push(rate);
                turns.idle.entry(one.name).or_default().push(idle);
            }
        }
        say(&format!("round {round} of {ROUNDS}"));
    }
    Ok(turns)
}

/// An error, with whose it is.
fn of(one: &Contestant, error: &Failure) -> String {
    format!("{}: {error}", one.name)
}

/// The 50th and 99th of a hundred answers, in microseconds, at half of what each can.
fn paced(all: &[&Contestant], rates: &Measured, keyward: &Keyward) -> Result<Times, Failure> {
    let mut times = Times::default();
    for round in 0..PACED_ROUNDS {
        for (_, one) in rotated(all, round) {
            let rate = median(rates, one.name) / 2.0;
            let taken = client::open(&work(one), rate, PACED).map_err(|error| of(one, &error))?;
            let at = |percent: usize| {
                taken.get(taken.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
            };
            times.half.entry(one.name).or_default().push(at(50));
            times.most.entry(one.name).or_default().push(at(99));
            keyward.until_written()?;
        }
        say(&format!("at half load: round {} of {PACED_ROUNDS}", round + 1));
    }
    Ok(times)
}

/// What is left of the answers a second while the usage log is written, of those while it is not.
fn logging(all: &[&Contestant], keyward: &Keyward) -> Result<Logging, Failure> {
    let mut logging = Logging::default();
    for round in 0..ROUNDS {
        for one in all.iter().filter(|one| [AUTHORIZE, VERIFY].contains(&one.name)) {
            let before = keyward.uses()?;
            let with = client::closed(&work(one), LOGGED)?;
            let meanwhile = keyward.uses()?.since(before);
            keyward.until_written()?;
            let held = keyward.without_log()?;
            // Until the queue is full, and nothing is put into it any more.
            client::closed(&work(one), LASTING * 2)?;
            let before = keyward.uses()?;
            let without = client::closed(&work(one), LOGGED)?;
            if keyward.uses()?.since(before).written > 0.0 || meanwhile.written == 0.0 {
                return Err("the usage log was written where it should not be, or not where it should".into());
            }
            drop(held);
            let percent = |part: f64| 100.0 * part / (with * LOGGED.as_secs_f64());
            logging.shares.entry(one.name).or_default().push(with / without);
            logging.written.entry(one.name).or_default().push(percent(meanwhile.written));
            logging.dropped.entry(one.name).or_default().push(percent(meanwhile.dropped));
            // What waited is written before the next round.
            keyward.until_written()?;
        }
        say(&format!("usage log: round {} of {ROUNDS}", round + 1));
    }
    Ok(logging)
}

/// What becomes of the uses at loads that leave something of the core.
fn kept(all: &[&Contestant], rates: &Measured, keyward: &Keyward) -> Result<String, Failure> {
    let one = all.iter().find(|one| one.name == VERIFY).ok_or("nobody verifies")?;
    let mut text =
        "\n| verifies a second, of what one core can | | written | dropped |\n|--:|--:|--:|--:|\n".to_owned();
    for eighths in LOADS {
        let rate = median(rates, VERIFY) * f64::from(eighths) / 8.0;
        let before = keyward.uses()?;
        client::open(&work(one), rate, LOADED)?;
        keyward.until_written()?;
        let Uses { written, dropped } = keyward.uses()?.since(before);
        writeln!(text, "| {rate:.0} | {eighths}/8 | {written:.0} | {dropped:.0} |")?;
        say(&format!("uses at {eighths}/8"));
    }
    Ok(text)
}

pub(crate) fn median(measured: &Measured, name: &str) -> f64 {
    Spread::of(measured.get(name).cloned().unwrap_or_default()).median
}

/// Round by round, one to another.
pub(crate) fn ratio(measured: &Measured, one: &str, other: &str) -> Spread {
    let of = |name| measured.get(name).into_iter().flatten();
    Spread::of(of(one).zip(of(other)).map(|(one, other)| one / other).collect())
}

fn table(all: &[&Contestant], full: &Turns, times: &Times, logging: &Logging) -> Result<String, Failure> {
    let mut text = format!(
        "\n| {CONNECTIONS} connections, one core | to bare axum, median (middle half) | answers a second | core idle | at half load: p50 | p99 | p99 to bare axum | MiB |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for one in all {
        writeln!(
            text,
            "| {} | {} | {:.0} | {:.0} % | {:.0} µs | {:.0} µs | {} | {} |",
            one.name,
            ratio(&full.rates, one.name, AXUM),
            median(&full.rates, one.name),
            median(&full.idle, one.name),
            median(&times.half, one.name),
            median(&times.most, one.name),
            ratio(&times.most, one.name, AXUM),
            one.resident_mib,
        )?;
    }
    let behind_nginx = ratio(&full.rates, NGINX_KEYWARD, NGINX_HYPER);
    writeln!(text, "\nBehind nginx, Keyward to a bare hyper: {behind_nginx}.\n")?;
    for (name, shares) in &logging.shares {
        writeln!(
            text,
            "With the usage log written, to the same without, {name}: {}. Of the uses of these turns, {:.0} % were written \
             in them and {:.0} % dropped and counted.\n",
            Spread::of(shares.clone()),
            median(&logging.written, name),
            median(&logging.dropped, name),
        )?;
    }
    Ok(text)
}
