//! `keyward vaults secrets`

use keyward_wire::page::Page;
use keyward_wire::vault::{KeyOfSecret, VaultSecret};
use serde_json::{Value, json};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_vault};
use crate::cli::pages::{self, HowMany};
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward vaults secrets Production
  keyward vaults secrets Production --json | jq -r '.items[] | select(.key.status == \"revoked\") | .id'";

/// List what is in a vault, the oldest first: all but the secrets themselves
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Secrets {
    /// The vault's name or id; `keyward vaults list` shows both
    #[arg(value_parser = parse_vault)]
    vault: NameOrId,
    #[command(flatten)]
    how_many: HowMany,
    #[command(flatten)]
    place: InWorkspace,
    /// Print what is in the vault as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(secrets: &Secrets) -> Result<(), Failure> {
    let (api, slug) = secrets.place.open()?;
    let path = format!("{}/secrets", find::vault_path(&api, &slug, &secrets.vault)?);
    let wanted = secrets.how_many.wanted();
    if secrets.json {
        let Page { items, next_cursor } = pages::fetch::<Value>(&api, &path, &[], wanted)?;
        return json::print(&json!({"items": items, "next_cursor": next_cursor}));
    }
    let found = pages::fetch::<VaultSecret>(&api, &path, &[], wanted)?;
    if found.items.is_empty() {
        terminal::say("Nothing is in the vault yet.");
        terminal::hint(format!("keyward vaults store VAULT NAME --secret-file FILE --workspace {slug}"));
        return Ok(());
    }
    terminal::data(&table(&found.items).render(terminal::width(), terminal::stdout_has_colour()))?;
    pages::say_more(&found);
    Ok(())
}

fn table(secrets: &[VaultSecret]) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(16)),
        ("OPENS", Fit::Shrinks(16)),
        ("ID", Fit::Whole),
        ("STORED", Fit::Goes(1)),
        ("BY", Fit::Goes(2)),
    ]);
    for secret in secrets {
        let (opens, paint) = opens(secret.key.as_ref());
        table.row([
            (secret.name.clone(), Paint::Plain),
            (opens, paint),
            (secret.id.clone(), Paint::Plain),
            (text::from_now(secret.created_at, now), Paint::Plain),
            (secret.created_by.name.clone(), Paint::Plain),
        ]);
    }
    table
}

/// What a secret opens, as far as the server can know.
fn opens(key: Option<&KeyOfSecret>) -> (String, Paint) {
    let Some(key) = key else { return (String::new(), Paint::Plain) };
    match (key.status.as_str(), key.secret.as_deref()) {
        ("active", Some("current")) => (format!("key {}", key.name), Paint::Green),
        ("active", Some(_)) => (format!("key {}, until its rotation ends", key.name), Paint::Yellow),
        ("active", None) => (format!("nothing: key {} was rotated", key.name), Paint::Red),
        (status, _) => (format!("nothing: key {} is {status}", key.name), Paint::Red),
    }
}
