//! `keyward members list`

use keyward_wire::member::Member;
use serde_json::{Value, json};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, pages, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward members list
  keyward members list --workspace acme --json | jq -r '.items[].email'
  keyward members list --json | jq -r '.items[] | select(.suspended_at) | .email'";

/// List the people of a workspace, the longest there first
///
/// Somebody is suspended if this workspace has suspended them, or the operator everywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    place: InWorkspace,
    /// Print the members as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    if list.json {
        let all = pages::fetch_all::<Value>(&api, &find::path(&slug))?;
        return json::print(&json!({"items": all.items, "next_cursor": all.next_cursor}));
    }
    let members = pages::fetch_all::<Member>(&api, &find::path(&slug))?.items;
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(12)),
        ("EMAIL", Fit::Whole),
        ("ROLE", Fit::Shrinks(8)),
        ("STATUS", Fit::Whole),
        ("JOINED", Fit::Goes(1)),
        ("ID", Fit::Goes(2)),
    ]);
    for member in members {
        let joined = text::from_now(member.joined_at, now);
        let status = match member.suspended_at {
            Some(_) => ("suspended", Paint::Yellow),
            None => ("active", Paint::Green),
        };
        table.row([
            (member.name, Paint::Plain),
            (member.email, Paint::Plain),
            (member.role, Paint::Plain),
            (status.0.to_owned(), status.1),
            (joined, Paint::Plain),
            (member.id, Paint::Plain),
        ]);
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))
}
