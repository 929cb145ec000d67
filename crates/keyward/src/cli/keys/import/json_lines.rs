//! Keys as lines of JSON: each as the API takes it.

use std::io::{BufRead, Read as _};

use keyward_wire::strict::{self, StrictError};

use super::mistake::Mistake;
use super::source::{RECORD_LEN_MAX, Record};

/// What editors of one system put before the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The keys of a text.
pub(super) struct JsonLines<R> {
    reader: R,
    line: u64,
    is_over: bool,
}

impl<R: BufRead> JsonLines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: 0, is_over: false }
    }

    /// The next line, without its end. `None`: there is none.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, Mistake> {
        let mut bytes = Vec::new();
        self.line += 1;
        let read = self.reader.by_ref().take(RECORD_LEN_MAX + 1).read_until(b'\n', &mut bytes);
        let len = read.map_err(|error| self.end(format!("cannot be read: {error}")))?;
        if len as u64 > RECORD_LEN_MAX {
            return Err(self.end(format!("is longer than {RECORD_LEN_MAX} bytes; write a key a line")));
        }
        if bytes.ends_with(b"\n") {
            bytes.pop();
        }
        if self.line == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok((len > 0).then_some(bytes))
    }

    fn end(&mut self, message: String) -> Mistake {
        self.is_over = true;
        Mistake::new(self.line, "", message)
    }
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<Record, Mistake>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.read_line() {
                Ok(Some(line)) if line.trim_ascii().is_empty() => {}
                Ok(Some(line)) => return Some(parse(self.line, &line)),
                Ok(None) => self.is_over = true,
                Err(mistake) => return Some(Err(mistake)),
            }
        }
        None
    }
}

fn parse(line: u64, json: &[u8]) -> Result<Record, Mistake> {
    strict::from_slice(json).map(|key| Record { line, key }).map_err(|error| match error {
        StrictError::Malformed { column, .. } => {
            Mistake::new(line, format!("column {column}"), "this is no JSON; write one object a line")
        }
        StrictError::Field(problem) => Mistake::new(line, problem.field, problem.message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<(u64, String), String>> {
        let told = |read: Result<Record, Mistake>| match read {
            Ok(record) => Ok((record.line, record.key.name)),
            Err(mistake) => Err(mistake.to_string()),
        };
        JsonLines::new(text.as_bytes()).map(told).collect()
    }

    #[test]
    fn a_key_stands_on_each_line_and_empty_ones_are_passed_over() {
        let text = "\u{feff}{\"sha256\":\"\",\"name\":\"a\"}\r\n\n  \n{\"sha256\":\"\",\"name\":\"b\"}";
        assert_eq!(read(text), [Ok((1, "a".to_owned())), Ok((4, "b".to_owned()))]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn a_mistake_says_its_line_and_place_and_the_next_line_is_read() {
        let text = "{\"sha256\":\"\",\"name\":\n{\"sha256\":\"\",\"nmae\":\"x\"}\n{\"name\":\"x\"}\n{\"sha256\":\"\",\"name\":\"d\"}\n";
        let read = read(text);
        let no_json = "line 1, column 20: this is no JSON; write one object a line";
        assert_eq!(read[0], Err(no_json.to_owned()));
        assert!(
            matches!(&read[1], Err(told) if told.starts_with("line 2, nmae: this request has no such field")),
            "{read:?}"
        );
        assert_eq!(read[2], Err("line 3, sha256: this field is missing; give it".to_owned()));
        assert_eq!(read[3], Ok((4, "d".to_owned())));
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let long = format!("{{\"sha256\":\"\",\"name\":\"a\"}}\n{}", "x".repeat(3 * 1024 * 1024));
        let read = read(&long);
        assert_eq!(read.len(), 2);
        assert_eq!(read[1], Err("line 2: is longer than 1048576 bytes; write a key a line".to_owned()));
    }
}
