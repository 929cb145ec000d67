//! Lists of keys: filtered, sorted, a page at a time, each at a cost that does not grow with the number of keys.
//!
//! A list is walked along an index that is in its order, and those keys are taken that fit, until the page is full.
//! Where many fit, that is all. Otherwise one of the filters may have few keys at all: then these are found by the
//! filter's own index, and those of the page are picked out. Where that is not so either, the walk goes on for a bounded
//! number of rows, and the page ends where the walk does, full or not.

use std::fmt::Write as _;

use keyward_core::id::KeyId;

use super::key_lead::{Lead, Part, parts};
use super::keys::keys_by_id;
use super::link::Link;
use super::opening::View;
use super::row::{Columns, count, many, run};
use super::value::{Value, params};
use crate::bounds::Bounds;
use crate::{Found, KeyFilter, KeyRow, KeyScope, KeySort, Page, Position, SortField, SortValue, StoreError};

/// A page of the keys that the tenant's workspace or person has.
pub(super) async fn key_list(
    link: &Link,
    bounds: Bounds,
    view: View,
    filter: &KeyFilter,
    sort: KeySort,
    page: &Page,
) -> Result<Found<KeyRow>, StoreError> {
    let Some(home) = home_of(view, filter.scope) else { return Ok(Found { rows: Vec::new(), next: None }) };
    // A sort of all keys must not look cheap to a planner that has not counted them for a while.
    allow_sorting(link, "off").await?;
    let Stretch { places, next, .. } = List::new(filter, sort, home).page(link, bounds, page).await?;
    allow_sorting(link, "on").await?;
    let ids: Vec<KeyId> = places.iter().map(|place| KeyId::from_bytes(place.id)).collect();
    Ok(Found { rows: keys_by_id(link, &ids).await?, next })
}

/// Whose keys a list shows. `None`: nobody's, for a list is some tenant's.
pub(super) fn home_of(view: View, scope: KeyScope) -> Option<String> {
    match (view, scope) {
        (View::System, _) => None,
        (View::Tenant(tenant), KeyScope::OfWorkspace) => tenant.workspace.map(|id| id.to_string()),
        (View::Tenant(tenant), KeyScope::OfPerson) => tenant.person.map(|id| id.to_string()),
    }
}

pub(super) async fn allow_sorting(link: &Link, how: &str) -> Result<(), StoreError> {
    let sql = "SELECT set_config('enable_sort', $1, true), set_config('enable_incremental_sort', $1, true)";
    run(link, sql, params![how]).await.map(drop)
}

/// What a list is sorted by, in SQL.
pub(super) fn sort_column(value: &SortValue) -> Value {
    match value {
        SortValue::Number(number) => Value::from(*number),
        SortValue::Text(text) => Value::from(text.as_str()),
    }
}

/// A list that is asked for.
struct List {
    home: String,
    sort: KeySort,
    /// What all keys of the list are found by, in its order.
    in_order: Lead,
    parts: Vec<Part>,
    asks_for_uses: bool,
}

/// A reading of a list.
#[derive(Debug, Default)]
struct Stretch {
    /// Where the keys that fit are.
    places: Vec<Position>,
    /// After which place to go on. `None`: the list has ended.
    next: Option<Position>,
    /// Whether it ended because it has all that were wanted.
    is_full: bool,
    /// Rows that were looked at.
    looked_at: u32,
}

impl Stretch {
    /// How many rows more there are to look at for so many keys, if they go on to be as frequent as so far.
    fn rows_to_come(&self, keys: usize) -> u32 {
        let missing = u32::try_from(keys - self.places.len()).unwrap_or(u32::MAX);
        let found = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.looked_at.saturating_mul(missing).checked_div(found).unwrap_or(u32::MAX)
    }
}

/// What to read of a list: after which place, how many keys, and how many rows to look at.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    after: Option<&'a Position>,
    keys: usize,
    rows: u32,
}

/// How a lead is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It is in the order of the list: all rows come, with whether they fit.
    Walk,
    /// It has few keys, in any order: those that fit come, the first of the list alone.
    Pick,
}

impl List {
    fn new(filter: &KeyFilter, sort: KeySort, home: String) -> Self {
        let in_order = Lead::in_order(filter, sort);
        let asks_for_uses = sort.field == SortField::LastUsedAt || filter.last_used_before.is_some();
        Self { sort, in_order, parts: parts(filter, &home), asks_for_uses, home }
    }

    /// Finds the keys of a page.
    async fn page(&self, link: &Link, bounds: Bounds, page: &Page) -> Result<Stretch, StoreError> {
        let keys = page.limit as usize;
        let wanted = Wanted { after: page.after.as_ref(), keys, rows: bounds.walk_first };
        let mut stretch = self.read(link, &self.in_order, Way::Walk, wanted).await?;
        if stretch.is_full || stretch.next.is_none() {
            return Ok(stretch);
        }
        let few_max = bounds.few.min(stretch.rows_to_come(keys));
        if let Some(few) = self.few(link, few_max).await? {
            // One more than the page has, which shows that the list goes on.
            let rows = page.limit.saturating_add(1);
            return self.read(link, few, Way::Pick, Wanted { rows, ..wanted }).await;
        }
        let after = stretch.next.take();
        let (keys, rows) = (keys - stretch.places.len(), bounds.walk - bounds.walk_first);
        let rest = Wanted { after: after.as_ref(), keys, rows };
        let rest = self.read(link, &self.in_order, Way::Walk, rest).await?;
        stretch.places.extend(rest.places);
        Ok(Stretch { next: rest.next, is_full: rest.is_full, ..stretch })
    }

