//! `keyward members …`

pub(super) mod find;
mod list;
mod remove;
mod set_role;
mod suspend;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward members list
  keyward members set-role grace@example.com admin
  keyward members suspend grace@example.com
  keyward members remove grace@example.com

`keyward invite` brings somebody in.";

/// List, promote, suspend and remove the people of a workspace
#[derive(Debug, clap::Subcommand)]
pub(super) enum Members {
    List(list::List),
    SetRole(set_role::SetRole),
    /// Suspend somebody in a workspace, and their personal keys there
    ///
    /// They may do nothing there: to them the workspace looks as if it were not there. Other workspaces go on, and so
    /// do the workspace keys that they look after. Nothing is deleted; `keyward members resume` undoes it.
    #[command(after_help = suspend::EXAMPLES)]
    Suspend(suspend::Suspension),
    /// End somebody's suspension in a workspace
    #[command(after_help = suspend::RESUME_EXAMPLES)]
    Resume(suspend::Suspension),
    Remove(remove::Remove),
}

pub(super) fn run(members: &Members) -> Result<(), Failure> {
    match members {
        Members::List(list) => list::run(list),
        Members::SetRole(set_role) => set_role::run(set_role),
        Members::Suspend(suspension) => suspend::suspend(suspension),
        Members::Resume(suspension) => suspend::resume(suspension),
        Members::Remove(remove) => remove::run(remove),
    }
}
