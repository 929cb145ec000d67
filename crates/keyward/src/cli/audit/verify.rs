//! `keyward audit verify`

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use keyward_wire::audit::AuditVerified;
use serde_json::json;

use super::chain::{self, HASH_LEN, Kept};
use super::log::{self, LogFlags};
use super::signed::{KEY_ID_LEN, Signed};
use crate::cli::connection::{Api, Connection};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::record::Record;
use crate::cli::{json, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward audit verify
  keyward audit verify --entries 42 --head 9f3a…
  keyward audit export --out acme.ndjson && keyward audit verify --file acme.ndjson
  keyward audit verify --checkpoint acme.checkpoint.json --key-id 6f1c…
  keyward audit verify --personal

Exit codes: 0 the log is sound; 10 it is not, and stdout says where; another: nobody could tell.";

/// Check that nobody changed the log
///
/// The server checks its log from the first entry to the last. With --file the file of an export is checked here,
/// without any server. Who can write to the whole store could make a log that looks sound by itself: keep entries and
/// head elsewhere, or a signed checkpoint, and give them later.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    log: LogFlags,
    /// Check this export, written as ndjson, without asking a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["workspace", "personal"])]
    file: Option<PathBuf>,
    /// The log is to hold the end that you kept: so many entries …
    #[arg(long, value_name = "NUMBER", requires = "head", value_parser = clap::value_parser!(u64).range(1..))]
    entries: Option<u64>,
    /// … with this hash as its head
    #[arg(long, value_name = "HASH", requires = "entries", value_parser = parse_hash)]
    head: Option<String>,
    /// The log is to hold the end of this checkpoint, whose signature is checked too
    #[arg(long, value_name = "FILE", conflicts_with = "entries")]
    checkpoint: Option<PathBuf>,
    /// The checkpoint is to be signed with the key of this id: anybody can make another key
    #[arg(long, value_name = "ID", requires = "checkpoint", value_parser = parse_key_id)]
    key_id: Option<String>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

fn parse_hash(text: &str) -> Result<String, String> {
    if text.len() == HASH_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("write the 64 hex digits that were printed".to_owned())
}

fn parse_key_id(text: &str) -> Result<String, String> {
    if text.len() == KEY_ID_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("write the {KEY_ID_LEN} hex digits that were printed as key_id"))
}

/// What was found, and where.
struct Found {
    /// What was looked at, and what it is called.
    what: (&'static str, String),
    verified: AuditVerified,
    /// The log that an export says it is of.
    log: Option<String>,
    /// How the same is asked again.
    again: String,
}

pub(super) fn run(verify: &Verify) -> Result<Exit, Failure> {
    let checkpoint = verify.checkpoint.as_deref().map(Signed::read).transpose()?;
    if let Some(trouble) = checkpoint.as_ref().and_then(|signed| signed.trouble(verify.key_id.as_deref())) {
        return verify.tell(&Found::untold(trouble), None, None);
    }
    let kept = verify.kept(checkpoint.as_ref());
    let mut found = if let Some(path) = &verify.file {
        in_file(path, kept.as_ref())?
    } else {
        let api = verify.connection.open()?;
        let place = verify.log.resolve(&api)?;
        by_server(&api, &place, kept.as_ref())?
    };
    if let Some(signed) = &checkpoint {
        found.must_be_of(&signed.log);
    }
    verify.tell(&found, kept.as_ref(), checkpoint.as_ref())
}

impl Verify {
    fn kept(&self, checkpoint: Option<&Signed>) -> Option<Kept> {
        if let Some(signed) = checkpoint {
            return signed.kept();
        }
        let (entries, head) = (self.entries?, self.head.clone()?);
        Some(Kept { entries, head })
    }

