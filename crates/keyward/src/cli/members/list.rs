//! `keyward members list`

use keyward_wire::member::Member;
use serde_json::{Value, json};

use super::find;
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, pages, place, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward members list
  keyward members list --workspace acme --json | jq -r '.items[].email'";

/// List the people of a workspace, the longest there first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the members as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let api = list.connection.open()?;
    let slug = place::workspace(&api, list.workspace.as_ref())?;
    if list.json {
        let all = pages::fetch_all::<Value>(&api, &find::path(&slug))?;
        return json::print(&json!({"items": all.items, "next_cursor": all.next_cursor}));
    }
    let members = pages::fetch_all::<Member>(&api, &find::path(&slug))?.items;
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(12)),
        ("EMAIL", Fit::Whole),
        ("ROLE", Fit::Whole),
        ("JOINED", Fit::Goes(1)),
        ("ID", Fit::Goes(2)),
    ]);
    for member in members {
        let joined = text::from_now(member.joined_at, now);
        let cells = [member.name, member.email, member.role, joined, member.id];
        table.row(cells.map(|text| (text, Paint::Plain)));
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))
}
