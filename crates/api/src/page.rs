//! Parts of lists: `?limit=`, `?cursor=`, and the filters that a cursor belongs to.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Query as AxumQuery;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_core::field::FieldCode;
use keyward_service::list::{Found, Page, Position, SortValue};
use serde::{Deserialize, Serialize};

use crate::problem::Failure;

const LIMIT_DEFAULT: u32 = 50;
/// A page that a person or a program reads at once. Larger wishes are coerced down (AIP-158).
const LIMIT_MAX: u32 = 200;
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

    /// Takes one parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
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
fn shown(name: &str) -> String {
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

    /// Writes the cursor that goes on where such a list says.
    pub(crate) fn answer<R, T>(
        &self,
        found: Found<R>,
        shape: impl Fn(&R) -> T,
    ) -> keyward_wire::page::Page<T> {
        let next_cursor = found.next.map(|place| write_cursor(place, self.filters));
        keyward_wire::page::Page { items: found.rows.iter().map(shape).collect(), next_cursor }
    }

    /// Cuts the row that was too many, and writes the cursor that goes on after the last.
    pub(crate) fn cut<R, T>(
        self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        shape: impl Fn(&R) -> T,
    ) -> keyward_wire::page::Page<T> {
        let wanted = self.page.limit.saturating_sub(1) as usize;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next_cursor = rows.last().filter(|_| more).map(|row| write_cursor(position(row), self.filters));
        keyward_wire::page::Page { items: rows.iter().map(shape).collect(), next_cursor }
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
