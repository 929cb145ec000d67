//! `keyward audit export`

use std::path::PathBuf;

use super::log::{self, LogFlags};
use crate::cli::bar::Count;
use crate::cli::connection::Connection;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::http_client::Pieces;
use crate::cli::out_file::OutFile;
use crate::cli::{terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward audit export --out acme.ndjson
  keyward audit export --format csv --out acme.csv --workspace acme
  keyward audit export | gzip > acme.ndjson.gz
  keyward audit export --personal --out mine.ndjson";

/// Write the whole log down, from its first entry on
///
/// As ndjson each line is an entry exactly as it was hashed: `keyward audit verify --file` checks it, without a server.
/// As csv it is a table for spreadsheets. A file is for its owner alone, and gets its name only when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    log: LogFlags,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: Format,
    /// Write it to this file. Without the flag: to stdout, for another program
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Ndjson,
    Csv,
}

impl Format {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }

    /// Lines that are no entries.
    const fn titles(self) -> u64 {
        match self {
            Self::Ndjson => 0,
            Self::Csv => 1,
        }
    }
}

pub(super) fn run(export: &Export) -> Result<(), Failure> {
    if export.out.is_none() && terminal::stdout_is_seen() {
        return Err(Failure::usage("a whole log is nothing for a terminal")
            .advise("Name a file with --out FILE, or pipe it into another program.")
            .advise("keyward audit list shows the latest entries."));
    }
    let api = export.connection.open()?;
    let place = export.log.resolve(&api)?;
    let file = export.out.as_deref();
    let file = file.map(|path| OutFile::prepare(path, export.force, "nothing was exported")).transpose()?;
    let pieces = api.stream(place.audit_path(), export.format.content_type())?;
    let mut copy = Copy { format: export.format, file, lines: 0, is_whole_line: true };
    if !copy.all(&pieces)? {
        return Ok(());
    }
    let entries = text::count(copy.entries(), "entry");
    copy.finish()?;
    let place = log::name(&place);
    let to = export.out.as_ref().map(|path| format!(" to {}", path.display())).unwrap_or_default();
    terminal::say(format!("Exported {entries} of the log of {place}{to}."));
    Ok(())
}

/// A log on its way to where it is wanted.
struct Copy {
    format: Format,
    /// `None`: to stdout.
    file: Option<OutFile>,
    lines: u64,
    /// Whether the last line so far has its end.
    is_whole_line: bool,
}

impl Copy {
    /// Writes all that comes. `false`: the program that reads it has seen enough.
    fn all(&mut self, pieces: &Pieces) -> Result<bool, Failure> {
        let mut count = Count::new("Exported", "entry");
        while let Some(piece) = pieces.next().map_err(|why| self.broken_off(&why))? {
            if !self.write(&piece)? {
                return Ok(false);
            }
            count.show(self.entries());
        }
        if self.is_whole_line { Ok(true) } else { Err(self.broken_off("it ends within an entry")) }
    }

    fn write(&mut self, piece: &[u8]) -> Result<bool, Failure> {
        self.lines += piece.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.is_whole_line = piece.ends_with(b"\n");
        match &mut self.file {
            Some(file) => file.write(piece).map(|()| true),
            None => terminal::bytes(piece).map_err(|error| error.to_string()),
        }
        .map_err(|error| Failure::failed(format!("the export cannot be written: {error}")))
    }

    fn entries(&self) -> u64 {
        self.lines.saturating_sub(self.format.titles())
    }

    fn broken_off(&self, why: &str) -> Failure {
        let entries = text::count(self.entries(), "entry");
        let failure = Failure::new(Exit::Unavailable, format!("the export broke off after {entries}: {why}"));
        failure.advise(match self.file {
            Some(_) => "No file was written. Try again.",
            None => "What was written is not the whole log. Try again.",
        })
    }

    fn finish(self) -> Result<(), Failure> {
        let named = self.file.map_or(Ok(()), OutFile::finish);
        named.map_err(|error| Failure::failed(format!("the file cannot be written: {error}")))
    }
}
