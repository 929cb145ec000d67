//! How SQLite means to find the keys of lists: along an index, and without sorting where that is the order.

use jiff::Timestamp;
use keyward_core::id::UserId;
use keyward_core::key::KeyStatus;

use rusqlite::StatementStatus;

use super::File;
use crate::conformance::town::at;
use crate::sqlite::connection::Guarded;
use crate::sqlite::key_list::{List, Way};
use crate::sqlite::members::{COUNT_MEMBERS, members_sql};
use crate::{KeyFilter, KeyScope, KeySort, Position, SortField, SortValue};

/// The steps of a plan, each in SQLite's words, with what is done for foreign keys. But for an INSERT: whether
/// something refers to the new row is only looked for while a reference is broken, and none ever is. For that the
/// connection must be in no transaction.
pub(super) fn plan(guarded: &Guarded, sql: &str) -> Vec<String> {
    assert!(guarded.is_idle());
    let inserts = sql.starts_with("INSERT");
    guarded.run(&format!("PRAGMA foreign_keys = {}", if inserts { "OFF" } else { "ON" })).unwrap();
    let mut statement = guarded.raw().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3)).unwrap();
    steps.map(Result::unwrap).collect()
}

/// Whether a step reads a table from end to end. SQLite also says SCAN of what is no table of ours, and of the
/// words that are asked for in an index of words.
pub(super) fn is_scan(step: &str) -> bool {
    let harmless = ["CONSTANT ROW", "(subquery", "json_each ", "g VIRTUAL TABLE INDEX 0:M"];
    let scanned = step.strip_prefix("SCAN ");
    scanned.is_some_and(|what| !harmless.iter().any(|begin| what.starts_with(begin)))
}

pub(super) fn is_sort(step: &str) -> bool {
    step.contains("TEMP B-TREE")
}

fn assert_indexed(guarded: &Guarded, sql: &str, may_sort: bool) {
    let steps = plan(guarded, sql);
    let bad = |step: &String| is_scan(step) || (is_sort(step) && !may_sort);
    assert!(!steps.iter().any(bad), "{sql}\n{steps:#?}");
}

fn filters() -> Vec<KeyFilter> {
    let statuses = [None, Some(KeyStatus::Active), Some(KeyStatus::Expired), Some(KeyStatus::Revoked)];
    let owners = [None, Some(UserId::from_bytes([0; 16]))];
    let times: [Option<Timestamp>; 2] = [None, Some(at(0))];
    let searches = [None, Some("ab"), Some("abc")];
    let mut filters = Vec::new();
    for scope in [KeyScope::OfWorkspace, KeyScope::OfPerson] {
        for status in statuses {
            for owner in owners {
                for last_used_before in times {
                    filters.extend(searches.map(|search| KeyFilter {
                        scope,
                        status,
                        owner,
                        search: search.map(str::to_owned),
                        last_used_before,
                        now: at(0),
                    }));
                }
            }
        }
    }
    filters
}

#[test]
fn every_list_of_keys_is_walked_along_an_index_in_its_order() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    for field in [SortField::CreatedAt, SortField::Name, SortField::ExpiresAt, SortField::LastUsedAt] {
        for descending in [true, false] {
            for after in [None, Some(Position { value: SortValue::Number(0), id: [0; 16] })] {
                for filter in filters() {
                    let list = List::new(&filter, KeySort { field, descending });
                    assert_indexed(
                        &guarded,
                        &list.select(&list.in_order, Way::Walk, after.as_ref(), 10).0,
                        false,
                    );
                }
            }
        }
    }
}

#[test]
fn the_keys_of_every_filter_are_found_through_an_index() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    for filter in filters() {
        for field in [SortField::CreatedAt, SortField::Name, SortField::ExpiresAt, SortField::LastUsedAt] {
            let list = List::new(&filter, KeySort { field, descending: true });
            let leads: Vec<_> = list.parts.iter().filter_map(|part| part.found_by.as_ref()).collect();
            let without = usize::from(filter.search.as_deref() == Some("ab"));
            assert_eq!(leads.len(), list.parts.len() - without, "{filter:?}");
            for lead in leads {
                for way in [Way::Sort, Way::Pick] {
                    assert_indexed(&guarded, &list.select(lead, way, None, 10).0, true);
                }
                let count = list.count(lead, 10).0;
                let steps = plan(&guarded, &count);
                assert_indexed(&guarded, &count, false);
                let within = |step: &String| step.contains("COVERING INDEX") || step.contains("PRIMARY KEY");
                assert!(
                    steps.iter().any(within) || count.contains("key_grams"),
                    "counting {filter:?} reads the keys: {steps:?}"
                );
            }
        }
    }
}

#[test]
fn members_are_listed_along_an_index() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    for after in [true, false] {
        assert_indexed(&guarded, members_sql(after), false);
    }
}

#[test]
fn members_are_counted_within_an_index() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    let steps = plan(&guarded, COUNT_MEMBERS);
    assert!(steps.iter().all(|step| step.contains("COVERING INDEX")), "{steps:?}");
}

#[test]
fn live_keys_are_counted_within_an_index() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    let steps = plan(&guarded, crate::sqlite::keys::COUNT_LIVE);
    assert!(steps.iter().any(|step| step.contains("COVERING INDEX live_keys_by_end")), "{steps:?}");
}

#[test]
fn claims_are_added_up_within_an_index_and_those_that_have_ended_are_found_along_one() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    let steps = plan(&guarded, crate::sqlite::idempotency::SUM);
    assert!(steps.iter().all(|step| step.contains("COVERING INDEX idempotency_by_actor")), "{steps:?}");
    assert_indexed(&guarded, crate::sqlite::idempotency::ENDED, false);
}

#[test]
fn a_prepared_statement_stays_prepared_whatever_it_is_asked() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    for sql in [members_sql(false), crate::sqlite::keys::COUNT_LIVE] {
        let mut statement = guarded.raw().prepare(sql).unwrap();
        for value in 1..4 {
            let values = vec![value; statement.parameter_count()];
            statement.query_map(rusqlite::params_from_iter(values), |_| Ok(())).unwrap().count();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}
