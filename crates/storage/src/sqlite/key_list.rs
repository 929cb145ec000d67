//! Lists of keys: filtered, sorted, a page at a time, each at a cost that does not grow with the number of keys.
//!
//! A list is walked along an index that is in its order, and those keys are taken that fit, until the page is
//! full. Where many fit, that is all. Otherwise one of the filters may have few keys at all: then these are found
//! by the filter's own index, and sorted. Where that is not so either, the walk goes on for a bounded number of
//! rows, and the page ends where the walk does, full or not.

use std::ops::ControlFlow;

use keyward_core::id::KeyId;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::key_lead::{Lead, Part, parts, tenant};
use super::keys::key_by_id;
use super::row::{Columns, count, each_until};
use crate::bounds::Bounds;
use crate::{Found, KeyFilter, KeyRow, KeyScope, KeySort, Page, Position, SortField, SortValue, StoreError};

/// From `keys k` to when each was last used.
const USES: &str = " CROSS JOIN key_uses u ON u.key_id = k.id";

/// A page of the keys that the tenant's workspace or person has.
pub(super) fn key_list(
    connection: &Connection,
    bounds: Bounds,
    filter: &KeyFilter,
    sort: KeySort,
    page: &Page,
) -> Result<Found<KeyRow>, StoreError> {
    let Stretch { places, next, .. } = List::new(filter, sort).page(connection, bounds, page)?;
    let gone = || StoreError::Corrupt { table: "keys", why: "a list has a key that is not there".to_owned() };
    let row = |place: Position| key_by_id(connection, KeyId::from_bytes(place.id))?.ok_or_else(gone);
    Ok(Found { rows: places.into_iter().map(row).collect::<Result<_, _>>()?, next })
}

/// What a list is sorted by, in SQL.
pub(super) fn sort_column(value: &SortValue) -> Value {
    match value {
        SortValue::Number(number) => Value::from(*number),
        SortValue::Text(text) => Value::from(text.clone()),
    }
}

/// A list that is asked for.
pub(super) struct List {
    scope: KeyScope,
    sort: KeySort,
    /// What all keys of the list are found by, in its order.
    pub(super) in_order: Lead,
    pub(super) parts: Vec<Part>,
    asks_for_uses: bool,
}

/// A reading of a list.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Where the keys that fit are.
    pub(super) places: Vec<Position>,
    /// After which place to go on. `None`: the list has ended.
    pub(super) next: Option<Position>,
    /// Whether it ended because it has all that were wanted.
    is_full: bool,
    /// Rows that were looked at, of tables and of indexes.
    pub(super) looked_at: u32,
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
pub(super) enum Way {
    /// It is in the order of the list: rows come with whether they fit.
    Walk,
    /// It has few keys, which are sorted. Only of the first of them it is asked whether they fit.
    Sort,
    /// It has few keys, and those that fit are sorted alone.
    Pick,
}

impl List {
    pub(super) fn new(filter: &KeyFilter, sort: KeySort) -> Self {
        let in_order = Lead::in_order(filter, sort);
        let asks_for_uses = sort.field == SortField::LastUsedAt || filter.last_used_before.is_some();
        Self { scope: filter.scope, sort, in_order, parts: parts(filter), asks_for_uses }
    }

    /// Finds the keys of a page.
    pub(super) fn page(
        &self,
        connection: &Connection,
        bounds: Bounds,
        page: &Page,
    ) -> Result<Stretch, StoreError> {
        let keys = page.limit as usize;
        let wanted = Wanted { after: page.after.as_ref(), keys, rows: bounds.walk_first };
        let mut stretch = self.read(connection, &self.in_order, Way::Walk, wanted)?;
        if stretch.is_full || stretch.next.is_none() {
            return Ok(stretch);
        }
        let few_max = bounds.few.min(stretch.rows_to_come(keys));
        let few = self.few(connection, few_max, &mut stretch.looked_at)?;
        if let Some(few) = few {
            let mut found =
                self.read(connection, few, Way::Sort, Wanted { rows: bounds.few_first, ..wanted })?;
            found.looked_at += stretch.looked_at;
            if found.is_full || found.next.is_none() {
                return Ok(found);
            }
            return self.go_on(connection, few, Way::Pick, found, (keys, u32::MAX));
        }
        self.go_on(connection, &self.in_order, Way::Walk, stretch, (keys, bounds.walk - bounds.walk_first))
    }

