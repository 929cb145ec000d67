//! `keyward keys rotate-finish`

use keyward_wire::key::Key;
use serde_json::json;

use super::rotation::{check_unused, old_last_used};
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::PlaceFlags;
use crate::cli::{json, terminal};

const EXAMPLES: &str = "\
Examples:
  keyward keys rotate-finish key_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward keys rotate-finish key_01jd8xq2m0e6vt5r3n7k9c4wzb --yes --json";

/// End the old secret of a rotated key now
///
/// Asks first if the old secret was used within the last five minutes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RotateFinish {
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

pub(super) fn run(finish: &RotateFinish) -> Result<(), Failure> {
    let api = finish.connection.open()?;
    let place = finish.place.resolve(&api)?;
    let path = place.key_path(&finish.id);
    let before: Key = api.get(&path)?.read(api.server())?;
    let old = before.rotation.as_ref().map(|rotation| rotation.old_secret_hint.clone()).unwrap_or_default();
    let instead = "Give them the new one first.";
    check_unused(old_last_used(&before), &format!("the old secret {old}"), instead, finish.yes)?;
    // Without an open rotation the server says so.
    let reply = api.post(format!("{path}/rotate/finish"), &json!({}))?;
    let key: Key = reply.read(api.server())?;
    if finish.json {
        json::print(&reply.json(api.server())?)?;
    }
    terminal::say(format!("Finished the rotation of {} ({}) in {place}.", key.name, key.id));
    terminal::say(format!("The old secret, {old}, has ended; {} is the only one now.", key.secret_hint));
    Ok(())
}
