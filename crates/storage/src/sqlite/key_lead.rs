//! The indexes through which keys are found: one that is in the order of a list, and one for each filter.

use keyward_core::key::KeyStatus;
use rusqlite::types::Value;

use super::key_grams;
use crate::{KeyFilter, KeyScope, KeySort, SortField};

/// A condition on `keys k` and `key_uses u`, with the values for its question marks.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    fn new(sql: &str, values: impl IntoIterator<Item = Value>) -> Self {
        Self { sql: sql.to_owned(), values: values.into_iter().collect() }
    }
}

/// A part of an index, and how the keys are reached from there.
#[derive(Debug, Clone)]
pub(super) struct Lead {
    /// The index.
    pub(super) index: &'static str,
    /// From the index to `keys k`.
    pub(super) to_keys: &'static str,
    /// The column of the index that says whose a key is. `None`: the condition asks for that.
    pub(super) home: Option<&'static str>,
    /// Which part. `None`: all that is the tenant's.
    pub(super) condition: Option<Condition>,
}

impl Lead {
    /// The index that is in the order of a list. Where one such has only the keys of a filter, it is that one.
    pub(super) fn in_order(filter: &KeyFilter, sort: KeySort) -> Self {
        let live = || Condition::new("k.revoked_at IS NULL", []);
        let is_live = matches!(filter.status, Some(KeyStatus::Active | KeyStatus::Expired));
        match sort.field {
            SortField::CreatedAt if filter.owner.is_some() => Self::keys(BY_OWNER, owned(filter)),
            SortField::CreatedAt if filter.status == Some(KeyStatus::Revoked) => {
                Self::keys(REVOKED_BY_TIME, of_status(filter))
            }
            SortField::CreatedAt if is_live => Self::keys(LIVE_BY_TIME, Some(live())),
            SortField::CreatedAt => Self::keys(BY_TIME, None),
            SortField::Name => Self::keys(BY_NAME, None),
            SortField::ExpiresAt if is_live => Self::keys(LIVE_BY_END, of_status(filter)),
            SortField::ExpiresAt => Self::keys(BY_END, None),
            SortField::LastUsedAt => Self::uses(unused(filter)),
        }
    }

    fn keys(index: &'static str, condition: Option<Condition>) -> Self {
        Self { index, to_keys: "", home: Some("k.home_id"), condition }
    }

    fn uses(condition: Option<Condition>) -> Self {
        let to_keys = " CROSS JOIN keys k ON k.id = u.key_id";
        Self { index: BY_USE, to_keys, home: Some("u.home_id"), condition }
    }

    fn grams(filter: &KeyFilter, search: &str) -> Option<Self> {
        let tenant = tenant(filter.scope);
        let words = format!("SELECT group_concat(hex({tenant}) || value, ' AND ') FROM json_each(?)");
        let condition =
            Condition::new(&format!("g.key_grams MATCH ({words})"), [key_grams::of_search(search)?.into()]);
        let to_keys = " CROSS JOIN keys k ON k.number = g.rowid";
        Some(Self { index: BY_GRAM, to_keys, home: None, condition: Some(condition) })
    }

    /// Whether `key_uses u` is there without being asked for.
    pub(super) fn has_uses(&self) -> bool {
        self.index == BY_USE
    }
}

/// A filter: what must hold of a key, and the index that finds the keys of which it may hold.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) holds: Condition,
    /// `None`: there is no such index.
    pub(super) found_by: Option<Lead>,
}

/// The filters that are set.
pub(super) fn parts(filter: &KeyFilter) -> Vec<Part> {
    let status_index = if filter.status == Some(KeyStatus::Revoked) { REVOKED_BY_TIME } else { LIVE_BY_END };
    let keys =
        |index, holds: Condition| Part { found_by: Some(Lead::keys(index, Some(holds.clone()))), holds };
    let uses = |holds: Condition| Part { found_by: Some(Lead::uses(Some(holds.clone()))), holds };
    let grams = |text: &str| Part { found_by: Lead::grams(filter, text), holds: holding(text) };
    [
        of_status(filter).map(|holds| keys(status_index, holds)),
        owned(filter).map(|holds| keys(BY_OWNER, holds)),
        unused(filter).map(uses),
        filter.search.as_deref().map(grams),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The SQL function that says whose keys a list shows.
pub(super) const fn tenant(scope: KeyScope) -> &'static str {
    match scope {
        KeyScope::OfWorkspace => "tenant_workspace()",
        KeyScope::OfPerson => "tenant_person()",
    }
}

fn of_status(filter: &KeyFilter) -> Option<Condition> {
    let now = Value::from(filter.now.as_microsecond());
    Some(match filter.status? {
        KeyStatus::Active => Condition::new("k.revoked_at IS NULL AND k.ends_at > ?", [now]),
        KeyStatus::Expired => Condition::new("k.revoked_at IS NULL AND k.ends_at <= ?", [now]),
        KeyStatus::Revoked => Condition::new("k.revoked_at IS NOT NULL", []),
    })
}

fn owned(filter: &KeyFilter) -> Option<Condition> {
    Some(Condition::new("k.owner_id = ?", [filter.owner?.to_bytes().to_vec().into()]))
}

fn unused(filter: &KeyFilter) -> Option<Condition> {
    Some(Condition::new("u.used_at < ?", [filter.last_used_before?.as_microsecond().into()]))
}

/// `lower` of SQLite knows ASCII only, as promised.
fn holding(search: &str) -> Condition {
    let text = Value::from(search.to_ascii_lowercase());
    Condition::new(
        "(instr(lower(k.name), ?) > 0 OR instr(lower(k.description), ?) > 0)",
        [text.clone(), text],
    )
}

const BY_TIME: &str = "keys k INDEXED BY keys_by_time";
const BY_NAME: &str = "keys k INDEXED BY keys_by_name";
const BY_END: &str = "keys k INDEXED BY keys_by_end";
const BY_OWNER: &str = "keys k INDEXED BY keys_by_owner";
const LIVE_BY_TIME: &str = "keys k INDEXED BY live_keys_by_time";
const LIVE_BY_END: &str = "keys k INDEXED BY live_keys_by_end";
const REVOKED_BY_TIME: &str = "keys k INDEXED BY revoked_keys_by_time";
const BY_USE: &str = "key_uses u INDEXED BY key_uses_by_time";
const BY_GRAM: &str = "key_grams g";
