//! `keyward audit list`

use std::str::FromStr;

use keyward_wire::audit::AuditEntry;
use keyward_wire::page::Page;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::log::{self, LogFlags};
use crate::cli::connection::{Api, Connection};
use crate::cli::duration::{Past, parse_past};
use crate::cli::failure::Failure;
use crate::cli::members::find;
use crate::cli::names::MemberName;
use crate::cli::pages::HowMany;
use crate::cli::place::Place;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, looks_secret, pages, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward audit list
  keyward audit list --actor grace@example.com --since 7d
  keyward audit list --target key_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward audit list --action key.revoked --all --json | jq -r '.items[].actor.name'
  keyward audit list --personal";

/// List what happened, the latest first
///
/// In a terminal that is too narrow for the table, columns are shortened or left out; --json has everything, also how
/// the target was before and after.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    log: LogFlags,
    /// Only what they did: a member by e-mail address or id, a service account by id, operator or billing
    #[arg(long, value_name = "ACTOR")]
    actor: Option<ActorName>,
    /// Only this, such as key.created
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to this, by id
    #[arg(long, value_name = "ID", value_parser = parse_target)]
    target: Option<String>,
    /// From that time on: how long ago (such as 7d), or a time (such as 2027-01-31T00:00:00Z)
    #[arg(long, value_name = "WHEN", value_parser = parse_past)]
    since: Option<Past>,
    /// Before that time, written as that of --since
    #[arg(long, value_name = "WHEN", value_parser = parse_past)]
    until: Option<Past>,
    #[command(flatten)]
    how_many: HowMany,
    /// Print the entries as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Who did something, as people name them.
#[derive(Debug, Clone)]
enum ActorName {
    /// As the log has them.
    Known(String),
    /// A member, by their address.
    Email(MemberName),
}

impl FromStr for ActorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || {
            "write a member's e-mail address or id, a service account's id, operator or billing".to_owned()
        };
        if text.contains('@') {
            return text.parse().map(Self::Email);
        }
        let known = ["usr_", "sa_"].iter().any(|prefix| text.starts_with(prefix));
        if (known && !looks_secret(text)) || ["operator", "billing", "system"].contains(&text) {
            Ok(Self::Known(text.to_owned()))
        } else {
            Err(wanted())
        }
    }
}

/// It becomes part of an address, where no secret belongs.
fn parse_target(text: &str) -> Result<String, String> {
    if looks_secret(text) {
        Err("write an id, such as key_01jd8x…".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let api = list.connection.open()?;
    let place = list.log.resolve(&api)?;
    if list.json {
        let Page { items, next_cursor } = list.fetch::<Value>(&api, &place)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let entries = list.fetch::<AuditEntry>(&api, &place)?;
    if entries.items.is_empty() {
        terminal::say(format!("No entry of the log of {} fits.", log::name(&place)));
        return Ok(());
    }
    terminal::data(&table(&entries.items).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&entries);
    Ok(())
}

impl List {
    fn fetch<T: DeserializeOwned>(&self, api: &Api, place: &Place) -> Result<Page<T>, Failure> {
        let now = clock::now();
        let actor = self.actor.as_ref().map(|actor| actor.id(api, place)).transpose()?;
        let time = |past: Option<Past>| past.map(|past| past.before(now).to_string());
        let (since, until) = (time(self.since), time(self.until));
        let filters = [
            ("actor", actor.as_deref()),
            ("action", self.action.as_deref()),
            ("target", self.target.as_deref()),
            ("from", since.as_deref()),
            ("to", until.as_deref()),
        ];
        pages::fetch(api, &place.audit_path(), &filters, self.how_many.wanted())
    }
}

impl ActorName {
    fn id(&self, api: &Api, place: &Place) -> Result<String, Failure> {
        match (self, place) {
            (Self::Known(id), _) => Ok(id.clone()),
            (Self::Email(name), Place::Workspace(slug)) => find::id_of(api, slug, name),
            (Self::Email(_), Place::Personal) => {
                Err(Failure::usage("in your own log, name people by their ids: --actor usr_…"))
            }
        }
    }
}

fn table(entries: &[AuditEntry]) -> Table {
    let mut table = Table::new(&[
        ("WHEN", Fit::Whole),
        ("WHO", Fit::Shrinks(8)),
        ("WHAT", Fit::Whole),
        ("TARGET", Fit::Goes(1)),
        ("FROM", Fit::Goes(2)),
    ]);
    for entry in entries {
        table.row(
            [
                entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                entry.actor.name.clone(),
                entry.action.clone(),
                entry.target.clone(),
                entry.ip.clone().unwrap_or_default(),
            ]
            .map(|cell| (cell, Paint::Plain)),
        );
    }
    table
}
