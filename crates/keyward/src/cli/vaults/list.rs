//! `keyward vaults list`

use keyward_wire::page::Page;
use keyward_wire::vault::Vault;
use serde_json::{Value, json};

use super::find::path;
use crate::cli::failure::Failure;
use crate::cli::pages::{self, HowMany};
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward vaults list
  keyward vaults list --json | jq -r '.items[].name'";

/// List the vaults of a workspace, the oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    how_many: HowMany,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the vaults as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    let wanted = list.how_many.wanted();
    if list.json {
        let Page { items, next_cursor } = pages::fetch::<Value>(&api, &path(&slug), &[], wanted)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let vaults = pages::fetch::<Vault>(&api, &path(&slug), &[], wanted)?;
    if vaults.items.is_empty() {
        terminal::say(format!("There are no vaults in workspace {slug} yet."));
        terminal::hint(format!("keyward vaults create NAME --workspace {slug}"));
        return Ok(());
    }
    terminal::data(&table(&vaults.items).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&vaults);
    Ok(())
}

fn table(vaults: &[Vault]) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(16)),
        ("SECRETS", Fit::Whole),
        ("ID", Fit::Whole),
        ("CREATED", Fit::Goes(1)),
        ("DESCRIPTION", Fit::Goes(2)),
    ]);
    for vault in vaults {
        table.row([
            (vault.name.clone(), Paint::Plain),
            (vault.secrets.to_string(), Paint::Plain),
            (vault.id.clone(), Paint::Plain),
            (text::from_now(vault.created_at, now), Paint::Plain),
            (vault.description.clone().unwrap_or_default(), Paint::Plain),
        ]);
    }
    table
}
