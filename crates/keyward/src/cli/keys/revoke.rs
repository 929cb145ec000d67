//! `keyward keys revoke`

use keyward_wire::key::{Key, Receipt};
use serde_json::json;

use crate::cli::connection::{Api, Connection};
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::{clock, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward keys revoke key_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward keys revoke key_01jd8xq2m0e6vt5r3n7k9c4wzb --yes --json";

/// Revoke a key, for good: it is refused from now on
///
/// Asks first. Waits, up to five seconds, until every node that decides has heard of it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Revoke {
    /// Its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Print the receipt as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(revoke: &Revoke) -> Result<(), Failure> {
    if !revoke.yes && !terminal::is_interactive() {
        return Err(
            Failure::usage("there is nobody to ask whether the key shall be revoked").advise("Add --yes.")
        );
    }
    let api = revoke.connection.open()?;
    let place = revoke.place.resolve(&api)?;
    let path = format!("{}/{}", place.keys_path(), revoke.id);
    if !revoke.yes {
        confirm(&api, &path)?;
    }
    let reply = api.post(format!("{path}/revoke?wait=propagated"), &json!({}))?;
    let receipt: Receipt = reply.read(api.server())?;
    if revoke.json {
        json::print(&reply.json(api.server())?)?;
    }
    announce(&receipt, &place);
    Ok(())
}

/// Shows which key it is, and wants its name or "yes".
fn confirm(api: &Api, path: &str) -> Result<(), Failure> {
    let key: Key = api.get(path)?.read(api.server())?;
    let used = key.last_used_at.map_or_else(
        || "never used".to_owned(),
        |at| format!("last used {}", text::from_now(at, clock::now())),
    );
    terminal::say(format!("{} ({}), {}, {used}.", key.name, key.secret_hint, key.status));
    terminal::say("Whoever uses it is refused from now on. This cannot be undone.");
    let answer = terminal::ask("Type its name, or yes, to revoke it:");
    match answer {
        Some(answer) if answer == key.name.trim() || answer.eq_ignore_ascii_case("yes") => Ok(()),
        _ => Err(Failure::failed("the key was not revoked")),
    }
}

fn announce(receipt: &Receipt, place: &Place) {
    terminal::say(format!("Revoked {} at {}.", receipt.id, text::at(receipt.revoked_at, clock::now())));
    if receipt.propagated {
        terminal::say("Every node refuses it now.");
    } else {
        let pending = receipt.nodes.iter().filter(|node| node.state == "pending");
        let names: Vec<&str> = pending.map(|node| node.node.as_str()).collect();
        terminal::say(format!(
            "Not heard of it yet: {}. They follow, or refuse everything, within seconds.",
            names.join(", ")
        ));
    }
    terminal::hint(format!("keyward keys list {}", place.flag()));
}