    fn tell(&self, found: &Found, kept: Option<&Kept>, signed: Option<&Signed>) -> Result<Exit, Failure> {
        if self.json {
            json::print(&json!(found.verified))?;
        } else {
            let mut record = found.record(kept);
            record
                .line_if("Signed", signed.map(|signed| format!("{} with key {}", signed.at, signed.key_id)));
            terminal::data(&record.render())?;
            found.advise();
            if signed.is_some() && self.key_id.is_none() {
                terminal::say(
                    "Is that the key id that you noted? Anybody can make a key: --key-id asks for yours.",
                );
            }
        }
        Ok(if found.verified.ok { Exit::Done } else { Exit::NotValid })
    }
}

fn by_server(api: &Api, place: &Place, kept: Option<&Kept>) -> Result<Found, Failure> {
    let query = kept.map(|kept| format!("?entries={}&head={}", kept.entries, kept.head)).unwrap_or_default();
    let reply = api.get_patiently(format!("{}/verify{query}", place.audit_path()))?;
    Ok(Found {
        what: ("Log", log::name(place)),
        // The hash that was kept is of an entry that names its log.
        log: None,
        verified: reply.read(api.server())?,
        again: format!("keyward audit verify {}", place.flag()),
    })
}

fn in_file(path: &Path, kept: Option<&Kept>) -> Result<Found, Failure> {
    let shown = path.display();
    let unreadable = |error| Failure::failed(format!("{shown} cannot be read: {error}"));
    let mut export = BufReader::new(File::open(path).map_err(unreadable)?);
    let checked = chain::check(&mut export, kept).map_err(unreadable)?;
    if checked.entries == 0 && checked.broken.is_none() {
        return Err(Failure::failed(format!("{shown} holds no entry, and every log has one")));
    }
    let verified = AuditVerified {
        ok: checked.broken.is_none(),
        entries: checked.entries,
        head: checked.head,
        broken_at: checked.broken.map(|_| checked.entries + 1),
        problem: checked.broken.map(str::to_owned),
    };
    let what = checked.log.as_ref().map_or_else(|| shown.to_string(), |log| format!("{shown}: log {log}"));
    Ok(Found {
        what: ("File", what),
        verified,
        log: checked.log,
        again: format!("keyward audit verify --file {shown}"),
    })
}

impl Found {
    /// Nothing was looked at: what it was to be compared with is not sound.
    fn untold(trouble: &str) -> Self {
        let verified = AuditVerified {
            ok: false,
            entries: 0,
            head: "0".repeat(HASH_LEN),
            broken_at: None,
            problem: Some(trouble.to_owned()),
        };
        Self { what: ("Log", "not looked at".to_owned()), verified, log: None, again: String::new() }
    }

    /// Somebody may have given the export of another log.
    fn must_be_of(&mut self, log: &str) {
        if self.verified.ok && self.log.as_ref().is_some_and(|of| of != log) {
            self.verified.ok = false;
            self.verified.problem = Some(format!("the checkpoint is of the log {log}"));
        }
    }

    fn record(&self, kept: Option<&Kept>) -> Record {
        let found = &self.verified;
        let mut record = Record::default();
        record.line(self.what.0, &self.what.1);
        record.line("Sound", if found.ok { "yes" } else { "no" });
        if let Some(place) = found.broken_at {
            let problem = found.problem.as_deref().unwrap_or("it is not sound");
            // A file has a line for each entry, from the first on.
            let named = if self.what.0 == "File" { "line" } else { "entry" };
            record.line("Problem", format!("{named} {place}: {problem}"));
            record.line("Entries", format!("{} before it are sound", text::thousands(found.entries)));
            return record;
        }
        if let Some(problem) = &found.problem {
            record.line("Problem", problem);
            return record;
        }
        record.line("Entries", found.entries.to_string());
        record.line("Head", &found.head);
        record.line_if("Kept", kept.map(|kept| format!("entry {} is as it was kept", kept.entries)));
        record
    }

    fn advise(&self) {
        let AuditVerified { ok, entries, head, .. } = &self.verified;
        if *ok {
            terminal::say(
                "Keep entries and head elsewhere. They show later whether the log was cut or rewritten:",
            );
            terminal::say(format!("{} --entries {entries} --head {head}", self.again));
        } else if self.verified.broken_at.is_none() {
            terminal::say("Is it the checkpoint that you kept, and of this log?");
        } else if self.what.0 == "File" {
            terminal::say(
                "The file is not what a server with a sound log exported. Keep a copy of it as it is.",
            );
        } else {
            terminal::say(
                "Somebody wrote to the store past the server, or it is damaged. Keep a copy of it as it is.",
            );
        }
    }
}
