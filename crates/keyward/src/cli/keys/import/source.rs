//! What is imported: a file that can be read again, or what came out of a pipe, kept in a file without a name.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Seek as _};
use std::path::{Path, PathBuf};

use keyward_wire::key::ImportKey;

use super::csv_rows::CsvRows;
use super::json_lines::JsonLines;
use super::mistake::Mistake;
use crate::cli::failure::Failure;

/// Longest key of a file: many times one with everything a key may have. What is longer is no key, or lacks the
/// other quotation mark; it is not read into memory.
pub(super) const RECORD_LEN_MAX: u64 = 1024 * 1024;

/// How keys are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table with a header (RFC 4180)
    Csv,
    /// A JSON object on each line
    Jsonl,
}

/// What is imported.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    format: Format,
    path: PathBuf,
    /// Whether the same can be read again by another run.
    lasts: bool,
}

/// A key, and the line that it begins on.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) key: ImportKey,
}

/// The keys in order, or what is wrong with one. An end of the file that cannot be read is a mistake of its own.
pub(super) type Records<'a> = Box<dyn Iterator<Item = Result<Record, Mistake>> + 'a>;

impl Source {
    /// Opens the file, or reads a pipe to its end.
    pub(super) fn open(path: &Path, format: Option<Format>) -> Result<Self, Failure> {
        let is_stdin = path == Path::new("-");
        let format = format.or_else(|| format_of(path)).ok_or_else(|| {
            Failure::usage(format!("what {} holds is not clear", path.display()))
                .advise("Add --format csv or --format jsonl.")
        })?;
        let unreadable =
            |error: io::Error| Failure::failed(format!("{} cannot be read: {error}", path.display()));
        let (file, lasts) = if is_stdin {
            (spool(io::stdin().lock()).map_err(unreadable)?, false)
        } else {
            let file = File::open(path).map_err(unreadable)?;
            let metadata = file.metadata().map_err(unreadable)?;
            if metadata.is_dir() {
                return Err(Failure::failed(format!("{} is a folder; name a file in it", path.display())));
            }
            if metadata.is_file() { (file, true) } else { (spool(file).map_err(unreadable)?, false) }
        };
        Ok(Self { file, format, path: path.to_owned(), lasts })
    }

    /// The file, if another run can read it again.
    pub(super) fn lasting_path(&self) -> Option<&Path> {
        self.lasts.then_some(&self.path)
    }

    /// All keys, from the first.
    pub(super) fn records(&self) -> Result<Records<'_>, Failure> {
        let rewound = (&self.file).rewind();
        rewound.map_err(|error| Failure::failed(format!("{self} cannot be read: {error}")))?;
        match self.format {
            Format::Csv => match CsvRows::new(&self.file) {
                Ok(rows) => Ok(Box::new(rows)),
                Err(mistakes) => Err(mistakes.into_iter().fold(
                    Failure::failed(format!("the header of {self} will not do; nothing was sent")),
                    |failure, mistake| failure.field(mistake.position(), mistake.message),
                )),
            },
            Format::Jsonl => Ok(Box::new(JsonLines::new(BufReader::new(&self.file)))),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path == Path::new("-") { f.write_str("stdin") } else { self.path.display().fmt(f) }
    }
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        _ => None,
    }
}

/// Keeps what can be read once, so that it is checked whole before it is sent. The file has no name and goes when
/// this process does.
fn spool(mut pipe: impl io::Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut pipe, &mut file)?;
    Ok(file)
}
