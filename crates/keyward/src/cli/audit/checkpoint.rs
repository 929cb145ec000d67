//! `keyward audit checkpoint`

use super::log::LogFlags;
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward audit checkpoint > acme.checkpoint.json
  keyward audit verify --checkpoint acme.checkpoint.json --key-id 6f1c…";

/// Have the end of the log signed, to be kept elsewhere
///
/// It shows later whether the log still holds it: `keyward audit verify --checkpoint`. Who can write to the store can
/// make no such signature, but anybody can make a key: note the key id once, apart from the checkpoints.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    log: LogFlags,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(checkpoint: &Checkpoint) -> Result<(), Failure> {
    let api = checkpoint.connection.open()?;
    let place = checkpoint.log.resolve(&api)?;
    let made = api.get(format!("{}/checkpoint", place.audit_path()))?.json(api.server())?;
    json::print(&made)?;
    terminal::say("Keep it elsewhere, and note its key id apart from it. Later, with the file:");
    let id = made.get("key_id").and_then(serde_json::Value::as_str).unwrap_or("ID");
    terminal::say(format!("keyward audit verify {} --checkpoint FILE --key-id {id}", place.flag()));
    Ok(())
}
