//! `keyward roles delete`

use keyward_wire::member::Member;
use keyward_wire::role::Role;

use super::find;
use super::list::in_short;
use crate::cli::connection::Api;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, Slug, parse_role};
use crate::cli::place::InWorkspace;
use crate::cli::{confirm, json, members, pages, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward roles delete deployer
  keyward roles delete deployer --workspace acme --yes

The roles that every workspace has cannot be deleted.";

/// Delete a role; members who have it hold nothing then, until they are given another
///
/// Asks first, and says who has it. Their personal keys follow them. Open invitations to the role end.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// Its name or id; `keyward roles list` shows both
    #[arg(value_parser = parse_role)]
    role: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the role as it was, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(delete: &Delete) -> Result<(), Failure> {
    confirm::check_somebody(delete.yes, "the role shall be deleted")?;
    let (api, slug) = delete.place.open()?;
    let path = find::role_path(&api, &slug, &delete.role)?;
    let read = api.get(&path)?;
    let role: Role = read.read(api.server())?;
    // One that every workspace has is refused by the server, and nobody need answer a question before.
    let holders = if role.built_in { Vec::new() } else { holders(&api, &slug, &role)? };
    if !delete.yes && !role.built_in {
        ask(&role, &slug, &holders)?;
    }
    api.delete(path, Some(&read)).map_err(confirm::advise_changed)?;
    if delete.json {
        json::print(&read.json(api.server())?)?;
    }
    terminal::say(format!("Deleted the role {} ({}) of workspace {slug}.", role.name, role.id));
    if !holders.is_empty() {
        terminal::say(format!("Members who hold nothing now: {}.", listed(&holders)));
        terminal::hint(format!(
            "keyward members set-role MEMBER ROLE --workspace {slug}   (for each of them)"
        ));
    }
    Ok(())
}

/// The members whose role is called so. Who had another role of the name, which was deleted, holds nothing already.
fn holders(api: &Api, slug: &Slug, role: &Role) -> Result<Vec<Member>, Failure> {
    let path = members::find::path(slug);
    pages::find(api, &path, &[], usize::MAX, |member: &Member| member.role == role.name)
}

fn ask(role: &Role, slug: &Slug, holders: &[Member]) -> Result<(), Failure> {
    terminal::say(format!("{} ({}) in workspace {slug}: {}.", role.name, role.id, in_short(role)));
    if holders.is_empty() {
        terminal::say("No member has it.");
    } else {
        let members = text::count(holders.len() as u64, "member");
        let have = if holders.len() == 1 { "has" } else { "have" };
        terminal::say(format!("{members} {have} a role of this name: {}.", listed(holders)));
        terminal::say("They and their personal keys hold nothing then, until they are given another role.");
    }
    terminal::say("Open invitations to it end. This cannot be undone.");
    if confirm::is_yes("Type its name, or yes, to delete it:", Some(role.name.trim())) {
        return Ok(());
    }
    Err(Failure::failed("the role was not deleted"))
}

fn listed(members: &[Member]) -> String {
    text::first_few(members.iter().map(|member| format!("{} <{}>", member.name, member.email)))
}
