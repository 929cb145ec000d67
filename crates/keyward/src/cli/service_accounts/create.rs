//! `keyward service-accounts create`

use keyward_wire::service_account::{CreateServiceAccount, ServiceAccount};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::word;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward service-accounts create deploy-bot --description 'rolls out releases'
  BOT=$(keyward service-accounts create deploy-bot)";

/// Create a service account that several keys can act as, and print its id
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
    let request = CreateServiceAccount { name: create.name.clone(), description: create.description.clone() };
    let reply = api.post(find::path(&slug), &request)?;
    let account: ServiceAccount = reply.read(api.server())?;
    if create.json {
        json::print(&reply.json(api.server())?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(&account.id)))?;
    }
    let ServiceAccount { name, id, .. } = &account;
    terminal::say(format!(
        "Created the service account {name} ({id}) in workspace {slug}; no key acts as it yet."
    ));
    let flags = format!("--service-account {} --workspace {slug}", word(name, id));
    terminal::hint(format!("keyward keys create NAME --scope SCOPE {flags}"));
    Ok(())
}
