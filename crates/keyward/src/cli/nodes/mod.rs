//! `keyward nodes …`

mod list;

use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward nodes list
  keyward nodes list --json | jq -r '.items[] | select(.state != \"applied\") | .node'";

/// List the nodes that decide about keys
#[derive(Debug, clap::Subcommand)]
pub(super) enum Nodes {
    List(list::List),
}

pub(super) fn run(nodes: &Nodes) -> Result<(), Failure> {
    match nodes {
        Nodes::List(list) => list::run(list),
    }
}
