//! `keyward keys stale`

use jiff::Timestamp;
use keyward_wire::page::Page;
use keyward_wire::usage::{StaleKey, StaleKeys};
use serde_json::{Value, json};

use crate::cli::connection::{Api, Connection};
use crate::cli::failure::Failure;
use crate::cli::pages::HowMany;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, pages, terminal, text};

/// The reasons, and what they say.
const REASONS: [(&str, &str); 5] = [
    ("never_used", "never used"),
    ("unused", "not used for 90 days (see --days)"),
    ("never_expires", "without an end"),
    ("new_network", "first used from a network within the last week"),
    ("expires_soon", "ends within a week"),
];

const EXAMPLES: &str = "\
Examples:
  keyward keys stale
  keyward keys stale --reason never_used
  keyward keys stale --reason unused --days 180
  keyward keys stale --reason never_used --all --json | jq -r '.items[].key.id' | keyward keys revoke --stdin --dry-run";

/// Show active keys that somebody should look at: unused ones, those without an end, those used from elsewhere
///
/// Without --reason it counts them; with it, it lists the keys.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Stale {
    #[command(flatten)]
    place: PlaceFlags,
    /// List the keys of this reason
    #[arg(long, value_name = "REASON", value_parser = REASONS.map(|(reason, _)| reason))]
    reason: Option<String>,
    /// Days without use after which a key counts as unused
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
    /// At most this many; 50 without the flag
    #[arg(long, value_name = "NUMBER", requires = "reason", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// As many as there are
    #[arg(long, requires = "reason", conflicts_with = "limit")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(stale: &Stale) -> Result<(), Failure> {
    let api = stale.connection.open()?;
    let place = stale.place.resolve(&api)?;
    match &stale.reason {
        None => count(stale, &api, &place),
        Some(reason) => list(stale, &api, &place, reason),
    }
}

impl Stale {
    fn path(place: &Place) -> String {
        format!("{}/stale", place.keys_path())
    }
}

fn count(stale: &Stale, api: &Api, place: &Place) -> Result<(), Failure> {
    let days = stale.days.map(|days| days.to_string());
    let reply = api.get(pages::unpaged(&Stale::path(place), &[("days", days.as_deref())]))?;
    if stale.json {
        return json::print(&reply.json(api.server())?);
    }
    let keys: StaleKeys = reply.read(api.server())?;
    let mut table = Table::new(&[("REASON", Fit::Whole), ("KEYS", Fit::Whole), ("WHICH", Fit::Goes(0))]);
    for count in &keys.reasons {
        let number = text::thousands(count.keys.into());
        let number = if count.more { format!("{number} or more") } else { number };
        let paint = if count.keys == 0 { Paint::Plain } else { Paint::Yellow };
        let row = [
            (count.reason.clone(), Paint::Plain),
            (number, paint),
            (stale.words(&count.reason), Paint::Plain),
        ];
        table.row(row);
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))?;
    if keys.reasons.iter().any(|count| count.keys > 0) {
        terminal::hint(format!("keyward keys stale --reason REASON {}", place.flag()));
    }
    Ok(())
}

impl Stale {
    fn words(&self, reason: &str) -> String {
        match (reason, self.days) {
            ("unused", Some(days)) => format!("not used for {}", text::count(days.into(), "day")),
            _ => REASONS.iter().find(|(known, _)| *known == reason).map_or("", |(_, words)| words).to_owned(),
        }
    }
}

fn list(stale: &Stale, api: &Api, place: &Place, reason: &str) -> Result<(), Failure> {
    let days = stale.days.map(|days| days.to_string());
    let filters = [("reason", Some(reason)), ("days", days.as_deref())];
    let wanted = HowMany::new(stale.limit, stale.all).wanted();
    if stale.json {
        let Page { items, next_cursor } = pages::fetch::<Value>(api, &Stale::path(place), &filters, wanted)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let keys = pages::fetch::<StaleKey>(api, &Stale::path(place), &filters, wanted)?;
    if keys.items.is_empty() {
        terminal::say(format!("There is no such key in {place} ({}).", stale.words(reason)));
        return Ok(());
    }
    let table = table(&keys.items, reason == "new_network");
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&keys);
    Ok(())
}

fn table(keys: &[StaleKey], by_network: bool) -> Table {
    let now = clock::now();
    let when =
        |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| text::from_now(time, now));
    let mut columns = vec![("NAME", Fit::Shrinks(16)), ("ID", Fit::Whole)];
    if by_network {
        columns.extend([("NEW NETWORK", Fit::Whole), ("SINCE", Fit::Goes(0))]);
    }
    columns.extend([
        ("CREATED", Fit::Goes(2)),
        ("LAST USED", Fit::Goes(1)),
        ("EXPIRES", Fit::Goes(3)),
        ("OWNER", Fit::Goes(4)),
    ]);
    let mut table = Table::new(&columns);
    for StaleKey { key, newest_network } in keys {
        let mut cells = vec![key.name.clone(), key.id.clone()];
        if by_network {
            let network = newest_network.as_ref();
            cells.push(network.map(|newest| newest.network.clone()).unwrap_or_default());
            cells.push(when(network.map(|newest| newest.first_used_at)));
        }
        cells.extend([when(Some(key.created_at)), when(key.last_used_at), when(key.expires_at)]);
        cells.push(key.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| owner.name.clone()));
        table.row(cells.into_iter().map(|cell| (cell, Paint::Plain)));
    }
    table
}
