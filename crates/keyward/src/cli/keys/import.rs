//! `keyward keys import`

mod check;
mod chunk;
mod csv_rows;
mod json_lines;
mod mistake;
mod progress;
mod send;
mod source;

use std::path::PathBuf;

use keyward_core::key::IMPORT_MAX;

use self::progress::Progress;
use self::source::{Format, Source};
use crate::cli::connection::Connection;
use crate::cli::failure::Failure;
use crate::cli::names::Slug;
use crate::cli::{place, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward keys import keys.csv --dry-run
  keyward keys import keys.csv --workspace acme
  keyward keys import keys.csv --workspace acme --resume
  export-keys | keyward keys import - --format jsonl --workspace acme

A CSV file has a header. Its columns: sha256 and name; hint, description, scopes, expires_at,
created_at, allowed_cidrs and metadata.NAME where there is something to say. Several scopes or
networks in a cell are separated by a space or a semicolon. A line of JSON is a key as the API takes
it, which can have rules as well.

Only digests are imported, never the keys themselves. The digest of one:
  printf %s \"$KEY\" | sha256sum";

/// Import keys that exist already, by the SHA-256 of their secrets
///
/// Reads the whole file first and says what is wrong with it, before anything is sent. Then sends the keys chunk by
/// chunk; each is imported whole or not at all. How far it came is kept beside the file, in FILE.keyward-import, so
/// that --resume goes on from there.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// The file; - for stdin, which cannot be resumed
    file: PathBuf,
    /// The workspace, by its slug. Without the flag: `$KEYWARD_WORKSPACE`, else the only one you are in
    #[arg(long, short, value_name = "SLUG")]
    workspace: Option<Slug>,
    /// What the file is. Without the flag: as its name ends, in .csv, .jsonl or .ndjson
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Send at most so many keys at once. Others who change something wait while a chunk is written
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=IMPORT_MAX as u64))]
    chunk: u64,
    /// Only say what is wrong with the file; no server is asked
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Go on with an import that did not end
    #[arg(long)]
    resume: bool,
    /// Print each imported key's line, id and name, as lines of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(import: &Import) -> Result<(), Failure> {
    let source = Source::open(&import.file, import.format)?;
    if import.dry_run {
        let keys = text::keys(check::check(&source)?);
        terminal::say(format!("Nothing is wrong with the {keys} of {source}. Nothing was sent."));
        return Ok(());
    }
    let before = Progress::find(&source, import.resume)?;
    let keys = check::check(&source)?;
    let api = import.connection.open()?;
    let slug = place::workspace(&api, import.workspace.as_ref())?;
    // Who cannot be asked, or does not know this caller, is found out before anything is in doubt.
    api.get(format!("/api/v1/{slug}/whoami"))?;
    let progress = Progress::begin(&source, before, api.server(), &slug)?;
    let sent = send::all(import, &source, &api, &slug, progress, keys)?;

    terminal::say(format!("Imported {} into workspace {slug}.", text::keys(sent.imported)));
    if sent.were_there > 0 {
        let keys = text::keys(sent.were_there);
        terminal::say(format!("There already, from the attempt before: {keys}."));
    }
    terminal::hint(format!("keyward keys list --workspace {slug}"));
    Ok(())
}
