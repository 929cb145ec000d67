//! Lists, which the server gives in parts.

use keyward_wire::page::Page;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::connection::Api;
use super::failure::Failure;

/// The most that the server gives at once.
const PAGE_LEN_MAX: u32 = 200;

/// Follows a list until there are as many items as wanted, or no more. Filters without a value are left out.
pub(super) fn fetch<T: DeserializeOwned>(
    api: &Api,
    path: &str,
    filters: &[(&str, Option<&str>)],
    wanted: usize,
) -> Result<Page<T>, Failure> {
    let mut found: Page<T> = Page { items: Vec::new(), next_cursor: None };
    loop {
        let missing = u32::try_from(wanted - found.items.len()).unwrap_or(u32::MAX);
        let address = address(path, filters, missing.min(PAGE_LEN_MAX), found.next_cursor.as_deref());
        let page: Page<T> = api.get(address)?.read(api.server())?;
        // A server that gives nothing, or the same place again, would be asked for ever.
        let goes_on = !page.items.is_empty() && page.next_cursor != found.next_cursor;
        found.items.extend(page.items);
        found.items.truncate(wanted);
        found.next_cursor = page.next_cursor.filter(|_| goes_on);
        if found.next_cursor.is_none() || found.items.len() >= wanted {
            return Ok(found);
        }
    }
}

/// The whole list.
pub(super) fn fetch_all<T: DeserializeOwned>(api: &Api, path: &str) -> Result<Page<T>, Failure> {
    fetch(api, path, &[], usize::MAX)
}

fn address(path: &str, filters: &[(&str, Option<&str>)], limit: u32, cursor: Option<&str>) -> String {
    let limit = limit.to_string();
    let always = [("limit", Some(limit.as_str())), ("cursor", cursor)];
    let given = always.iter().chain(filters).filter_map(|(name, value)| Some((name, (*value)?)));
    let pairs = given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
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
