//! `keyward keys revoke`

use std::time::Instant;

use keyward_wire::key::{Key, RevokeKey};

use super::ids::{dedup, from_stdin};
use super::{receipt, revoke_several};
use crate::cli::connection::{Api, Connection};
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::{clock, confirm, json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward keys revoke key_01jd8xq2m0e6vt5r3n7k9c4wzb --reason 'leaked in a build log'
  keyward keys revoke key_01jd8xq2m0e6vt5r3n7k9c4wzb --yes --json
  keyward keys list --status active --last-used-before 180d --all --json | jq -r '.items[].id' |
    keyward keys revoke --stdin --dry-run

Several keys are revoked together, up to 1,000 in one transaction, and each has its result on
stdout. An id that is no key of yours there is a result too; the others are revoked all the same,
and the exit code is that of the first one that failed. Revoking a key again changes nothing.";

/// Revoke keys, for good: they are refused from now on
///
/// Asks first, and says when each was last used. Waits, up to five seconds, until every node that decides has heard
/// of it.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = EXAMPLES)]
pub(crate) struct Revoke {
    /// Their ids; `keyward keys list` shows them
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin", value_name = "ID")]
    ids: Vec<KeyId>,
    /// Read the ids from stdin, one a line
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    place: PlaceFlags,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Only show what would be revoked, and when it was last used
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Print the server's answer as JSON: a receipt for one key, results for several, for --stdin and for --dry-run
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(revoke: &Revoke) -> Result<(), Failure> {
    revoke.check_somebody()?;
    let ids = if revoke.stdin { from_stdin()? } else { dedup(revoke.ids.clone()) };
    let api = revoke.connection.open()?;
    let place = revoke.place.resolve(&api)?;
    match ids.as_slice() {
        [only] if !revoke.stdin && !revoke.dry_run => one(revoke, &api, &place, only),
        _ => revoke_several::run(revoke, &api, &place, &ids),
    }
}

impl Revoke {
    fn check_somebody(&self) -> Result<(), Failure> {
        if self.dry_run {
            return Ok(());
        }
        if self.stdin && !self.yes {
            return Err(Failure::usage("the ids come from stdin, so nobody can be asked there")
                .advise("Look first with --dry-run; then add --yes."));
        }
        let whether = if let [_] = self.ids.as_slice() {
            "the key shall be revoked"
        } else {
            "the keys shall be revoked"
        };
        confirm::check_somebody(self.yes, whether)
    }
}

fn one(revoke: &Revoke, api: &Api, place: &Place, id: &KeyId) -> Result<(), Failure> {
    let path = place.key_path(id);
    if !revoke.yes {
        ask(api, &path)?;
    }
    let began = Instant::now();
    let request = RevokeKey { reason: revoke.reason.clone() };
    let reply = api.post(format!("{path}/revoke?wait=propagated"), &request)?;
    let receipt = reply.read(api.server())?;
    if revoke.json {
        json::print(&reply.json(api.server())?)?;
    }
    receipt::say_revoked(&receipt);
    receipt::say_applied(&receipt, began.elapsed(), "it is refused");
    terminal::hint(format!("keyward keys list {}", place.flag()));
    Ok(())
}

/// Shows which key it is, and wants its name or "yes".
fn ask(api: &Api, path: &str) -> Result<(), Failure> {
    let key: Key = api.get(path)?.read(api.server())?;
    terminal::say(format!(
        "{} ({}), {}, {}, {}.",
        key.name,
        key.secret_hint,
        key.status,
        owned(&key),
        used(&key)
    ));
    terminal::say("Whoever uses it is refused from now on. This cannot be undone.");
    if confirm::is_yes("Type its name, or yes, to revoke it:", Some(key.name.trim())) {
        return Ok(());
    }
    Err(Failure::failed("the key was not revoked"))
}

fn owned(key: &Key) -> String {
    key.owner
        .as_ref()
        .map_or_else(|| "owned by nobody".to_owned(), |owner| format!("owned by {}", owner.name))
}

fn used(key: &Key) -> String {
    let from = key.last_used_ip.as_ref().map(|ip| format!(" from {ip}")).unwrap_or_default();
    key.last_used_at.map_or_else(
        || "never used".to_owned(),
        |at| format!("last used {}{from}", text::from_now(at, clock::now())),
    )
}
