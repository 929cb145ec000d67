//! `keyward vaults delete`

use keyward_wire::vault::Vault;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_vault};
use crate::cli::place::InWorkspace;
use crate::cli::{confirm, json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward vaults delete Staging
  keyward vaults delete Staging --workspace acme --yes

Only an empty vault can be deleted: `keyward vaults delete-secret` empties it.";

/// Delete an empty vault; asks first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// Its name or id; `keyward vaults list` shows both
    #[arg(value_parser = parse_vault)]
    vault: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the vault as it was, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(delete: &Delete) -> Result<(), Failure> {
    confirm::check_somebody(delete.yes, "the vault shall be deleted")?;
    let (api, slug) = delete.place.open()?;
    let path = find::vault_path(&api, &slug, &delete.vault)?;
    let read = api.get(&path)?;
    let vault: Vault = read.read(api.server())?;
    // One that is not empty is refused by the server, and nobody need answer a question before.
    if !delete.yes && vault.secrets == 0 {
        terminal::say(format!("{} ({}) in workspace {slug}; nothing is in it.", vault.name, vault.id));
        if !confirm::is_yes("Type its name, or yes, to delete it:", Some(vault.name.trim())) {
            return Err(Failure::failed("the vault was not deleted"));
        }
    }
    api.delete(path, Some(&read)).map_err(confirm::advise_changed)?;
    if delete.json {
        json::print(&read.json(api.server())?)?;
    }
    terminal::say(format!("Deleted the vault {} ({}) of workspace {slug}.", vault.name, vault.id));
    Ok(())
}
