//! The log as it grows. The server is asked every second for what came since; what was seen is not shown again.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keyward_wire::page::Page;
use keyward_wire::usage::Use;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Usage, line};
use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::{pages, terminal};

/// Uses that are shown before the new ones.
const FIRST: usize = 10;
/// Uses of one look: nobody reads as many in a second.
const SHOWN_MAX: usize = 2_000;
/// How often the server is asked: uses are readable within a second.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How much later than another a use may become readable that was made before it.
const LATE_MAX: SignedDuration = SignedDuration::from_secs(3);

pub(super) fn run(usage: &Usage, api: &Api, place: &Place) -> Result<(), Failure> {
    let broken = |error: io::Error| Failure::failed(format!("signals cannot be heard: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
    let mut interrupt = {
        let _entered = runtime.enter();
        signal(SignalKind::interrupt()).map_err(broken)?
    };
    let mut seen = Seen::default();
    let begin = usage.times().0;
    let first = if begin.is_some() { SHOWN_MAX } else { FIRST };
    let mut uses = fetch(usage, api, place, begin.as_deref(), first)?;
    let mut is_away = false;
    loop {
        if !show(usage, seen.take(uses.items))
            .map_err(|error| Failure::failed(format!("stdout cannot be written: {error}")))?
        {
            return Ok(());
        }
        let is_cut = uses.next_cursor.is_some() && (seen.has_begun || begin.is_some());
        if is_cut {
            terminal::say(format!(
                "More than {SHOWN_MAX} uses came at once; the oldest of them are left out."
            ));
        }
        seen.has_begun = true;
        uses = loop {
            if was_interrupted(&runtime, &mut interrupt) {
                return Ok(());
            }
            let from = seen.from().or_else(|| begin.clone());
            match fetch(usage, api, place, from.as_deref(), SHOWN_MAX) {
                Ok(uses) => break uses,
                // A server that restarts is back soon.
                Err(failure) if failure.exit() == Exit::Unavailable => {
                    if !std::mem::replace(&mut is_away, true) {
                        terminal::say("The server does not answer; asking again until it does.");
                    }
                }
                Err(failure) => return Err(failure),
            }
        };
        is_away = false;
    }
}

/// Waits until the server is to be asked again. True: somebody has seen enough.
fn was_interrupted(runtime: &Runtime, interrupt: &mut Signal) -> bool {
    runtime.block_on(async {
        tokio::select! {
            _ = interrupt.recv() => true,
            () = tokio::time::sleep(ASK_EVERY) => false,
        }
    })
}

fn fetch(
    usage: &Usage,
    api: &Api,
    place: &Place,
    from: Option<&str>,
    most: usize,
) -> Result<Page<Use>, Failure> {
    let ip = usage.ip.map(|ip| ip.to_string());
    let filters = [("code", usage.code.as_deref()), ("ip", ip.as_deref()), ("from", from)];
    pages::fetch(api, &usage.path(place), &filters, most)
}

/// Shows uses, the latest last. False: whoever reads them has seen enough.
fn show(usage: &Usage, uses: Vec<Use>) -> io::Result<bool> {
    let colour = terminal::stdout_has_colour();
    for used in uses {
        let text = if usage.json {
            let json = serde_json::to_string(&used).map_err(io::Error::other)?;
            crate::cli::text::plain_json(&format!("{json}\n"))
        } else {
            line::of(&used, colour)
        };
        if !terminal::bytes(text.as_bytes())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What was shown, as far back as something may still come late.
#[derive(Default)]
struct Seen {
    has_begun: bool,
    /// Before the first that was shown nothing is shown.
    begin: Option<Timestamp>,
    newest: Option<Timestamp>,
    /// How often each: two uses may be alike.
    recent: BTreeMap<(Timestamp, String), usize>,
}

impl Seen {
    /// Takes what was read, the newest first, and gives what is new of it, the newest last.
    fn take(&mut self, newest_first: Vec<Use>) -> Vec<Use> {
        let mut left = std::mem::take(&mut self.recent);
        let mut new = Vec::new();
        for used in newest_first.into_iter().rev() {
            let begin = *self.begin.get_or_insert(used.at);
            if used.at < begin {
                continue;
            }
            let name = (used.at, serde_json::to_string(&used).unwrap_or_default());
            *self.recent.entry(name.clone()).or_default() += 1;
            match left.get_mut(&name).filter(|times| **times > 0) {
                Some(times) => *times -= 1,
                None => new.push(used),
            }
        }
        self.newest = new.last().map(|used| used.at).max(self.newest);
        new
    }

    /// From when on to read: from before the newest, for what comes late.
    fn from(&self) -> Option<String> {
        let from = self.newest?.checked_sub(LATE_MAX).unwrap_or(Timestamp::MIN);
        Some(self.begin.map_or(from, |begin| begin.max(from)).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(ms: i64, path: &str) -> Use {
        Use {
            at: Timestamp::from_millisecond(ms).unwrap(),
            code: "valid".to_owned(),
            ip: None,
            user_agent: None,
            node: "local".to_owned(),
            secret: "current".to_owned(),
            scope: None,
            method: None,
            path: Some(path.to_owned()),
        }
    }

    fn taken(seen: &mut Seen, uses: &[(i64, &str)]) -> Vec<String> {
        let uses = uses.iter().map(|(ms, path)| used(*ms, path)).collect();
        seen.take(uses).into_iter().filter_map(|used| used.path).collect()
    }

    #[test]
    fn each_use_is_shown_once_also_where_it_comes_late_or_looks_like_another() {
        let mut seen = Seen::default();
        assert_eq!(taken(&mut seen, &[(9_000, "b"), (8_000, "a")]), ["a", "b"]);
        assert_eq!(seen.from().unwrap(), "1970-01-01T00:00:08Z", "nothing from before the first");
        assert_eq!(taken(&mut seen, &[(9_000, "b"), (8_000, "a")]), Vec::<String>::new());
        assert_eq!(
            taken(&mut seen, &[(9_000, "b"), (9_000, "b"), (8_500, "late"), (8_000, "a")]),
            ["late", "b"]
        );
        assert_eq!(taken(&mut seen, &[(20_000, "c"), (9_000, "b"), (9_000, "b"), (8_500, "late")]), ["c"]);
        assert_eq!(seen.from().unwrap(), "1970-01-01T00:00:17Z");
        assert_eq!(taken(&mut seen, &[(20_000, "c"), (7_000, "before")]), Vec::<String>::new());
    }
}
