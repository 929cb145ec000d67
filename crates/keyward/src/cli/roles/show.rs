//! `keyward roles show`

use jiff::Timestamp;
use keyward_wire::role::Role;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::names::{NameOrId, parse_role};
use crate::cli::place::InWorkspace;
use crate::cli::record::Record;
use crate::cli::{clock, json, rule, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward roles show admin
  keyward roles show rol_01ktbbgefxfaevzcbehh3z7cjz --json";

/// Show a role, and all that it holds
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// Its name or id; `keyward roles list` shows both
    #[arg(value_parser = parse_role)]
    role: NameOrId,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let (api, slug) = show.place.open()?;
    let reply = api.get(find::role_path(&api, &slug, &show.role)?)?;
    if show.json {
        return json::print(&reply.json(api.server())?);
    }
    terminal::data(&record(&reply.read(api.server())?, clock::now()).render())
}

fn record(role: &Role, now: Timestamp) -> Record {
    let mut record = Record::default();
    record.line("Name", &role.name);
    record.line_if("Title", Some(&role.title).filter(|title| **title != role.name));
    record.line("Id", &role.id);
    let kind = if role.built_in {
        "built in: every workspace has it, and it stays as it is"
    } else {
        "own: the workspace made it"
    };
    record.line("Kind", kind);
    record.line_if("Description", role.description.as_deref());
    record.lines("Scopes", role.scopes.iter().cloned(), "none");
    record.lines("Rules", role.rules.iter().map(rule::in_words), "none");
    record.line_if("Created", role.created_at.map(|at| text::at(at, now)));
    record
}
