//! `keyward vaults delete-secret`

use keyward_wire::vault::VaultSecret;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_secret, parse_vault};
use crate::cli::place::InWorkspace;
use crate::cli::{confirm, json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward vaults delete-secret Production database
  keyward vaults delete-secret Production sec_01jd8xq2m0e6vt5r3n7k9c4wzb --yes

A key whose secret it is goes on working: `keyward keys revoke` ends it.";

/// Delete a secret of a vault; asks first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeleteSecret {
    /// The vault's name or id; `keyward vaults list` shows both
    #[arg(value_parser = parse_vault)]
    vault: NameOrId,
    /// The secret's name or id; `keyward vaults secrets` shows both
    #[arg(value_parser = parse_secret)]
    secret: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print what was said of the secret, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(delete: &DeleteSecret) -> Result<(), Failure> {
    confirm::check_somebody(delete.yes, "the secret shall be deleted")?;
    let (api, slug) = delete.place.open()?;
    let vault = find::vault_path(&api, &slug, &delete.vault)?;
    let path = find::secret_path(&api, &vault, &delete.secret)?;
    let read = api.get(&path)?;
    let secret: VaultSecret = read.read(api.server())?;
    if !delete.yes {
        let opens = match &secret.key {
            Some(key) => format!("It is a secret of key {}, which is {}.", key.name, key.status),
            None => "Whether something still needs it, Keyward cannot know.".to_owned(),
        };
        terminal::say(format!("{} ({}). {opens} This cannot be undone.", secret.name, secret.id));
        if !confirm::is_yes("Type its name, or yes, to delete it:", Some(secret.name.trim())) {
            return Err(Failure::failed("the secret was not deleted"));
        }
    }
    api.delete(path, None)?;
    if delete.json {
        json::print(&read.json(api.server())?)?;
    }
    terminal::say(format!("Deleted {} ({}) from its vault.", secret.name, secret.id));
    Ok(())
}
