//! `keyward keys rotate-cancel`

use keyward_wire::key::Key;
use serde_json::json;

use super::rotation::{check_unused, new_last_used};
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::PlaceFlags;
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward keys rotate-cancel key_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward keys rotate-cancel key_01jd8xq2m0e6vt5r3n7k9c4wzb --yes --json";

/// End the new secret of a rotated key now, and keep the old one
///
/// Asks first if the new secret was used within the last five minutes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RotateCancel {
    /// Its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(cancel: &RotateCancel) -> Result<(), Failure> {
    let api = cancel.connection.open()?;
    let place = cancel.place.resolve(&api)?;
    let path = place.key_path(&cancel.id);
    let before: Key = api.get(&path)?.read(api.server())?;
    let new = &before.secret_hint;
    let instead = "Give them the old one first.";
    check_unused(new_last_used(&before), &format!("the new secret {new}"), instead, cancel.yes)?;
    // Without an open rotation the server says so.
    let reply = api.post(format!("{path}/rotate/cancel"), &json!({}))?;
    let key: Key = reply.read(api.server())?;
    if cancel.json {
        json::print(&reply.json(api.server())?)?;
    }
    terminal::say(format!("Cancelled the rotation of {} ({}) in {place}.", key.name, key.id));
    terminal::say(format!("The new secret, {new}, has ended; {} is the only one again.", key.secret_hint));
    Ok(())
}
