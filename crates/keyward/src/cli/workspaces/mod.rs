//! `keyward workspaces …`

mod create;
mod list;
mod rename;
mod update;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward workspaces list
  keyward workspaces create 'Acme Labs' --slug acme-labs
  keyward workspaces rename 'Acme Research' --workspace acme-labs
  keyward workspaces update --grace-seconds 60 --workspace acme-labs";

/// List, create, rename and update workspaces
#[derive(Debug, clap::Subcommand)]
pub(super) enum Workspaces {
    List(list::List),
    Create(create::Create),
    Rename(rename::Rename),
    Update(update::Update),
}

pub(super) fn run(workspaces: &Workspaces) -> Result<(), Failure> {
    match workspaces {
        Workspaces::List(list) => list::run(list),
        Workspaces::Create(create) => create::run(create),
        Workspaces::Rename(rename) => rename::run(rename),
        Workspaces::Update(update) => update::run(update),
    }
}
