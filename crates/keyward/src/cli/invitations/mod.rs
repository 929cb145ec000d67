//! `keyward invitations …`

mod list;
mod withdraw;

use super::failure::Failure;
use super::names::Slug;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward invitations list
  keyward invitations withdraw inv_01jd8xq2m0e6vt5r3n7k9c4wzb";

/// List the open invitations of a workspace, and withdraw one; `keyward invite` makes one
#[derive(Debug, clap::Subcommand)]
pub(super) enum Invitations {
    List(list::List),
    Withdraw(withdraw::Withdraw),
}

pub(super) fn run(invitations: &Invitations) -> Result<(), Failure> {
    match invitations {
        Invitations::List(list) => list::run(list),
        Invitations::Withdraw(withdraw) => withdraw::run(withdraw),
    }
}

/// The path of the invitations into a workspace.
fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/invitations")
}
