//! `keyward members suspend` and `keyward members resume`

use keyward_wire::member::{Member, UpdateMember};
use serde_json::Value;

use super::find;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::{MemberName, Slug};
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal};

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward members suspend grace@example.com
  keyward members suspend usr_01m7xz9xykfem91v2stqjqkq6s --workspace acme --json

The last member of the first role cannot be suspended. `keyward users suspend`, for the operator,
suspends somebody everywhere.";

pub(super) const RESUME_EXAMPLES: &str = "\
Examples:
  keyward members resume grace@example.com
  keyward members resume usr_01m7xz9xykfem91v2stqjqkq6s --workspace acme --json

Whom the operator has suspended everywhere, only the operator can resume.";

/// Who is suspended or resumed, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Suspension {
    /// Who: their e-mail address or id
    member: MemberName,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

/// A member as they were and as they are.
struct Done {
    before: Member,
    after: Member,
    /// How people are called.
    who: String,
    slug: Slug,
    json: Value,
}

pub(super) fn suspend(suspension: &Suspension) -> Result<(), Failure> {
    let Done { before, after, who, slug, json } = suspension.set(true)?;
    if suspension.json {
        json::print(&json)?;
    }
    if before.suspended_at.is_some() && before.suspended_at == after.suspended_at {
        terminal::say(format!("{who} is suspended in workspace {slug} already."));
        return Ok(());
    }
    terminal::say(format!("Suspended {who} in workspace {slug}."));
    terminal::say(
        "They may do nothing there now, and neither may their personal keys. Workspace keys of theirs go on.",
    );
    terminal::undo(format!("keyward members resume {} --workspace {slug}", after.id));
    Ok(())
}

pub(super) fn resume(suspension: &Suspension) -> Result<(), Failure> {
    let Done { before, after, who, slug, json } = suspension.set(false)?;
    if after.suspended_at.is_some() {
        let what = format!("{who} stays suspended: the operator of the server has suspended them everywhere");
        return Err(Failure::new(Exit::Conflict, what)
            .advise(format!("Workspace {slug} does not suspend them any more."))
            .advise(format!("The operator ends it with: keyward users resume {}", after.id)));
    }
    if suspension.json {
        json::print(&json)?;
    }
    if before.suspended_at.is_none() {
        terminal::say(format!("{who} is not suspended in workspace {slug}; nothing was changed."));
    } else {
        terminal::say(format!("Resumed {who} in workspace {slug}: they are {} there again.", after.role));
    }
    Ok(())
}

impl Suspension {
    fn set(&self, suspended: bool) -> Result<Done, Failure> {
        let (api, slug) = self.place.open()?;
        let before = find::member(&api, &slug, &self.member)?;
        let path = format!("{}/{}", find::path(&slug), before.id);
        let request = UpdateMember { suspended: Some(suspended), ..UpdateMember::default() };
        let reply = api.patch(path, &request, None)?;
        let after: Member = reply.read(api.server())?;
        let who = format!("{} <{}>", after.name, after.email);
        Ok(Done { before, after, who, slug, json: reply.json(api.server())? })
    }
}
