//! `keyward keys show`

use jiff::Timestamp;
use keyward_wire::key::Key;

use super::rotation::old_last_used;
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::PlaceFlags;
use crate::cli::record::Record;
use crate::cli::{clock, json, rule, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward keys show key_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward keys show key_01jd8xq2m0e6vt5r3n7k9c4wzb --json";

/// Show a key; its secret is never shown again
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// Its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let api = show.connection.open()?;
    let place = show.place.resolve(&api)?;
    let reply = api.get(format!("{}/{}", place.keys_path(), show.id))?;
    if show.json {
        return json::print(&reply.json(api.server())?);
    }
    let key: Key = reply.read(api.server())?;
    terminal::data(&record(&key, clock::now()).render())
}

fn record(key: &Key, now: Timestamp) -> Record {
    let at = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| text::at(time, now));
    let mut record = Record::default();
    record.line("Name", &key.name);
    record.line("Id", &key.id);
    record.line("Kind", &key.kind);
    record.line("Status", &key.status);
    record.line_if("Description", key.description.as_deref());
    record.line("Secret", &key.secret_hint);
    record.lines_if("Rotation", rotation(key, now));
    record.lines("Scopes", key.scopes.iter().cloned(), "none");
    record.lines_if("Rules", key.rules.iter().map(rule::in_words));
    if let Some(workspaces) = &key.workspaces {
        record.lines("Works in", workspaces.iter().cloned(), "no workspace");
    }
    let owner = key
        .owner
        .as_ref()
        .map_or_else(|| "nobody: the owner has left".to_owned(), |owner| named(&owner.name, &owner.id));
    record.line("Owner", owner);
    let account = key.service_account.as_ref().map(|account| named(&account.name, &account.id));
    record.line_if("Acts as", account);
    record.line("Created", format!("{} by {}", text::at(key.created_at, now), key.created_by.name));
    record.line("Expires", at(key.expires_at));
    record.line("Last used", at(key.last_used_at));
    record.line_if("Last used from", key.last_used_ip.as_deref());
    record.lines("Usable from", key.allowed_cidrs.iter().cloned(), "anywhere");
    record.line_if("Requests", key.requests_per_minute.map(|number| format!("at most {number} a minute")));
    record.lines_if("Metadata", key.metadata.iter().map(|(name, value)| format!("{name}={value}")));
    if let Some(revoked_at) = key.revoked_at {
        let by = key.revoked_by.as_ref().map(|by| format!(" by {}", by.name)).unwrap_or_default();
        record.line("Revoked", format!("{}{by}", text::at(revoked_at, now)));
    }
    record
}

fn named(name: &str, id: &str) -> String {
    format!("{name} ({id})")
}

/// What is to be known of an open rotation: since when, until when, and whether the old secret is still used.
fn rotation(key: &Key, now: Timestamp) -> Vec<String> {
    let Some(rotation) = &key.rotation else { return Vec::new() };
    let used = old_last_used(key).map_or_else(
        || "it was not used since".to_owned(),
        |used| {
            let before = if used < rotation.started_at { ", before the rotation" } else { "" };
            format!("it was last used {}{before}", text::at(used, now))
        },
    );
    vec![
        format!("since {}", text::at(rotation.started_at, now)),
        format!(
            "the old secret {} works until {}",
            rotation.old_secret_hint,
            text::at(rotation.old_secret_expires_at, now)
        ),
        used,
    ]
}
