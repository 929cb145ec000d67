//! Keys as a table: a header, and a key a row.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
use jiff::Timestamp;
use keyward_wire::key::ImportKey;

use super::mistake::Mistake;
use super::source::{RECORD_LEN_MAX, Record};

/// What a column says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Sha256,
    Name,
    Hint,
    Description,
    Scopes,
    ExpiresAt,
    CreatedAt,
    AllowedCidrs,
    RequestsPerMinute,
    Metadata(String),
}

const KNOWN: &str = "sha256, name, hint, description, scopes, expires_at, created_at, allowed_cidrs, requests_per_minute and metadata.NAME";

impl Column {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "sha256" => Self::Sha256,
            "name" => Self::Name,
            "hint" => Self::Hint,
            "description" => Self::Description,
            "scopes" => Self::Scopes,
            "expires_at" => Self::ExpiresAt,
            "created_at" => Self::CreatedAt,
            "allowed_cidrs" => Self::AllowedCidrs,
            "requests_per_minute" => Self::RequestsPerMinute,
            other => {
                Self::Metadata(other.strip_prefix("metadata.").filter(|name| !name.is_empty())?.to_owned())
            }
        })
    }
}

/// The keys of a table.
pub(super) struct CsvRows<R> {
    rows: Rows<R>,
    columns: Vec<Column>,
}

impl<R: Read> CsvRows<R> {
    /// Reads the header.
    pub(super) fn new(text: R) -> Result<Self, Vec<Mistake>> {
        let mut rows = Rows::new(text);
        let header = rows.next().unwrap_or_else(|| Ok(Row::default())).map_err(|mistake| vec![mistake])?;
        let columns = columns(&header)?;
        Ok(Self { rows, columns })
    }

    fn key(&self, Row { line, cells }: &Row) -> Result<Record, Mistake> {
        let (line, columns) = (*line, &self.columns);
        if cells.len() != columns.len() {
            let place = format!("column {}", cells.len().min(columns.len()) + 1);
            let message = format!("this line has {} columns and the header {}", cells.len(), columns.len());
            return Err(Mistake::new(line, place, message));
        }
        let mut key = ImportKey::default();
        let mut metadata = BTreeMap::new();
        for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let text = || Some(cell.to_owned());
            match column {
                Column::Sha256 => cell.clone_into(&mut key.sha256),
                Column::Name => cell.clone_into(&mut key.name),
                Column::Hint => key.hint = text(),
                Column::Description => key.description = text(),
                Column::Scopes => key.scopes = Some(several(cell)),
                Column::ExpiresAt => key.expires_at = Some(time(line, "expires_at", cell)?),
                Column::CreatedAt => key.created_at = Some(time(line, "created_at", cell)?),
                Column::AllowedCidrs => key.allowed_cidrs = Some(several(cell)),
                Column::RequestsPerMinute => {
                    key.requests_per_minute = Some(number(line, "requests_per_minute", cell)?);
                }
                Column::Metadata(name) => drop(metadata.insert(name.clone(), cell.to_owned())),
            }
        }
        key.metadata = (!metadata.is_empty()).then_some(metadata);
        Ok(Record { line, key })
    }
}

impl<R: Read> Iterator for CsvRows<R> {
    type Item = Result<Record, Mistake>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|row| self.key(&row)))
    }
}

fn columns(header: &Row) -> Result<Vec<Column>, Vec<Mistake>> {
    let mut columns = Vec::new();
    let mut mistakes = Vec::new();
    let line = header.line.max(1);
    for (at, name) in header.cells.iter().enumerate() {
        let place = format!("column {}", at + 1);
        match Column::of(name) {
            None => {
                // The name is not repeated: without a header, this is a key's own line.
                let message = format!("no column is called this; there are {KNOWN}");
                mistakes.push(Mistake::new(line, place, message));
            }
            Some(column) if columns.contains(&column) => {
                mistakes.push(Mistake::new(line, place, format!("{name} is there twice")));
            }
            Some(column) => columns.push(column),
        }
    }
    for (needed, name) in [(Column::Sha256, "sha256"), (Column::Name, "name")] {
        if !columns.contains(&needed) {
            let message = "this column is missing; the first line names the columns";
            mistakes.push(Mistake::new(line, name, message));
        }
    }
    if mistakes.is_empty() { Ok(columns) } else { Err(mistakes) }
}

