//! `keyward workspaces create`

use keyward_wire::workspace::{CreateWorkspace, Workspace};

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::{json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward workspaces create Acme
  SLUG=$(keyward workspaces create 'Acme Labs' --slug acme-labs)";

/// Create a workspace, and print its slug; you hold its first role
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// What people call it
    name: String,
    /// Its short name in addresses, for good: 3 to 40 of 0-9, a-z and -. Left out: eight characters are chosen
    #[arg(long, value_name = "SLUG")]
    slug: Option<String>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(create: &Create) -> Result<(), Failure> {
    let api = create.connection.open()?;
    let request = CreateWorkspace { name: create.name.clone(), slug: create.slug.clone() };
    let reply = api.post("/api/v1/workspaces", &request)?;
    let workspace: Workspace = reply.read(api.server())?;
    let (name, slug) = (&workspace.name, &workspace.slug);
    if create.json {
        json::print(&reply.json(api.server())?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(slug)))?;
    }
    let role = workspace.role.unwrap_or_default();
    terminal::say(format!(
        "Created workspace {name} ({slug}), on the plan {}; you are {role} there.",
        workspace.plan
    ));
    terminal::hint(format!("keyward keys create NAME --scope SCOPE --workspace {slug}"));
    Ok(())
}
