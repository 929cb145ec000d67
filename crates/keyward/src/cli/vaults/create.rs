//! `keyward vaults create`

use keyward_wire::vault::{CreateVault, Vault};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::word;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward vaults create Production --description 'what runs for customers'
  VAULT=$(keyward vaults create Production)";

/// Create a vault, and print its id
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// What people call it
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(create: &Create) -> Result<(), Failure> {
    let (api, slug) = create.place.open()?;
    let request = CreateVault { name: create.name.clone(), description: create.description.clone() };
    let reply = api.post(find::path(&slug), &request)?;
    let vault: Vault = reply.read(api.server())?;
    if create.json {
        json::print(&reply.json(api.server())?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(&vault.id)))?;
    }
    let Vault { name, id, .. } = &vault;
    terminal::say(format!("Created the vault {name} ({id}) in workspace {slug}; nothing is in it yet."));
    terminal::hint(format!(
        "keyward vaults store {} NAME --secret-file FILE --workspace {slug}",
        word(name, id)
    ));
    Ok(())
}