    /// Reads on where a stretch has ended, until there are so many keys, or for so many rows.
    fn go_on(
        &self,
        connection: &Connection,
        lead: &Lead,
        way: Way,
        mut stretch: Stretch,
        (keys, rows): (usize, u32),
    ) -> Result<Stretch, StoreError> {
        let after = stretch.next.take();
        let wanted = Wanted { after: after.as_ref(), keys: keys - stretch.places.len(), rows };
        let rest = self.read(connection, lead, way, wanted)?;
        stretch.places.extend(rest.places);
        stretch.looked_at += rest.looked_at;
        Ok(Stretch { next: rest.next, is_full: rest.is_full, ..stretch })
    }

    /// The index of the filter that has the fewest keys, if these are few.
    fn few(
        &self,
        connection: &Connection,
        few_max: u32,
        looked_at: &mut u32,
    ) -> Result<Option<&Lead>, StoreError> {
        let (mut fewest, mut found) = (few_max.saturating_add(1), None);
        for lead in self.parts.iter().filter_map(|part| part.found_by.as_ref()) {
            let (sql, values) = self.count(lead, fewest);
            let keys = count(connection, &sql, params_from_iter(values))?;
            *looked_at += keys;
            if keys < fewest {
                (fewest, found) = (keys, Some(lead));
            }
        }
        Ok(found)
    }

