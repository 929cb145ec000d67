//! `keyward invitations list`

use keyward_wire::member::Invitation;
use serde_json::{Value, json};

use super::path;
use crate::cli::failure::Failure;
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, pages, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward invitations list
  keyward invitations list --json | jq -r '.items[].email'

The links are not shown again: invite anew where one is lost.";

/// List the open invitations of a workspace, those first that end first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    place: InWorkspace,
    /// Print the invitations as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    if list.json {
        let all = pages::fetch_all::<Value>(&api, &path(&slug))?;
        return json::print(&json!({"items": all.items, "next_cursor": all.next_cursor}));
    }
    let open = pages::fetch_all::<Invitation>(&api, &path(&slug))?.items;
    if open.is_empty() {
        terminal::say(format!("No invitation into workspace {slug} is open."));
        terminal::hint(format!("keyward invite ADDRESS --role ROLE --workspace {slug}"));
        return Ok(());
    }
    terminal::data(&table(open).render(terminal::width(), terminal::stdout_has_colour()))
}

fn table(open: Vec<Invitation>) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("EMAIL", Fit::Whole),
        ("ROLE", Fit::Shrinks(8)),
        ("ENDS", Fit::Whole),
        ("ID", Fit::Whole),
        ("BY", Fit::Goes(1)),
    ]);
    for invitation in open {
        let role = match invitation.role {
            Some(role) => (role, Paint::Plain),
            None => ("gone".to_owned(), Paint::Red),
        };
        let by = match invitation.invited_by {
            Some(name) => (name, Paint::Plain),
            None => ("somebody who left".to_owned(), Paint::Red),
        };
        table.row([
            (invitation.email, Paint::Plain),
            role,
            (text::from_now(invitation.expires_at, now), Paint::Plain),
            (invitation.id, Paint::Plain),
            by,
        ]);
    }
    table
}
