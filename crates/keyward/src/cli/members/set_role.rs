//! `keyward members set-role`

use keyward_wire::member::Member;
use serde_json::json;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::MemberName;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward members set-role grace@example.com admin
  keyward members set-role usr_01m7xz9xykfem91v2stqjqkq6s member --workspace acme

Nobody gives a role that holds more than their own. The last member of the first role keeps it.";

/// Give a member another role; their personal keys follow at once
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SetRole {
    /// Who: their e-mail address or id
    member: MemberName,
    /// The role, by its name or id; `keyward roles list` shows them
    role: String,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(set_role: &SetRole) -> Result<(), Failure> {
    let (api, slug) = set_role.place.open()?;
    let before = find::member(&api, &slug, &set_role.member)?;
    let path = format!("{}/{}", find::path(&slug), before.id);
    let reply = api.patch(path, &json!({"role": set_role.role}), None)?;
    let after: Member = reply.read(api.server())?;
    if set_role.json {
        json::print(&reply.json(api.server())?)?;
    }
    let (who, role) = (format!("{} <{}>", after.name, after.email), after.role);
    if role == before.role {
        terminal::say(format!("{who} is {role} in workspace {slug} already."));
    } else {
        terminal::say(format!("{who} is {role} in workspace {slug} now; it was {}.", before.role));
    }
    Ok(())
}