    fn read(
        &self,
        connection: &Connection,
        lead: &Lead,
        way: Way,
        wanted: Wanted<'_>,
    ) -> Result<Stretch, StoreError> {
        let (sql, values) = self.select(lead, way, wanted.after, wanted.rows);
        let (mut stretch, mut last) = (Stretch::default(), None);
        each_until(connection, "keys", &sql, params_from_iter(values), |columns| {
            let place = self.place(columns)?;
            let fits = match way {
                Way::Walk | Way::Pick => columns.take()?,
                Way::Sort => self.fits(connection, place.id)?,
            };
            stretch.looked_at += 1;
            if fits && stretch.places.len() >= wanted.keys {
                stretch.is_full = true;
                return Ok(ControlFlow::Break(()));
            }
            if fits {
                stretch.places.push(place.clone());
            }
            last = Some(place);
            let has_more = stretch.looked_at < wanted.rows;
            Ok(if has_more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        if stretch.is_full {
            // The one that was too many is the first of the next page.
            stretch.next = stretch.places.last().or(wanted.after).cloned();
        } else if stretch.looked_at >= wanted.rows {
            stretch.next = last;
        }
        Ok(stretch)
    }

    fn place(&self, columns: &mut Columns<'_, '_>) -> Result<Position, StoreError> {
        let id = columns.take()?;
        let value = match self.sort.field {
            SortField::Name => SortValue::Text(columns.take()?),
            SortField::CreatedAt | SortField::ExpiresAt | SortField::LastUsedAt => {
                SortValue::Number(columns.take()?)
            }
        };
        Ok(Position { value, id })
    }

    /// Rows of the list in its order: the key, what it is sorted by, and whether it fits.
    pub(super) fn select(
        &self,
        lead: &Lead,
        way: Way,
        after: Option<&Position>,
        rows: u32,
    ) -> (String, Vec<Value>) {
        let (order, id) = match self.sort.field {
            SortField::CreatedAt => ("k.created_at", "k.id"),
            SortField::Name => ("k.name", "k.id"),
            SortField::ExpiresAt => ("k.ends_at", "k.id"),
            SortField::LastUsedAt => ("u.used_at", "u.key_id"),
        };
        let (beyond, direction) = if self.sort.descending { ("<", "DESC") } else { (">", "ASC") };
        let (fits, fitting) = self.fitting();
        let (mut conditions, mut values) = (vec![self.whose(lead)], Vec::new());
        if let Some(part) = &lead.condition {
            conditions.push(part.sql.clone());
            values.extend(part.values.clone());
        }
        if let Some(Position { value, id: last }) = after {
            conditions.push(format!("({order}, {id}) {beyond} (?, ?)"));
            values.extend([sort_column(value), Value::from(last.to_vec())]);
        }
        // What is sorted has no LIMIT: with one, SQLite puts each key in its place among the first so far, and takes another
        // out. Keys are found as they were made, and lists begin with the newest: that would be all of them.
        let (told, limit, values) = match way {
            Way::Walk => (fits.as_str(), " LIMIT ?", [fitting, values, vec![Value::from(rows)]].concat()),
            Way::Sort => ("TRUE", "", values),
            Way::Pick => {
                conditions.push(fits);
                ("TRUE", "", [values, fitting].concat())
            }
        };
        let (from, conditions) = (self.from(lead), conditions.join(" AND "));
        let sql = format!(
            "SELECT k.id, {order}, {told} FROM {from} WHERE {conditions}
             ORDER BY {order} {direction}, {id} {direction}{limit}"
        );
        (sql, values)
    }

    /// Whether a key fits all filters, in SQL.
    fn fitting(&self) -> (String, Vec<Value>) {
        let holds = self.parts.iter().map(|part| &part.holds);
        let fits = holds.clone().map(|part| part.sql.as_str()).collect::<Vec<_>>().join(" AND ");
        let fits = if fits.is_empty() { "TRUE" } else { &fits };
        (format!("({fits}) IS TRUE"), holds.flat_map(|part| part.values.clone()).collect())
    }

    /// Whether a key that was found fits all filters.
    fn fits(&self, connection: &Connection, id: [u8; 16]) -> Result<bool, StoreError> {
        let (fits, fitting) = self.fitting();
        let uses = if self.asks_for_uses { USES } else { "" };
        let sql = format!("SELECT count(*) FROM keys k{uses} WHERE k.id = ? AND {fits}");
        let values = [vec![Value::from(id.to_vec())], fitting].concat();
        Ok(count(connection, &sql, params_from_iter(values))? > 0)
    }

    /// How many keys a part of an index has, as far as `at_most`.
    pub(super) fn count(&self, lead: &Lead, at_most: u32) -> (String, Vec<Value>) {
        let home = lead.home.map(|home| format!("{home} = {}", tenant(self.scope)));
        let condition = lead.condition.as_ref();
        let part = home.into_iter().chain(condition.map(|part| part.sql.clone())).collect::<Vec<_>>();
        let mut values = condition.map(|part| part.values.clone()).unwrap_or_default();
        let part = part.join(" AND ");
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {part} LIMIT ?)", lead.index);
        values.push(Value::from(at_most));
        (sql, values)
    }

    fn from(&self, lead: &Lead) -> String {
        let uses = if self.asks_for_uses && !lead.has_uses() { USES } else { "" };
        format!("{}{}{uses}", lead.index, lead.to_keys)
    }

    /// The guard: nothing but the tenant's own comes in.
    fn whose(&self, lead: &Lead) -> String {
        let kind = match self.scope {
            KeyScope::OfWorkspace => "workspace",
            KeyScope::OfPerson => "personal",
        };
        match lead.home {
            Some(home) => format!("{home} = {} AND k.kind = '{kind}'", tenant(self.scope)),
            // Compared with each row, and therefore asked for once.
            None => format!("k.home_id = (SELECT {}) AND k.kind = '{kind}'", tenant(self.scope)),
        }
    }
}
