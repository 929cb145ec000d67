//! `keyward workspaces rename`

use keyward_wire::workspace::{UpdateWorkspace, Workspace};

use crate::cli::editing::{self, Edited};
use crate::cli::failure::Failure;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward workspaces rename 'Acme Research'
  keyward workspaces rename 'Acme Research' --workspace acme";

/// Rename a workspace; its slug stays
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rename {
    /// What people shall call it
    name: String,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(rename: &Rename) -> Result<(), Failure> {
    let (api, slug) = rename.place.open()?;
    let request =
        |_: &Workspace| UpdateWorkspace { name: Some(rename.name.clone()), ..UpdateWorkspace::default() };
    let edited = editing::edit(&api, &format!("/api/v1/{slug}"), "the workspace", request)?;
    let Edited { before, after, reply } = edited;
    if rename.json {
        json::print(&reply.json(api.server())?)?;
    }
    if before.name == after.name {
        terminal::say(format!("Workspace {slug} is called {} already.", after.name));
    } else {
        terminal::say(format!("Renamed workspace {slug}: {} → {}.", before.name, after.name));
    }
    Ok(())
}
