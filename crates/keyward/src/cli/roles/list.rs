//! `keyward roles list`

use keyward_wire::role::Role;
use serde_json::{Value, json};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{json, pages, rule, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward roles list
  keyward roles list --workspace acme --json | jq -r '.items[] | select(.built_in | not) | .name'";

/// List the roles of a workspace: those that every workspace has, then its own
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    place: InWorkspace,
    /// Print the roles as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    if list.json {
        let all = pages::fetch_all::<Value>(&api, &find::path(&slug))?;
        return json::print(&json!({"items": all.items, "next_cursor": all.next_cursor}));
    }
    let roles = pages::fetch_all::<Role>(&api, &find::path(&slug))?.items;
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(12)),
        ("KIND", Fit::Whole),
        ("ID", Fit::Goes(1)),
        ("HOLDS", Fit::Shrinks(16)),
    ]);
    for role in roles {
        let kind = if role.built_in { "built in" } else { "own" };
        let holds = in_short(&role);
        table.row([role.name, kind.to_owned(), role.id, holds].map(|text| (text, Paint::Plain)));
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))
}

/// What a role holds, in few words.
pub(super) fn in_short(role: &Role) -> String {
    let rules = role.rules.iter().map(rule::in_short);
    let all: Vec<String> = role.scopes.iter().cloned().chain(rules).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}
