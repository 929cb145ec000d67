//! `keyward vaults store`

use std::path::PathBuf;

use keyward_wire::vault::{StoreVaultSecret, VaultSecret};
use zeroize::{Zeroize as _, Zeroizing};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_vault};
use crate::cli::place::InWorkspace;
use crate::cli::{json, secret_input, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward vaults store Production database --secret-file database.password
  pass show database | keyward vaults store Production database --secret-stdin
  keyward vaults store Production database

The secret is never an argument: other users of the machine could see it. One line break at its
end is no part of it. The secret of a key of the workspace is known as the key's from then on.";

/// Put a secret into a vault, and print its id
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Store {
    /// The vault's name or id; `keyward vaults list` shows both
    #[arg(value_parser = parse_vault)]
    vault: NameOrId,
    /// What people call the secret
    name: String,
    /// Read the secret from a file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Read the secret from stdin
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(store: &Store) -> Result<(), Failure> {
    let mut secret = store.secret()?;
    let (api, slug) = store.place.open()?;
    let path = find::vault_path(&api, &slug, &store.vault)?;
    let mut request = StoreVaultSecret { name: store.name.clone(), secret: std::mem::take(&mut *secret) };
    let reply = api.post(format!("{path}/secrets"), &request);
    request.secret.zeroize();
    let reply = reply?;
    let stored: VaultSecret = reply.read(api.server())?;
    if store.json {
        json::print(&reply.json(api.server())?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(&stored.id)))?;
    }
    let of_key =
        stored.key.as_ref().map_or_else(String::new, |key| format!(", the secret of key {}", key.name));
    terminal::say(format!("Stored {} ({}){of_key}.", stored.name, stored.id));
    Ok(())
}

impl Store {
    fn secret(&self) -> Result<Zeroizing<String>, Failure> {
        if self.secret_stdin {
            return secret_input::from_stdin();
        }
        if let Some(path) = &self.secret_file {
            return secret_input::from_file(path);
        }
        if !terminal::is_interactive() {
            return Err(Failure::usage("where is the secret? Add --secret-file FILE or --secret-stdin"));
        }
        let asked = terminal::ask_secret("Secret:");
        asked.map_err(|error| Failure::failed(format!("the secret could not be read: {error}")))
    }
}