/// A row of the table, and the line that it begins on.
#[derive(Default)]
struct Row {
    line: u64,
    cells: Vec<String>,
}

/// The rows of a table that are not empty.
struct Rows<R> {
    reader: Reader<Metered<R>>,
    meter: Rc<Meter>,
    is_over: bool,
}

impl<R: Read> Rows<R> {
    fn new(text: R) -> Self {
        let meter = Rc::new(Meter::default());
        let metered = Metered { text, meter: Rc::clone(&meter) };
        // Lines are counted by their line feeds; a carriage return before one is white space.
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).terminator(Terminator::Any(b'\n'));
        Self { reader: builder.from_reader(metered), meter, is_over: false }
    }

    fn read(&mut self) -> Result<Option<ByteRecord>, Mistake> {
        let mut record = ByteRecord::new();
        self.meter.len.set(0);
        let line = self.reader.position().line();
        let read = self.reader.read_byte_record(&mut record);
        // Nothing but reading itself fails: any bytes are a table of some kind.
        let is_there = read.map_err(|error| {
            self.is_over = true;
            Mistake::new(line, "", error.to_string())
        })?;
        Ok(is_there.then_some(record))
    }

    /// Where a record began that was just read: the reader counts from before the empty lines that it passed over.
    fn line_of(&self, record: &ByteRecord) -> u64 {
        let within = record.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
        // What had to look for more and found none is the last line, and lacks its end.
        let end = u64::from(!self.meter.is_at_end.get());
        self.reader.position().line().saturating_sub(within + end)
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, Mistake>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let record = match self.read() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(mistake) => return Some(Err(mistake)),
            };
            if record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                return Some(row(self.line_of(&record), &record));
            }
        }
        self.is_over = true;
        None
    }
}

fn row(line: u64, record: &ByteRecord) -> Result<Row, Mistake> {
    let mut cells = Vec::with_capacity(record.len());
    for (at, cell) in record.iter().enumerate() {
        let text = std::str::from_utf8(cell)
            .map_err(|_| Mistake::new(line, format!("column {}", at + 1), "this is not UTF-8 text"))?;
        cells.push(text.trim().to_owned());
    }
    Ok(Row { line, cells })
}

