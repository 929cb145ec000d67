//! `keyward plan show`

use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::operator::OperatorFlag;
use crate::cli::place;

const EXAMPLES: &str = "\
Examples:
  keyward plan show
  keyward plan show --workspace acme --json";

/// Show the plan of a workspace, and how much of it is used
///
/// Everybody in the workspace may look, and the operator everywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    operator: OperatorFlag,
}

pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let named = show.workspace.as_ref();
    let (api, slug) = if let Some(token) = show.operator.given()? {
        // The operator is in no workspace.
        (show.connection.open_as_operator(token)?, place::needed_workspace(named)?)
    } else {
        let api = show.connection.open()?;
        let slug = place::workspace(&api, named)?;
        (api, slug)
    };
    let reply = api.get(super::path(&slug))?;
    super::tell(&api, &slug, &reply, show.json)
}
