//! `keyward audit …`

mod chain;
mod checkpoint;
mod export;
mod list;
mod log;
mod signed;
mod verify;

use super::exit::Exit;
use super::failure::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward audit list --action key.revoked --since 7d
  keyward audit export --out acme.ndjson
  keyward audit verify
  keyward audit checkpoint > acme.checkpoint.json
  keyward audit verify --file acme.ndjson";

/// Read, export and check what happened in a workspace
#[derive(Debug, clap::Subcommand)]
pub(super) enum Audit {
    List(list::List),
    Export(export::Export),
    Verify(verify::Verify),
    Checkpoint(checkpoint::Checkpoint),
}

pub(super) fn run(audit: &Audit) -> Result<Exit, Failure> {
    match audit {
        Audit::List(list) => list::run(list).map(|()| Exit::Done),
        Audit::Export(export) => export::run(export).map(|()| Exit::Done),
        Audit::Verify(verify) => verify::run(verify),
        Audit::Checkpoint(checkpoint) => checkpoint::run(checkpoint).map(|()| Exit::Done),
    }
}
