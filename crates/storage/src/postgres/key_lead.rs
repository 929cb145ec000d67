//! The indexes through which keys are found: one that is in the order of a list, and one for each filter.

use keyward_core::key::KeyStatus;

use super::key_grams;
use super::value::{Value, params};
use crate::{KeyFilter, KeyScope, KeySort, SortField};

/// A condition on `keys k` and `key_uses u`. Its values are made anew for each statement, one for each question mark.
pub(super) struct Condition {
    pub(super) sql: &'static str,
    values: Box<dyn Fn() -> Vec<Value> + Send + Sync>,
}

impl Condition {
    fn new(sql: &'static str, values: impl Fn() -> Vec<Value> + Send + Sync + 'static) -> Self {
        Self { sql, values: Box::new(values) }
    }

    pub(super) fn values(&self) -> Vec<Value> {
        (self.values)()
    }
}

/// A part of an index, and how the keys are reached from there. The condition leads the planner to the index.
pub(super) struct Lead {
    /// What is read first.
    pub(super) from: &'static str,
    /// The values for the question marks in `from`.
    values: Box<dyn Fn() -> Vec<Value> + Send + Sync>,
    /// The column that says whose a key is. `None`: `from` has only the tenant's.
    pub(super) home: Option<&'static str>,
    /// Which part. `None`: all that is the tenant's.
    pub(super) condition: Option<Condition>,
    /// Whether `key_uses u` is there without being asked for.
    pub(super) has_uses: bool,
}

impl Lead {
    pub(super) fn values(&self) -> Vec<Value> {
        (self.values)()
    }

    /// The index that is in the order of a list. Where one such has only the keys of a filter, it is that one.
    pub(super) fn in_order(filter: &KeyFilter, sort: KeySort) -> Self {
        let is_live = matches!(filter.status, Some(KeyStatus::Active | KeyStatus::Expired));
        match sort.field {
            SortField::CreatedAt if filter.owner.is_some() => Self::keys(owned(filter)),
            SortField::CreatedAt if filter.status == Some(KeyStatus::Revoked) => {
                Self::keys(of_status(filter))
            }
            SortField::CreatedAt if is_live => {
                Self::keys(Some(Condition::new("k.revoked_at IS NULL", Vec::new)))
            }
            SortField::ExpiresAt if is_live => Self::keys(of_status(filter)),
            SortField::CreatedAt | SortField::Name | SortField::ExpiresAt => Self::keys(None),
            SortField::LastUsedAt => Self::uses(unused(filter)),
        }
    }

    fn keys(condition: Option<Condition>) -> Self {
        Self {
            from: "keys k",
            values: Box::new(Vec::new),
            home: Some("k.home_id"),
            condition,
            has_uses: false,
        }
    }

    fn uses(condition: Option<Condition>) -> Self {
        let from = "key_uses u JOIN keys k ON k.id = u.key_id";
        Self { from, home: Some("u.home_id"), has_uses: true, ..Self::keys(condition) }
    }

    fn grams(filter: &KeyFilter, home: &str, search: &str) -> Option<Self> {
        let (grams, of_person) = (key_grams::of_search(home, search)?, filter.scope == KeyScope::OfPerson);
        Some(Self {
            // One more than any bound on what is sorted: who counts further has too many anyway.
            from: "keys_with(?, ?, ?) AS g (id) JOIN keys k ON k.id = g.id",
            values: Box::new(move || params![grams.clone(), of_person, i64::from(u32::MAX)]),
            home: None,
            ..Self::keys(None)
        })
    }
}

/// A filter: what must hold of a key, and the index that finds the keys of which it may hold.
pub(super) struct Part {
    pub(super) holds: Condition,
    /// `None`: there is no such index.
    pub(super) found_by: Option<Lead>,
}

/// The filters that are set, for keys of that home.
pub(super) fn parts(filter: &KeyFilter, home: &str) -> Vec<Part> {
    let status = of_status(filter).map(|holds| Part { found_by: Some(Lead::keys(of_status(filter))), holds });
    let owner = owned(filter).map(|holds| Part { found_by: Some(Lead::keys(owned(filter))), holds });
    let used = unused(filter).map(|holds| Part { found_by: Some(Lead::uses(unused(filter))), holds });
    let search = filter
        .search
        .as_deref()
        .map(|text| Part { found_by: Lead::grams(filter, home, text), holds: holding(text) });
    [status, owner, used, search].into_iter().flatten().collect()
}

fn of_status(filter: &KeyFilter) -> Option<Condition> {
    let now = filter.now.as_microsecond();
    Some(match filter.status? {
        KeyStatus::Active => Condition::new("k.revoked_at IS NULL AND k.ends_at > ?", move || params![now]),
        KeyStatus::Expired => Condition::new("k.revoked_at IS NULL AND k.ends_at <= ?", move || params![now]),
        KeyStatus::Revoked => Condition::new("k.revoked_at IS NOT NULL", Vec::new),
    })
}

fn owned(filter: &KeyFilter) -> Option<Condition> {
    let owner = filter.owner?;
    Some(Condition::new("k.owner_id = ?", move || params![owner]))
}

fn unused(filter: &KeyFilter) -> Option<Condition> {
    let before = filter.last_used_before?.as_microsecond();
    Some(Condition::new("u.used_at < ?", move || params![before]))
}

/// `lower` with the collation "C" knows ASCII only, as promised.
fn holding(search: &str) -> Condition {
    let text = search.to_ascii_lowercase();
    Condition::new("(strpos(lower(k.name), ?) > 0 OR strpos(lower(k.description), ?) > 0)", move || {
        params![text.as_str(), text.as_str()]
    })
}
