//! `keyward workspaces update`

use keyward_wire::workspace::{UpdateWorkspace, Workspace};

use crate::cli::editing::{self, Edited};
use crate::cli::failure::Failure;
use crate::cli::place::InWorkspace;
use crate::cli::{json, terminal};

/// Within how many seconds a revoked key is refused everywhere, where a workspace gives no grace.
const PROMISE_SECONDS: u16 = 5;

const EXAMPLES: &str = "\
Examples:
  keyward workspaces update --grace-seconds 60
  keyward workspaces update --grace-seconds 0 --workspace acme

A node that hears nothing from its control plane refuses every key after 4 seconds, so that a revoked one
is out within 5. Grace lets nodes go on for so much longer with the keys of this workspace, and a revoked
one may be accepted for as long. Personal keys have none. A shorter grace is in force everywhere once the
longer one is over, or all nodes have heard of it.";

/// Change how nodes decide about a workspace's keys while they are cut off
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Update {
    /// For how many seconds after its lease a node that is cut off goes on deciding: 0 to 300
    #[arg(long, value_name = "SECONDS")]
    grace_seconds: u64,
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(update: &Update) -> Result<(), Failure> {
    let (api, slug) = update.place.open()?;
    let request = |_: &Workspace| UpdateWorkspace { name: None, grace_seconds: Some(update.grace_seconds) };
    let edited = editing::edit(&api, &format!("/api/v1/{slug}"), "the workspace", request)?;
    let Edited { before, after, reply } = edited;
    if update.json {
        json::print(&reply.json(api.server())?)?;
    }
    let (before, after) = (before.grace_seconds, after.grace_seconds);
    terminal::say(if before == after {
        format!("Workspace {slug} gives nodes {after} s of grace already.")
    } else {
        format!("Workspace {slug} gives nodes {after} s of grace, in place of {before} s.")
    });
    if after > 0 {
        let most = PROMISE_SECONDS.saturating_add(after);
        terminal::say(format!("A revoked key of it may be accepted for {most} s by a node that is cut off."));
    } else if before > 0 {
        terminal::say(format!(
            "A node that was cut off before may go by the {before} s until they are over."
        ));
    }
    Ok(())
}
