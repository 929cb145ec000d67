//! What a list of keys is asked for, as it stands in the address: filters, the order, and where a part begins.

use jiff::{SignedDuration, Timestamp};
use keyward_core::id::UserId;
use keyward_core::key::KeyStatus;
use keyward_service::list::{KeySort, Position, SortField, SortValue};
use keyward_service::list_keys::Wish;

use crate::address::encoded;
use crate::position;
use crate::visitor::Pairs;

/// Longest text to search for: no name or description has more.
const SEARCH_CHARS_MAX: usize = 500;
/// After this a key counts as unused.
const UNUSED_DAYS: i64 = 90;
/// What a list can be sorted by, as the address says it.
const FIELDS: [(&str, SortField); 4] = [
    ("created", SortField::CreatedAt),
    ("name", SortField::Name),
    ("expires", SortField::ExpiresAt),
    ("used", SortField::LastUsedAt),
];

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListQuery {
    pub(super) status: Option<KeyStatus>,
    pub(super) search: String,
    pub(super) mine: bool,
    pub(super) unused: bool,
    pub(super) sort: KeySort,
    after: Option<Position>,
}

impl Default for ListQuery {
    fn default() -> Self {
        let sort = KeySort::DEFAULT;
        Self { status: None, search: String::new(), mine: false, unused: false, sort, after: None }
    }
}

impl ListQuery {
    /// Reads it. `None`: no page of ours has such a link.
    pub(super) fn parse(pairs: &Pairs) -> Option<Self> {
        let status = match pairs.one("status") {
            "" => None,
            "active" => Some(KeyStatus::Active),
            "expired" => Some(KeyStatus::Expired),
            "revoked" => Some(KeyStatus::Revoked),
            _ => return None,
        };
        let search = pairs.one("search").trim();
        if search.chars().count() > SEARCH_CHARS_MAX || search.contains('\0') {
            return None;
        }
        let sort = match pairs.one("sort") {
            "" => KeySort::DEFAULT,
            text => parse_sort(text)?,
        };
        let after = match pairs.one("after") {
            "" => None,
            text => Some(parse_position(text, sort.field)?),
        };
        Some(Self {
            status,
            search: search.to_owned(),
            mine: pairs.has("mine"),
            unused: pairs.has("unused"),
            sort,
            after,
        })
    }

    pub(super) const fn after(&self) -> Option<&Position> {
        self.after.as_ref()
    }

    pub(super) fn is_status(&self, name: &str) -> bool {
        self.status.is_some_and(|status| status.as_str() == name)
    }

    pub(super) fn sort_is_default(&self) -> bool {
        self.sort == KeySort::DEFAULT
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.status.is_some() || !self.search.is_empty() || self.mine || self.unused
    }

    pub(super) fn wish(&self, me: UserId, now: Timestamp) -> Wish {
        Wish {
            status: self.status,
            owner: self.mine.then_some(me),
            search: Some(self.search.clone()).filter(|text| !text.is_empty()),
            last_used_before: self.unused.then(|| now - SignedDuration::from_hours(24 * UNUSED_DAYS)),
        }
    }

    /// The address of the next part.
    pub(super) fn going_on(&self, base: &str, after: Position) -> String {
        Self { after: Some(after), ..self.clone() }.address(base)
    }

    /// The address of the same list from its beginning.
    pub(super) fn first_part(&self, base: &str) -> String {
        Self { after: None, ..self.clone() }.address(base)
    }

    /// The address of the same list in another order; the same order once more is turned round.
    pub(super) fn sorted_by(&self, base: &str, field: SortField) -> String {
        let first_descending = field == SortField::CreatedAt;
        let descending = if self.sort.field == field { !self.sort.descending } else { first_descending };
        Self { sort: KeySort { field, descending }, after: None, ..self.clone() }.address(base)
    }

    /// What stands in the address for the order.
    pub(super) fn sort_text(&self) -> String {
        let name = FIELDS.iter().find(|(_, field)| *field == self.sort.field).map_or("", |(name, _)| name);
        if self.sort.descending { format!("-{name}") } else { name.to_owned() }
    }

    fn address(&self, base: &str) -> String {
        let mut parts = Vec::new();
        parts.extend(self.status.map(|status| format!("status={}", status.as_str())));
        parts.extend(Some(&self.search).filter(|s| !s.is_empty()).map(|s| format!("search={}", encoded(s))));
        parts.extend(self.mine.then(|| "mine=on".to_owned()));
        parts.extend(self.unused.then(|| "unused=on".to_owned()));
        parts.extend((self.sort != KeySort::DEFAULT).then(|| format!("sort={}", self.sort_text())));
        parts.extend(self.after.as_ref().map(|after| format!("after={}", position::written(after))));
        if parts.is_empty() { base.to_owned() } else { format!("{base}?{}", parts.join("&")) }
    }
}

fn parse_sort(text: &str) -> Option<KeySort> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let (_, field) = FIELDS.into_iter().find(|(known, _)| *known == name)?;
    Some(KeySort { field, descending })
}

/// A place in a list of that order.
fn parse_position(text: &str, field: SortField) -> Option<Position> {
    let place = position::read(text)?;
    let is_text = matches!(place.value, SortValue::Text(_));
    (is_text == (field == SortField::Name)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Option<ListQuery> {
        let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ListQuery::parse(&Pairs(pairs.collect()))
    }

    #[test]
    fn an_address_leads_back_to_the_same_list() {
        let asked = read(&[("status", "active"), ("search", "a&b"), ("sort", "-name")]).unwrap();
        assert_eq!(asked.address("/k"), "/k?status=active&search=a%26b&sort=-name");
        let place = Position { value: SortValue::Text("ä".to_owned()), id: [7; 16] };
        let address = asked.going_on("/k", place.clone());
        let after = address.rsplit_once("after=").unwrap().1;
        assert_eq!(read(&[("sort", "-name"), ("after", after)]).unwrap().after(), Some(&place));
        assert_eq!(asked.sorted_by("/k", SortField::Name), "/k?status=active&search=a%26b&sort=name");
    }

    #[test]
    fn what_no_page_of_ours_links_to_is_refused() {
        for bad in [
            ("status", "gone"),
            ("sort", "secret"),
            ("after", "n1"),
            ("after", "n1.zz"),
            ("after", "t61.00000000000000000000000000000000"),
            ("search", "\0"),
        ] {
            assert_eq!(read(&[bad]), None, "{bad:?}");
        }
        assert_eq!(read(&[]), Some(ListQuery::default()));
    }
}
