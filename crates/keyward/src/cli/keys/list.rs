//! `keyward keys list`

use jiff::Timestamp;
use keyward_wire::key::Key;
use keyward_wire::page::Page;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::paint_of;
use crate::cli::connection::{Api, Connection};
use crate::cli::duration::{Past, parse_past};
use crate::cli::failure::Failure;
use crate::cli::members::find;
use crate::cli::names::MemberName;
use crate::cli::pages::HowMany;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, pages, terminal, text};

/// What a list is sorted by, the smallest first; with `-` in front, the largest.
const SORTS: [&str; 8] = [
    "created_at",
    "-created_at",
    "name",
    "-name",
    "expires_at",
    "-expires_at",
    "last_used_at",
    "-last_used_at",
];

const EXAMPLES: &str = "\
Examples:
  keyward keys list
  keyward keys list --status active --search ci
  keyward keys list --owner grace@example.com --sort name
  keyward keys list --status active --last-used-before 90d --sort last_used_at
  keyward keys list --all --json | jq -r '.items[].id'";

/// List keys, newest first
///
/// The list says which keys have two live secrets (rotating), and which have nobody who looks after them (no owner).
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
    /// Only keys that this member looks after, by e-mail address or id
    #[arg(long, value_name = "MEMBER", conflicts_with = "personal")]
    owner: Option<MemberName>,
    /// Only keys with this text in their name or description
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only keys not used for so long (such as 90d) or since then (a time such as 2027-01-31T00:00:00Z), or never
    #[arg(long, value_name = "WHEN", value_parser = parse_past)]
    last_used_before: Option<Past>,
    /// By what; with - in front, the largest or latest first
    #[arg(long, value_name = "FIELD", value_parser = SORTS, allow_hyphen_values = true)]
    sort: Option<String>,
    #[command(flatten)]
    how_many: HowMany,
    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let api = list.connection.open()?;
    let place = list.place.resolve(&api)?;
    if list.json {
        let Page { items, next_cursor } = list.fetch::<Value>(&api, &place)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let keys = list.fetch::<Key>(&api, &place)?;
    if keys.items.is_empty() {
        list.say_none(&place);
        return Ok(());
    }
    terminal::data(&table(&keys.items, &place).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&keys);
    Ok(())
}

impl List {
    fn fetch<T: DeserializeOwned>(&self, api: &Api, place: &Place) -> Result<Page<T>, Failure> {
        let owner = match (&self.owner, place) {
            (Some(name), Place::Workspace(slug)) => Some(find::id_of(api, slug, name)?),
            (Some(_), Place::Personal) | (None, _) => None,
        };
        let last_used_before = self.last_used_before.map(|past| past.before(clock::now()).to_string());
        let filters = [
            ("status", self.status.as_deref()),
            ("owner", owner.as_deref()),
            ("search", self.search.as_deref()),
            ("last_used_before", last_used_before.as_deref()),
            ("sort", self.sort.as_deref()),
        ];
        pages::fetch(api, &place.keys_path(), &filters, self.how_many.wanted())
    }

    fn is_filtered(&self) -> bool {
        self.status.is_some()
            || self.owner.is_some()
            || self.search.is_some()
            || self.last_used_before.is_some()
    }

    fn say_none(&self, place: &Place) {
        if self.is_filtered() {
            terminal::say(format!("No key fits in {place}."));
        } else {
            terminal::say(format!("There are no keys in {place} yet."));
            terminal::hint(format!("keyward keys create NAME --scope SCOPE {}", place.flag()));
        }
    }
}

/// What people should know of a key at once, whatever else there is room for.
fn note(key: &Key) -> String {
    if key.status != "active" {
        return String::new();
    }
    let rotating = key.rotation.is_some().then_some("rotating");
    let ownerless = key.owner.is_none().then_some("no owner");
    rotating.into_iter().chain(ownerless).collect::<Vec<_>>().join(", ")
}

/// A column, and what stands in it.
type Column<'a> = (&'static str, Fit, Box<dyn Fn(&Key) -> (String, Paint) + 'a>);

fn table(keys: &[Key], place: &Place) -> Table {
    let now = clock::now();
    let when = move |time: Option<Timestamp>| {
        time.map_or_else(|| "never".to_owned(), |time| text::from_now(time, now))
    };
    let plain = |text: String| (text, Paint::Plain);
    let mut columns: Vec<Column<'_>> = vec![
        ("NAME", Fit::Shrinks(16), Box::new(move |key| plain(key.name.clone()))),
        ("STATUS", Fit::Whole, Box::new(|key| (key.status.clone(), paint_of(key)))),
    ];
    if keys.iter().any(|key| !note(key).is_empty()) {
        columns.push(("NOTE", Fit::Goes(0), Box::new(|key| (note(key), Paint::Yellow))));
    }
    columns.push(("ID", Fit::Whole, Box::new(move |key| plain(key.id.clone()))));
    columns.push(("LAST USED", Fit::Goes(1), Box::new(move |key| plain(when(key.last_used_at)))));
    columns.push(("EXPIRES", Fit::Goes(2), Box::new(move |key| plain(when(key.expires_at)))));
    columns.push(("SECRET", Fit::Goes(4), Box::new(move |key| plain(key.secret_hint.clone()))));
    if let Place::Workspace(_) = place {
        columns.push(("OWNER", Fit::Goes(3), Box::new(move |key| plain(owner(key)))));
    }
    columns.push(("SCOPES", Fit::Goes(5), Box::new(move |key| plain(key.scopes.join(",")))));
    let titles: Vec<_> = columns.iter().map(|(title, fit, _)| (*title, *fit)).collect();
    let mut table = Table::new(&titles);
    for key in keys {
        table.row(columns.iter().map(|(_, _, cell)| cell(key)));
    }
    table
}

fn owner(key: &Key) -> String {
    key.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| owner.name.clone())
}
