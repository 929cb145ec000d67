//! Lists of keys: filtered, sorted, a page at a time.

use jiff::Timestamp;
use keyward_core::id::UserId;
use keyward_core::key::KeyStatus;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::key_row::{key_row, select_keys};
use super::row::many;
use crate::{KeyFilter, KeyRow, KeyScope, KeySort, Page, Position, SortField, SortValue, StoreError};

/// A page of the keys that the tenant's workspace or person has.
pub(super) fn key_list(
    connection: &Connection,
    filter: &KeyFilter,
    sort: KeySort,
    page: &Page,
) -> Result<Vec<KeyRow>, StoreError> {
    let query = ListQuery::new(filter, sort, page);
    let params = params_from_iter(query.values);
    many(connection, "keys", &query.sql, params, |columns| key_row(connection, columns))
}

/// What a list is sorted by, in SQL.
pub(super) fn sort_column(value: &SortValue) -> Value {
    match value {
        SortValue::Number(number) => Value::from(*number),
        SortValue::Text(text) => Value::from(text.clone()),
    }
}

/// The SQL of a list and the values for its question marks, in their order.
pub(super) struct ListQuery {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl ListQuery {
    pub(super) fn new(filter: &KeyFilter, sort: KeySort, page: &Page) -> Self {
        // The table that has the index of the order leads; a CROSS JOIN keeps it so.
        let (select, home, order, id) = match sort.field {
            SortField::CreatedAt => (BY_KEY, "k.home_id", "k.created_at", "k.id"),
            SortField::Name => (BY_KEY, "k.home_id", "k.name", "k.id"),
            SortField::ExpiresAt => (BY_KEY, "k.home_id", "k.ends_at", "k.id"),
            SortField::LastUsedAt => (BY_USE, "u.home_id", "u.used_at", "u.key_id"),
        };
        let mut query = Self { sql: select.to_owned(), values: Vec::new() };
        query.of(filter.scope, home);
        query.with_status(filter.status, filter.now, sort.field);
        query.owned_by(filter.owner);
        query.searched(filter.search.as_deref());
        if let Some(before) = filter.last_used_before {
            query.and("u.used_at < ?", [Value::from(before.as_microsecond())]);
        }
        let (beyond, direction) = if sort.descending { ("<", "DESC") } else { (">", "ASC") };
        if let Some(Position { value, id: last }) = &page.after {
            let condition = format!("({order}, {id}) {beyond} (?, ?)");
            query.and(&condition, [sort_column(value), Value::from(last.to_vec())]);
        }
        query.push(&format!(" ORDER BY {order} {direction}, {id} {direction} LIMIT ?"));
        query.values.push(Value::from(page.limit));
        query
    }

    /// The guard: nothing but the tenant's own comes in.
    fn of(&mut self, scope: KeyScope, home: &str) {
        let (kind, tenant) = match scope {
            KeyScope::OfWorkspace => ("workspace", "tenant_workspace()"),
            KeyScope::OfPerson => ("personal", "tenant_person()"),
        };
        self.push(&format!("WHERE {home} = {tenant} AND k.kind = '{kind}'"));
    }

    fn with_status(&mut self, status: Option<KeyStatus>, now: Timestamp, sorted_by: SortField) {
        // The sign keeps the condition from choosing an index that is not in the order of the list.
        let end = if sorted_by == SortField::ExpiresAt { "k.ends_at" } else { "+k.ends_at" };
        let now = [Value::from(now.as_microsecond())];
        match status {
            None => {}
            Some(KeyStatus::Active) => self.and(&format!("k.revoked_at IS NULL AND {end} > ?"), now),
            Some(KeyStatus::Expired) => self.and(&format!("k.revoked_at IS NULL AND {end} <= ?"), now),
            Some(KeyStatus::Revoked) => self.and("k.revoked_at IS NOT NULL", []),
        }
    }

    fn owned_by(&mut self, owner: Option<UserId>) {
        if let Some(owner) = owner {
            self.and("k.owner_id = ?", [Value::from(owner.to_bytes().to_vec())]);
        }
    }

    /// `lower` of SQLite knows ASCII only, as promised.
    fn searched(&mut self, search: Option<&str>) {
        if let Some(text) = search {
            let text = Value::from(text.to_ascii_lowercase());
            let condition = "(instr(lower(k.name), ?) > 0 OR instr(lower(k.description), ?) > 0)";
            self.and(condition, [text.clone(), text]);
        }
    }

    fn and<const N: usize>(&mut self, condition: &str, values: [Value; N]) {
        self.push(" AND ");
        self.push(condition);
        self.values.extend(values);
    }

    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }
}

const BY_KEY: &str = select_keys!("keys k CROSS JOIN key_uses u ON u.key_id = k.id");
const BY_USE: &str = select_keys!("key_uses u CROSS JOIN keys k ON k.id = u.key_id");
