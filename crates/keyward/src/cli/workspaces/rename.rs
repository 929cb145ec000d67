//! `keyward workspaces rename`

use keyward_wire::workspace::{UpdateWorkspace, Workspace};

use crate::cli::connection::{Api, Connection};
use crate::cli::failure::Failure;
use crate::cli::http_client::Reply;
use crate::cli::names::Slug;
use crate::cli::{json, place, terminal};

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
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(rename: &Rename) -> Result<(), Failure> {
    let api = rename.connection.open()?;
    let slug = place::workspace(&api, rename.workspace.as_ref())?;
    let (before, reply) = rename.send(&api, &slug)?;
    let after: Workspace = reply.read(api.server())?;
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

impl Rename {
    fn send(&self, api: &Api, slug: &Slug) -> Result<(Workspace, Reply), Failure> {
        let path = format!("/api/v1/{slug}");
        let read = api.get(&path)?;
        let request = UpdateWorkspace { name: Some(self.name.clone()) };
        let reply = api.patch(path, &request, Some(&read)).map_err(|failure| {
            if failure.is_code("precondition_failed") {
                failure.advise(
                    "Somebody else is changing the workspace right now; nothing was changed. Try again.",
                )
            } else {
                failure
            }
        })?;
        Ok((read.read(api.server())?, reply))
    }
}
