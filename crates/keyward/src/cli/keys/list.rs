//! `keyward keys list`

use keyward_wire::key::Key;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::paint_of;
use crate::cli::connection::{Api, Connection};
use crate::cli::failure::Failure;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

/// As many as the server gives where nobody says.
const LIMIT_DEFAULT: u32 = 50;
/// The most that the server gives at once.
const PAGE_LEN_MAX: u32 = 200;
/// Parts without a key, one after the other, before the list is given up. A server has looked at ten thousand keys
/// for each, so that no honest list has as many.
const EMPTY_PARTS_MAX: u32 = 10_000;

const EXAMPLES: &str = "\
Examples:
  keyward keys list
  keyward keys list --status active --search ci
  keyward keys list --all --json | jq -r '.items[].id'";

/// List keys, newest first
///
/// In a terminal that is too narrow for the table, columns are shortened or left out; `keyward keys show` and
/// --json have everything.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    place: PlaceFlags,
    /// Only keys of this status
    #[arg(long, value_name = "STATUS", value_parser = ["active", "expired", "revoked"])]
    status: Option<String>,
    /// Only keys with this text in their name
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// At most this many
    #[arg(long, value_name = "NUMBER", default_value_t = LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// As many as there are
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// A part of the list, as the server gives it.
#[derive(serde::Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let api = list.connection.open()?;
    let place = list.place.resolve(&api)?;
    if list.json {
        let Page { items, next_cursor } = list.fetch::<Value>(&api, &place)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let Page { items, next_cursor } = list.fetch::<Key>(&api, &place)?;
    if items.is_empty() {
        list.say_none(&place);
        return Ok(());
    }
    terminal::data(&table(&items).render(terminal::width(), terminal::stdout_has_colour()))?;
    if next_cursor.is_some() {
        terminal::say(format!("These are the first {}; --all shows them all.", items.len()));
    }
    Ok(())
}

impl List {
    /// Follows the list until there are enough keys or no more.
    fn fetch<T: DeserializeOwned>(&self, api: &Api, place: &Place) -> Result<Page<T>, Failure> {
        let wanted = if self.all { usize::MAX } else { usize::try_from(self.limit).unwrap_or(usize::MAX) };
        let mut found: Page<T> = Page { items: Vec::new(), next_cursor: None };
        let mut empty_parts = 0;
        loop {
            let missing = u32::try_from(wanted - found.items.len()).unwrap_or(u32::MAX);
            let path = self.path(place, missing.min(PAGE_LEN_MAX), found.next_cursor.as_deref());
            let page: Page<T> = api.get(path)?.read(api.server())?;
            // A part without keys is not the end. But a server that gives nothing but such, or the same place
            // again, would be asked for ever.
            empty_parts = if page.items.is_empty() { empty_parts + 1 } else { 0 };
            let goes_on = empty_parts < EMPTY_PARTS_MAX && page.next_cursor != found.next_cursor;
            found.items.extend(page.items);
            found.items.truncate(wanted);
            found.next_cursor = page.next_cursor.filter(|_| goes_on);
            if found.next_cursor.is_none() || found.items.len() >= wanted {
                return Ok(found);
            }
        }
    }

    fn path(&self, place: &Place, limit: u32, cursor: Option<&str>) -> String {
        let limit = limit.to_string();
        let query = [
            ("limit", Some(limit.as_str())),
            ("status", self.status.as_deref()),
            ("search", self.search.as_deref()),
            ("cursor", cursor),
        ];
        let pairs = query.iter().filter_map(|(name, value)| Some((name, (*value)?)));
        let pairs =
            pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        format!("{}?{}", place.keys_path(), pairs.collect::<Vec<_>>().join("&"))
    }

    fn say_none(&self, place: &Place) {
        if self.status.is_some() || self.search.is_some() {
            terminal::say(format!("No key fits in {place}."));
        } else {
            terminal::say(format!("There are no keys in {place} yet."));
            terminal::hint(format!("keyward keys create NAME --scope SCOPE {}", place.flag()));
        }
    }
}

fn table(keys: &[Key]) -> Table {
    let now = clock::now();
    let when = |time: Option<jiff::Timestamp>| {
        time.map_or_else(|| "never".to_owned(), |time| text::from_now(time, now))
    };
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(16)),
        ("STATUS", Fit::Whole),
        ("ID", Fit::Whole),
        ("LAST USED", Fit::Goes(1)),
        ("EXPIRES", Fit::Goes(2)),
        ("SECRET", Fit::Goes(3)),
        ("SCOPES", Fit::Goes(4)),
    ]);
    for key in keys {
        table.row([
            (key.name.clone(), Paint::Plain),
            (key.status.clone(), paint_of(key)),
            (key.id.clone(), Paint::Plain),
            (when(key.last_used_at), Paint::Plain),
            (when(key.expires_at), Paint::Plain),
            (key.secret_hint.clone(), Paint::Plain),
            (key.scopes.join(","), Paint::Plain),
        ]);
    }
    table
}