fn several(cell: &str) -> Vec<String> {
    let parts = cell.split(|c: char| c == ';' || c.is_whitespace());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn time(line: u64, column: &str, cell: &str) -> Result<Timestamp, Mistake> {
    cell.parse().map_err(|_| Mistake::new(line, column, "write a time such as 2027-01-31T00:00:00Z"))
}

fn number(line: u64, column: &str, cell: &str) -> Result<u64, Mistake> {
    cell.parse().map_err(|_| Mistake::new(line, column, "write a number such as 600"))
}

/// What was read of a row.
#[derive(Default)]
struct Meter {
    len: Cell<u64>,
    is_at_end: Cell<bool>,
}

/// Stops where a row is longer than any honest one: a quotation mark without its partner makes a row of all that
/// follows.
struct Metered<R> {
    text: R,
    meter: Rc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.meter.len.get();
        if len > RECORD_LEN_MAX {
            let why =
                format!("is longer than {RECORD_LEN_MAX} bytes; does a quotation mark lack its partner?");
            return Err(io::Error::other(why));
        }
        let read = self.text.read(buffer)?;
        self.meter.len.set(len + read as u64);
        self.meter.is_at_end.set(read == 0);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Record, Mistake>> {
        CsvRows::new(text.as_bytes()).ok().unwrap().collect()
    }

    fn told(read: &Result<Record, Mistake>) -> String {
        read.as_ref().map_or_else(Mistake::to_string, |record| format!("{} {}", record.line, record.key.name))
    }

    #[test]
    fn a_row_is_a_key_with_what_its_cells_say() {
        let text = "\u{feff}name,sha256, scopes ,expires_at,allowed_cidrs,metadata.team,metadata.old id,description\r\n\
            \"ci, \"\"prod\"\"\nb\",ab,a:read; b:write c:d,2027-01-31T01:00:00+01:00,10.0.0.0/8;::1,blue,,\r\n\
            \r\n,,,,,,,\r\nplain,cd,,,,,7,\"x\"";
        let mut rows = read(text).into_iter();
        let first = rows.next().unwrap().unwrap();
        let metadata = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let list = |items: &[&str]| Some(items.iter().map(|item| (*item).to_owned()).collect());
        let expected = ImportKey {
            sha256: "ab".to_owned(),
            name: "ci, \"prod\"\nb".to_owned(),
            scopes: list(&["a:read", "b:write", "c:d"]),
            expires_at: Some("2027-01-31T00:00:00Z".parse().unwrap()),
            allowed_cidrs: list(&["10.0.0.0/8", "::1"]),
            metadata: metadata(&[("team", "blue")]),
            ..ImportKey::default()
        };
        assert!(first.key == expected && first.line == 2);
        let second = rows.next().unwrap().unwrap();
        let expected = ImportKey {
            sha256: "cd".to_owned(),
            name: "plain".to_owned(),
            description: Some("x".to_owned()),
            metadata: metadata(&[("old id", "7")]),
            ..ImportKey::default()
        };
        assert!(
            second.key == expected && second.line == 6,
            "a cell may have several lines, and some lines no cell"
        );
        assert!(rows.next().is_none());
    }

    #[test]
    fn a_mistake_says_its_line_and_column_and_the_next_row_is_read() {
        let text = "sha256,name,created_at\nab,a,yesterday\nab\nab,a,,b\n\nab,e,\n";
        let read: Vec<String> = read(text).iter().map(told).collect();
        assert_eq!(
            read,
            [
                "line 2, created_at: write a time such as 2027-01-31T00:00:00Z",
                "line 3, column 2: this line has 1 columns and the header 3",
                "line 4, column 4: this line has 4 columns and the header 3",
                "6 e",
            ]
        );
        let mut rows = CsvRows::new(&b"sha256,name\nab,\xff\nab,b\n"[..]).ok().unwrap();
        assert_eq!(told(&rows.next().unwrap()), "line 2, column 2: this is not UTF-8 text");
        assert_eq!(told(&rows.next().unwrap()), "3 b");
    }

    #[test]
    fn a_header_is_there_and_names_each_column_once() {
        let refused = |text: &str| -> Vec<String> {
            let mistakes = CsvRows::new(text.as_bytes()).err().unwrap();
            mistakes.iter().map(Mistake::position).collect()
        };
        assert_eq!(refused(""), ["line 1, sha256", "line 1, name"]);
        assert_eq!(refused("sha256,name,name"), ["line 1, column 3"]);
        assert_eq!(refused("sha256,name,metadata.,rules"), ["line 1, column 3", "line 1, column 4"]);
        let secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
        let mistakes = CsvRows::new(format!("{secret},ci\n").as_bytes()).err().unwrap();
        assert!(!format!("{mistakes:?}").contains(secret));
    }

    #[test]
    fn a_quotation_mark_without_its_partner_does_not_fill_the_memory() {
        let text = format!("sha256,name\nab,a\nab,\"b\n{}", "ab,c\n".repeat(1_000_000));
        let read = read(&text);
        assert_eq!(read.len(), 2);
        assert!(told(&read[1]).starts_with("line 3: is longer than"), "{}", told(&read[1]));
    }
}