    /// The index of the filter that has the fewest keys, if these are few.
    async fn few(&self, link: &Link, few_max: u32) -> Result<Option<&Lead>, StoreError> {
        let (mut fewest, mut found) = (few_max.saturating_add(1), None);
        for lead in self.parts.iter().filter_map(|part| part.found_by.as_ref()) {
            let (sql, values) = self.count(lead, fewest);
            let keys = count(link, &sql, values).await?;
            if keys < fewest {
                (fewest, found) = (keys, Some(lead));
            }
        }
        Ok(found)
    }

    async fn read(
        &self,
        link: &Link,
        lead: &Lead,
        way: Way,
        wanted: Wanted<'_>,
    ) -> Result<Stretch, StoreError> {
        // Without a filter every row fits, and no more are needed than that the last one shows there are others.
        let enough = u32::try_from(wanted.keys).unwrap_or(u32::MAX).saturating_add(1);
        let rows = if self.parts.is_empty() { wanted.rows.min(enough) } else { wanted.rows };
        let (sql, values) = self.select(lead, way, wanted.after, rows);
        let found =
            many(link, "keys", &sql, values, |columns| Ok((self.place(columns)?, columns.take::<bool>()?)))
                .await?;
        let (mut stretch, mut last) = (Stretch::default(), None);
        for (place, fits) in found {
            stretch.looked_at += 1;
            if fits && stretch.places.len() >= wanted.keys {
                stretch.is_full = true;
                break;
            }
            if fits {
                stretch.places.push(place.clone());
            }
            last = Some(place);
        }
        if stretch.is_full {
            // The one that was too many is the first of the next page.
            stretch.next = stretch.places.last().or(wanted.after).cloned();
        } else if stretch.looked_at >= rows {
            stretch.next = last;
        }
        Ok(stretch)
    }

    fn place(&self, columns: &mut Columns<'_>) -> Result<Position, StoreError> {
        let id: KeyId = columns.text()?;
        let value = match self.sort.field {
            SortField::Name => SortValue::Text(columns.take()?),
            SortField::CreatedAt | SortField::ExpiresAt | SortField::LastUsedAt => {
                SortValue::Number(columns.take()?)
            }
        };
        Ok(Position { value, id: id.to_bytes() })
    }

    /// Rows of the list in its order: the key, what it is sorted by, and whether it fits.
    fn select(&self, lead: &Lead, way: Way, after: Option<&Position>, rows: u32) -> (String, Vec<Value>) {
        let (order, id) = match self.sort.field {
            SortField::CreatedAt => ("k.created_at", "k.id"),
            SortField::Name => ("k.name", "k.id"),
            SortField::ExpiresAt => ("k.ends_at", "k.id"),
            SortField::LastUsedAt => ("u.used_at", "u.key_id"),
        };
        let (beyond, direction) = if self.sort.descending { ("<", "DESC") } else { (">", "ASC") };
        let fits = self.parts.iter().map(|part| part.holds.sql).collect::<Vec<_>>().join(" AND ");
        let fits = if fits.is_empty() { "TRUE" } else { &fits };
        let mut values: Vec<Value> = self.parts.iter().flat_map(|part| part.holds.values()).collect();
        values.extend(lead.values());
        let mut conditions = vec![whose(lead)];
        values.push(self.home.as_str().into());
        if let Some(part) = &lead.condition {
            conditions.push(part.sql.to_owned());
            values.extend(part.values());
        }
        if let Some(Position { value, id: last }) = after {
            conditions.push(format!("({order}, {id}) {beyond} (?, ?)"));
            values.extend([sort_column(value), KeyId::from_bytes(*last).into()]);
        }
        let (from, conditions) = (self.reach(lead), conditions.join(" AND "));
        let select = format!(
            "SELECT {id} AS id, {order} AS place, ({fits}) IS TRUE AS fits FROM {from} WHERE {conditions}"
        );
        let sql = match way {
            Way::Walk => format!("{select} ORDER BY {order} {direction}, {id} {direction} LIMIT ?"),
            // First all that are found, then in order: the planner must not take the walk for the better way.
            Way::Pick => format!(
                "WITH few AS MATERIALIZED ({select})
                 SELECT id, place, fits FROM few WHERE fits ORDER BY place {direction}, id {direction} LIMIT ?"
            ),
        };
        values.push(rows.into());
        (numbered(&sql), values)
    }

    /// How many keys a part of an index has, as far as `at_most`.
    fn count(&self, lead: &Lead, at_most: u32) -> (String, Vec<Value>) {
        let mut values = lead.values();
        let mut conditions = vec![whose(lead)];
        values.push(self.home.as_str().into());
        if let Some(part) = &lead.condition {
            conditions.push(part.sql.to_owned());
            values.extend(part.values());
        }
        values.push(at_most.into());
        let (from, conditions) = (lead.from, conditions.join(" AND "));
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {conditions} LIMIT ?) AS part");
        (numbered(&sql), values)
    }

    fn reach(&self, lead: &Lead) -> String {
        let uses =
            if self.asks_for_uses && !lead.has_uses { " JOIN key_uses u ON u.key_id = k.id" } else { "" };
        format!("{}{uses}", lead.from)
    }
}

/// The guard: nothing but the tenant's own comes in. Its name is also what the transaction was opened for.
fn whose(lead: &Lead) -> String {
    format!("{} = ?", lead.home.unwrap_or("k.home_id"))
}

/// With `$1`, `$2`, … in place of its question marks.
pub(super) fn numbered(sql: &str) -> String {
    let mut parts = sql.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        // Writing into a String does not fail.
        let _ = write!(numbered, "${}{part}", at + 1);
    }
    numbered
}
