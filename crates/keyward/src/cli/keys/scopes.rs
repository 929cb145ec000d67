//! `keyward keys scopes`

use keyward_wire::workspace::Catalogue;

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{json, place, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward keys scopes
  keyward keys scopes --workspace acme --json";

/// List the scopes that keys can be given
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Scopes {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(scopes: &Scopes) -> Result<(), Failure> {
    let api = scopes.connection.open()?;
    let slug = place::workspace(&api, scopes.workspace.as_ref())?;
    let reply = api.get(format!("/api/v1/{slug}/scopes"))?;
    if scopes.json {
        return json::print(&reply.json(api.server())?);
    }
    let catalogue: Catalogue = reply.read(api.server())?;
    let mut table =
        Table::new(&[("SCOPE", Fit::Whole), ("MEANING", Fit::Shrinks(20)), ("INCLUDES", Fit::Goes(1))]);
    for scope in catalogue.items {
        let cells = [scope.name, scope.title, scope.implies.join(",")];
        table.row(cells.map(|text| (text, Paint::Plain)));
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))
}
