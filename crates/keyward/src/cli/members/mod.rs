//! `keyward members …`

pub(super) mod find;
mod list;
mod remove;
mod set_role;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward members list
  keyward members set-role grace@example.com admin
  keyward members remove grace@example.com

`keyward invite` brings somebody in.";

/// List, promote and remove the people of a workspace
#[derive(Debug, clap::Subcommand)]
pub(super) enum Members {
    List(list::List),
    SetRole(set_role::SetRole),
    Remove(remove::Remove),
}

pub(super) fn run(members: &Members) -> Result<(), Failure> {
    match members {
        Members::List(list) => list::run(list),
        Members::SetRole(set_role) => set_role::run(set_role),
        Members::Remove(remove) => remove::run(remove),
    }
}
