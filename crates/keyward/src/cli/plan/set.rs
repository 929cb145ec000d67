//! `keyward plan set`

use keyward_wire::workspace::SetPlan;

use crate::cli::connection::{ServerFlag, operator_api};
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::operator::{self, OperatorFlag};
use crate::cli::{place, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward plan set pro --workspace acme --operator-token-file /etc/keyward/operator-token
  KEYWARD_OPERATOR__TOKEN=\"$TOKEN\" keyward plan set starter --workspace acme --json

Only the operator may: the token is the server's operator.token, and never an argument. Where billing
sets plans too, its next event about the workspace counts again.";

/// Put a workspace on another plan, as the operator
///
/// Nothing is deleted. On a plan without API keys those that are there stop working at once, and work again
/// after an upgrade. Above the limits of a plan nothing new can be made.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Set {
    /// The name of a plan of the server's profile, such as pro
    plan: String,
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    operator: OperatorFlag,
}

pub(super) fn run(set: &Set) -> Result<(), Failure> {
    let slug = place::needed_workspace(set.workspace.as_ref())?;
    let api = operator_api(&set.server, set.operator.needed()?)?;
    let reply =
        api.put(super::path(&slug), &SetPlan { plan: set.plan.clone() }).map_err(operator::advise_refused)?;
    super::tell(&api, &slug, &reply, set.json)?;
    terminal::say(format!("The workspace {slug} is on the plan {}.", set.plan));
    Ok(())
}
