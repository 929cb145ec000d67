//! `keyward vaults edit`

use keyward_wire::vault::{UpdateVault, Vault};

use super::find;
use crate::cli::editing::{self, Edited, WordsEdit};
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::names::{NameOrId, parse_vault};
use crate::cli::place::{InWorkspace, Place};
use crate::cli::record::Record;

const EXAMPLES: &str = "\
Examples:
  keyward vaults edit Production --name Live
  keyward vaults edit Live --description 'what runs for customers'";

/// Change the name or the description of a vault
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// Its name or id; `keyward vaults list` shows both
    #[arg(value_parser = parse_vault)]
    vault: NameOrId,
    #[command(flatten)]
    words: WordsEdit,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the vault as it is then, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(edit: &Edit) -> Result<(), Failure> {
    if edit.words.is_empty() {
        return Err(editing::nothing_said("--name NAME", "vaults"));
    }
    let (api, slug) = edit.place.open()?;
    let path = find::vault_path(&api, &slug, &edit.vault)?;
    let request = |_: &Vault| UpdateVault { name: edit.words.name(), description: edit.words.description() };
    let Edited { before, after, reply } = editing::edit(&api, &path, "the vault", request)?;
    if edit.json {
        json::print(&reply.json(api.server())?)?;
    }
    let mut changes = Record::default();
    changes.turned("name", &before.name, &after.name);
    changes.turned_or_none("description", before.description.as_deref(), after.description.as_deref());
    editing::announce(&after.name, &after.id, &Place::Workspace(slug), &changes);
    Ok(())
}
