//! How SQLite means to run the lists: along an index, without sorting.

use keyward_core::id::UserId;
use keyward_core::key::KeyStatus;

use rusqlite::StatementStatus;

use super::File;
use crate::conformance::town::at;
use crate::sqlite::connection::Guarded;
use crate::sqlite::key_list::ListQuery;
use crate::sqlite::members::{COUNT_MEMBERS, members_sql};
use crate::{KeyFilter, KeyScope, KeySort, Page, Position, SortField, SortValue};

fn plan(guarded: &Guarded, sql: &str) -> Vec<String> {
    let mut statement = guarded.raw().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3)).unwrap();
    steps.map(Result::unwrap).collect()
}

fn assert_indexed(guarded: &Guarded, sql: &str) {
    let steps = plan(guarded, sql);
    let bad = steps.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE"));
    assert!(!bad, "{sql}\n{steps:#?}");
}

#[test]
fn every_list_of_keys_follows_an_index_in_every_order() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    let none = KeyFilter {
        scope: KeyScope::OfWorkspace,
        status: None,
        owner: None,
        search: None,
        last_used_before: None,
        now: at(0),
    };
    let filters = [
        none.clone(),
        KeyFilter { scope: KeyScope::OfPerson, ..none.clone() },
        KeyFilter { status: Some(KeyStatus::Active), ..none.clone() },
        KeyFilter { status: Some(KeyStatus::Revoked), ..none.clone() },
        KeyFilter { search: Some("x".to_owned()), ..none.clone() },
        KeyFilter { last_used_before: Some(at(0)), ..none.clone() },
    ];
    let owned = KeyFilter { owner: Some(UserId::from_bytes([0; 16])), ..none };
    for field in [SortField::CreatedAt, SortField::Name, SortField::ExpiresAt, SortField::LastUsedAt] {
        for descending in [true, false] {
            for after in [None, Some(Position { value: SortValue::Number(0), id: [0; 16] })] {
                let (sort, page) = (KeySort { field, descending }, Page { limit: 50, after });
                for filter in &filters {
                    assert_indexed(&guarded, &ListQuery::new(filter, sort, &page).sql);
                }
                if field == SortField::CreatedAt {
                    assert_indexed(&guarded, &ListQuery::new(&owned, sort, &page).sql);
                }
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
        assert_indexed(&guarded, members_sql(after));
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
    assert!(steps.iter().all(|step| step.contains("COVERING INDEX live_keys_by_end")), "{steps:?}");
}

#[test]
fn claims_are_added_up_within_an_index_and_those_that_have_ended_are_found_along_one() {
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open_reader(&file.path()).unwrap();
    let steps = plan(&guarded, crate::sqlite::idempotency::SUM);
    assert!(steps.iter().all(|step| step.contains("COVERING INDEX idempotency_by_actor")), "{steps:?}");
    assert_indexed(&guarded, crate::sqlite::idempotency::ENDED);
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
