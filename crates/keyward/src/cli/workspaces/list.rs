//! `keyward workspaces list`

use keyward_wire::workspace::Workspace;
use serde_json::{Value, json};

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, pages, terminal, text};

const PATH: &str = "/api/v1/workspaces";

const EXAMPLES: &str = "\
Examples:
  keyward workspaces list
  keyward workspaces list --json | jq -r '.items[].slug'";

/// List the workspaces that you are in
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Print the workspaces as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let api = list.connection.open()?;
    if list.json {
        let all = pages::fetch_all::<Value>(&api, PATH)?;
        return json::print(&json!({"items": all.items, "next_cursor": all.next_cursor}));
    }
    let workspaces = pages::fetch_all::<Workspace>(&api, PATH)?.items;
    if workspaces.is_empty() {
        terminal::say("You are in no workspace yet; somebody who is in one can invite you.");
        terminal::hint("keyward workspaces create NAME");
        return Ok(());
    }
    let now = clock::now();
    let mut table = Table::new(&[
        ("WORKSPACE", Fit::Whole),
        ("NAME", Fit::Shrinks(12)),
        ("ROLE", Fit::Goes(1)),
        ("PLAN", Fit::Goes(2)),
        ("CREATED", Fit::Goes(3)),
    ]);
    for workspace in workspaces {
        let created = text::from_now(workspace.created_at, now);
        let role = workspace.role.unwrap_or_default();
        let cells = [workspace.slug, workspace.name, role, workspace.plan, created];
        table.row(cells.map(|text| (text, Paint::Plain)));
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))
}
