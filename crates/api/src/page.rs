//! Parts of lists: `?limit=`, `?cursor=`, and the filters that a cursor belongs to.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Query as AxumQuery;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use keyward_core::field::FieldCode;
use keyward_service::list::{Found, Page, Position, SortValue};
use serde::{Deserialize, Serialize};

use crate::problem::Failure;

const LIMIT_DEFAULT: u32 = 50;
/// A page that a person or a program reads at once. Larger wishes are coerced down (AIP-158).
const LIMIT_MAX: u32 = 200;
/// A page that is this long takes no more items: a key with all that it may have is some 150 KB, and pages wait in
/// memory for clients that are slow to read them.
const PAGE_LEN_MAX: usize = 1024 * 1024;
/// Longest cursor: a name of 100 characters and an identifier, in base 64.
const CURSOR_LEN_MAX: usize = 1024;

/// The parameters of a query, each once.
#[derive(Debug)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(crate) fn parse(query: &str) -> Result<Self, Failure> {
        let uri = Uri::try_from(format!("/?{query}"))
            .map_err(|_| Failure::malformed("the query cannot be understood"))?;
        let AxumQuery(pairs) = AxumQuery::<Vec<(String, String)>>::try_from_uri(&uri)
            .map_err(|_| Failure::malformed("the query cannot be understood"))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if parameters.insert(name.clone(), value).is_some() {
                return Err(Failure::field(
                    &shown(&name),
                    FieldCode::Duplicate,
                    "the parameter is there twice",
                ));
            }
        }
        Ok(Self(parameters))
    }

    /// The names of all that are there.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Takes one parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes a time.
    pub(crate) fn take_time(&mut self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let bad = |_| Failure::field(name, FieldCode::Invalid, "give a time such as 2026-11-20T12:00:00Z");
        self.take(name).map(|text| text.parse().map_err(bad)).transpose()
    }

    /// Refuses what was not taken: a filter with a typo must not list everything.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = "no such parameter here; /api/docs/ lists those there are";
                Err(Failure::field(&shown(name), FieldCode::Unknown, message))
            }
        }
    }

    /// Takes `limit` and `cursor`. A cursor goes on in one list only: that of `list` (its address), with the
    /// same other parameters.
    pub(crate) fn take_page(&mut self, list: &[&str]) -> Result<Part, Failure> {
        let limit = match self.take("limit") {
            None => LIMIT_DEFAULT,
            Some(text) => parse_limit(&text)?,
        };
        let cursor = self.take("cursor");
        let mut hasher = DefaultHasher::new();
        list.hash(&mut hasher);
        self.0.hash(&mut hasher);
        let filters = hasher.finish();
        let after = cursor.map(|text| read_cursor(&text, filters)).transpose()?;
        Ok(Part { page: Page { limit: limit + 1, after }, filters })
    }
}

/// A parameter's name, short enough to repeat.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(40).collect()
}

fn parse_limit(text: &str) -> Result<u32, Failure> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit are a large number, not a mistake.
    let limit = if digits { text.parse::<u32>().unwrap_or(u32::MAX) } else { 0 };
    if limit == 0 {
        let message = "give a number from 1 to 200";
        return Err(Failure::field("limit", FieldCode::Invalid, message));
    }
    Ok(limit.min(LIMIT_MAX))
}

/// A part of a list that somebody asks for.
#[derive(Debug)]
pub(crate) struct Part {
    /// One row more than asked for, which tells whether there are more.
    pub(crate) page: Page,
    filters: u64,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    f: u64,
    v: Value,
    i: [u8; 16],
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
}

