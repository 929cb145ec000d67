//! `keyward members set-role`

use keyward_wire::member::Member;
use serde_json::json;

use super::find;
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::{MemberName, Slug};
use crate::cli::{json, place, terminal};

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
    /// The role; a wrong one is answered with those that there are
    role: String,
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(set_role: &SetRole) -> Result<(), Failure> {
    let api = set_role.connection.open()?;
    let slug = place::workspace(&api, set_role.workspace.as_ref())?;
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
