//! Lists, which the server gives in parts.

use keyward_wire::page::Page;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::connection::Api;
use super::failure::Failure;
use super::terminal;

/// The most that the server gives at once.
const PAGE_LEN_MAX: usize = 200;
/// As many as the server gives where nobody says.
const LIMIT_DEFAULT: u32 = 50;
/// Parts without an item, one after the other, before the list is given up. A server has looked at ten thousand keys
/// for each, so that no honest list has as many.
const EMPTY_PARTS_MAX: u32 = 10_000;

/// The flags that say how much of a long list is wanted.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HowMany {
    /// At most this many
    #[arg(long, value_name = "NUMBER", default_value_t = LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// As many as there are
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl HowMany {
    /// As the flags of a command say that has them under conditions of its own.
    pub(super) fn new(limit: Option<u32>, all: bool) -> Self {
        Self { limit: limit.unwrap_or(LIMIT_DEFAULT), all }
    }

    pub(super) fn wanted(&self) -> usize {
        if self.all { usize::MAX } else { usize::try_from(self.limit).unwrap_or(usize::MAX) }
    }
}

/// Says that there are more than were shown, if there are.
pub(super) fn say_more<T>(shown: &Page<T>) {
    if shown.next_cursor.is_some() {
        terminal::say(format!("These are the first {}; --all shows them all.", shown.items.len()));
    }
}

/// Values that a list is narrowed down to. Those without one are left out.
pub(super) type Filters<'a> = [(&'a str, Option<&'a str>)];

/// Follows a list until there are as many items as wanted, or no more.
pub(super) fn fetch<T: DeserializeOwned>(
    api: &Api,
    path: &str,
    filters: &Filters<'_>,
    wanted: usize,
) -> Result<Page<T>, Failure> {
    let mut parts = Parts::new(api, path, filters);
    let mut items = Vec::new();
    while items.len() < wanted
        && let Some(part) = parts.next(wanted - items.len())?
    {
        items.extend(part);
    }
    items.truncate(wanted);
    Ok(Page { items, next_cursor: parts.cursor })
}

/// The whole list.
pub(super) fn fetch_all<T: DeserializeOwned>(api: &Api, path: &str) -> Result<Page<T>, Failure> {
    fetch(api, path, &[], usize::MAX)
}

/// Follows a list until so many items were found that fit, or there are no more. The others are not kept.
pub(super) fn find<T: DeserializeOwned>(
    api: &Api,
    path: &str,
    filters: &Filters<'_>,
    most: usize,
    fits: impl Fn(&T) -> bool,
) -> Result<Vec<T>, Failure> {
    let mut parts = Parts::new(api, path, filters);
    let mut found = Vec::new();
    while found.len() < most
        && let Some(part) = parts.next(PAGE_LEN_MAX)?
    {
        found.extend(part.into_iter().filter(&fits));
    }
    found.truncate(most);
    Ok(found)
}

/// A list, part by part.
struct Parts<'a> {
    api: &'a Api,
    path: &'a str,
    filters: &'a Filters<'a>,
    cursor: Option<String>,
    /// How many there were without an item since the last that had some.
    empty: u32,
    is_over: bool,
}

impl<'a> Parts<'a> {
    fn new(api: &'a Api, path: &'a str, filters: &'a Filters<'a>) -> Self {
        Self { api, path, filters, cursor: None, empty: 0, is_over: false }
    }

    /// The next part, of at most so many items. `None`: there are no more.
    fn next<T: DeserializeOwned>(&mut self, limit: usize) -> Result<Option<Vec<T>>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let limit = limit.min(PAGE_LEN_MAX);
        let address = address(self.path, self.filters, limit, self.cursor.as_deref());
        let page: Page<T> = self.api.get(address)?.read(self.api.server())?;
        // A part without items is not the end. But a server that gives nothing but such, or the same place again,
        // would be asked for ever.
        self.empty = if page.items.is_empty() { self.empty + 1 } else { 0 };
        let goes_on = self.empty < EMPTY_PARTS_MAX && page.next_cursor != self.cursor;
        self.cursor = page.next_cursor.filter(|_| goes_on);
        self.is_over = self.cursor.is_none();
        Ok(Some(page.items))
    }
}

/// The address of one part of a list.
pub(super) fn address(path: &str, filters: &Filters<'_>, limit: usize, cursor: Option<&str>) -> String {
    let limit = limit.to_string();
    let always = [("limit", Some(limit.as_str())), ("cursor", cursor)];
    unpaged(path, &[&always, filters].concat())
}

/// The address of what comes whole.
pub(super) fn unpaged(path: &str, filters: &Filters<'_>) -> String {
    let given = filters.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let pairs = given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let pairs = pairs.collect::<Vec<_>>().join("&");
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{pairs}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_stays_one_value() {
        let filters = [("search", Some("100%&limit=1")), ("status", None)];
        assert_eq!(address("/keys", &filters, 50, None), "/keys?limit=50&search=100%25%26limit%3D1");
        assert_eq!(address("/keys", &[], 2, Some("a+b")), "/keys?limit=2&cursor=a%2Bb");
    }
}
