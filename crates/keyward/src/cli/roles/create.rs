//! `keyward roles create`

use std::fmt::Write as _;

use keyward_core::permission;
use keyward_wire::role::{CreateRole, Role};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::grant::{NewGrant, advise_scopes};
use crate::cli::names::word;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward roles create deployer --scope products:read --scope releases:write
  keyward roles create auditor --rule keys.read --rule members.read --rule audit:read
  keyward roles create web-team --rule 'project:*=project:web-*' --description 'the web team'

Nobody makes a role that holds more than they do. `keyward keys scopes` lists the scopes.
Keyward's own permissions are actions of rules:
";

/// The examples, and what can stand in a rule beside a product's own actions.
pub(super) fn examples() -> String {
    let width = permission::ALL.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = EXAMPLES.to_owned();
    for (name, title) in permission::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:width$}  {title}");
    }
    text
}

/// Create a role of the workspace's own, and print its id
#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// What people call it
    name: String,
    #[command(flatten)]
    grant: NewGrant,
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
    let request = CreateRole {
        name: create.name.clone(),
        description: create.description.clone(),
        scopes: create.grant.scopes(),
        rules: create.grant.rules(),
    };
    let reply = api.post(find::path(&slug), &request).map_err(advise_scopes)?;
    let role: Role = reply.read(api.server())?;
    if create.json {
        json::print(&reply.json(api.server())?)?;
    } else {
        terminal::data(&format!("{}\n", text::plain(&role.id)))?;
    }
    terminal::say(format!("Created the role {} ({}) in workspace {slug}.", role.name, role.id));
    let name = word(&role.name, &role.id);
    terminal::hint(format!("keyward members set-role MEMBER {name} --workspace {slug}"));
    Ok(())
}
