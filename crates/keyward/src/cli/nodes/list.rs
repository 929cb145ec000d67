//! `keyward nodes list`

use keyward_wire::key::NodeReceipt;
use keyward_wire::node::Nodes;

use crate::cli::failure::Failure;
use crate::cli::place::InWorkspace;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{json, terminal};

/// List the nodes that decide about keys, and how far each has come
///
/// The data planes of all servers of the store, and the gateway nodes that follow them. A node that has not asked for a
/// while is no longer listed.
#[derive(Debug, clap::Args)]
#[command(after_help = super::EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    place: InWorkspace,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(list: &List) -> Result<(), Failure> {
    let (api, slug) = list.place.open()?;
    let reply = api.get(format!("/api/v1/{slug}/nodes"))?;
    if list.json {
        return json::print(&reply.json(api.server())?);
    }
    let nodes: Nodes = reply.read(api.server())?;
    let mut table =
        Table::new(&[("NODE", Fit::Shrinks(12)), ("STATE", Fit::Whole), ("APPLIED UP TO", Fit::Whole)]);
    for NodeReceipt { node, state, applied_epoch } in nodes.items {
        let (words, paint) = in_words(&state);
        table.row([(node, Paint::Plain), (words, paint), (format!("change {applied_epoch}"), Paint::Plain)]);
    }
    terminal::data(&table.render(terminal::width(), terminal::stdout_has_colour()))?;
    terminal::say(format!("The last change is {}.", nodes.epoch));
    Ok(())
}

/// What a node's state means. A newer server may know others.
fn in_words(state: &str) -> (String, Paint) {
    match state {
        "applied" => ("up to date".to_owned(), Paint::Green),
        "pending" => ("behind".to_owned(), Paint::Yellow),
        "lease_expired" => ("decides nothing".to_owned(), Paint::Red),
        other => (other.to_owned(), Paint::Plain),
    }
}