fn read_cursor(text: &str, filters: u64) -> Result<Position, Failure> {
    let bad = |message: &str| Failure::field("cursor", FieldCode::Invalid, message);
    let short = text.len() <= CURSOR_LEN_MAX;
    let bytes = if short { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
    let cursor: Option<Cursor> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let cursor = cursor.ok_or_else(|| bad("give a next_cursor as it was answered"))?;
    if cursor.f != filters {
        return Err(bad(
            "this cursor belongs to a list with other filters; begin that list again without a cursor",
        ));
    }
    let value = match cursor.v {
        Value::Number(number) => SortValue::Number(number),
        Value::Text(text) => SortValue::Text(text),
    };
    Ok(Position { value, id: cursor.i })
}

impl Part {
    /// The page for a list that says itself where it goes on.
    pub(crate) fn exact(&self) -> Page {
        Page { limit: self.page.limit.saturating_sub(1), after: self.page.after.clone() }
    }

    /// The answer of such a list: cut like others where it would be too long.
    pub(crate) fn answer<R, T: Serialize>(
        &self,
        found: Found<R>,
        position: impl Fn(&R) -> Position,
        shape: impl Fn(&R) -> T,
    ) -> keyward_wire::page::Page<T> {
        let rows = found.rows.len();
        let (items, last) = fill(found.rows, rows, position, shape);
        let next = if items.len() < rows { last } else { found.next };
        let next_cursor = next.map(|place| write_cursor(place, self.filters));
        keyward_wire::page::Page { items, next_cursor }
    }

    /// Cuts the row that was too many, and those that would make the page too long; writes the cursor that goes on
    /// after the last.
    pub(crate) fn cut<R, T: Serialize>(
        self,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        shape: impl Fn(&R) -> T,
    ) -> keyward_wire::page::Page<T> {
        let wanted = self.page.limit.saturating_sub(1) as usize;
        let found = rows.len();
        let (items, last) = fill(rows, wanted, position, shape);
        let more = items.len() < found;
        let next_cursor = last.filter(|_| more).map(|last| write_cursor(last, self.filters));
        keyward_wire::page::Page { items, next_cursor }
    }
}

/// Rows until there are as many as wanted, or the page is long enough: one at least. Says where the last one is.
fn fill<R, T: Serialize>(
    rows: Vec<R>,
    wanted: usize,
    position: impl Fn(&R) -> Position,
    shape: impl Fn(&R) -> T,
) -> (Vec<T>, Option<Position>) {
    let (mut items, mut last, mut len) = (Vec::new(), None, 0);
    for row in rows.into_iter().take(wanted) {
        if len >= PAGE_LEN_MAX {
            break;
        }
        let item = shape(&row);
        len += json_len(&item);
        items.push(item);
        last = Some(position(&row));
    }
    (items, last)
}

/// How long a shape is as JSON. It is written nowhere.
fn json_len(item: &impl Serialize) -> usize {
    let mut count = Count(0);
    // What cannot be written fails the answer itself.
    let _ = serde_json::to_writer(&mut count, item);
    count.0
}

struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_cursor(position: Position, filters: u64) -> String {
    let v = match position.value {
        SortValue::Number(number) => Value::Number(number),
        SortValue::Text(text) => Value::Text(text),
    };
    let json = serde_json::to_vec(&Cursor { f: filters, v, i: position.id }).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(rows: Vec<usize>, limit: u32) -> (usize, bool) {
        let part = Part { page: Page { limit: limit + 1, after: None }, filters: 0 };
        let position = |_: &usize| Position { value: SortValue::Number(0), id: [0; 16] };
        let page = part.cut(rows, position, |len| "x".repeat(*len));
        (page.items.len(), page.next_cursor.is_some())
    }

    #[test]
    fn a_page_ends_after_as_many_rows_as_were_asked_for() {
        assert_eq!(cut(vec![1; 2], 3), (2, false));
        assert_eq!(cut(vec![1; 3], 3), (3, false));
        assert_eq!(cut(vec![1; 4], 3), (3, true));
        assert_eq!(cut(vec![], 3), (0, false));
    }

    #[test]
    fn a_long_page_ends_earlier_but_never_without_a_row() {
        assert_eq!(cut(vec![PAGE_LEN_MAX / 2; 4], 3), (2, true));
        assert_eq!(cut(vec![2 * PAGE_LEN_MAX; 4], 3), (1, true));
        assert_eq!(cut(vec![2 * PAGE_LEN_MAX], 3), (1, false));
    }
}
