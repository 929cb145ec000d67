//! `keyward roles …`

mod create;
mod delete;
mod edit;
mod find;
mod list;
mod show;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward roles list
  keyward roles create deployer --scope products:read --rule keys.read
  keyward roles edit deployer --add-scope releases:write
  keyward members set-role grace@example.com deployer";

/// List, show, create, edit and delete the roles of a workspace
#[derive(Debug, clap::Subcommand)]
pub(super) enum Roles {
    List(list::List),
    Show(show::Show),
    #[command(after_help = create::examples())]
    Create(create::Create),
    Edit(edit::Edit),
    Delete(delete::Delete),
}

pub(super) fn run(roles: &Roles) -> Result<(), Failure> {
    match roles {
        Roles::List(list) => list::run(list),
        Roles::Show(show) => show::run(show),
        Roles::Create(create) => create::run(create),
        Roles::Edit(edit) => edit::run(edit),
        Roles::Delete(delete) => delete::run(delete),
    }
}
