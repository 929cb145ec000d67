use std::collections::BTreeSet;

use super::{Type, columns, ids};
use crate::postgres::link::Link;
use crate::postgres::pool::connect;
use crate::postgres::tests::database::Database;
use crate::sqlite::tables_to_copy;
use crate::whole::{Cell, Kind, Row};

/// What a column may say that tells which kind of identifier another holds.
const SAID: [&str; 4] = ["person", "personal", "user", ""];

/// What a copy leaves behind: tables, and columns of any or of one. And why.
const NOT_COPIED: [(&str, &str); 8] = [
    ("schema_versions", "the schema is made by a migration"),
    ("incarnations", "a copy begins another life"),
    ("epochs_reserved", "the numbers of a life"),
    ("numbering_goes_on", "the numbers of a life"),
    ("changes.id", "changes are copied in their order"),
    ("audit_entries.written", "entries that are linked are copied in their order"),
    ("key_grams", "an index, made from the keys"),
    ("home_id", "repeats whose key it is, or of which tenant"),
];

/// What is only on one of the engines would be lost on the way to the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_and_column_of_the_database_is_copied_or_known_not_to_be() {
    let database = Database::new();
    let copied: BTreeSet<String> = tables_to_copy()
        .unwrap()
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| format!("{}.{}", table.name, column.name)))
        .collect();
    let there = database.sql(
        "SELECT string_agg(c.relname || '.' || a.attname, ' ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
    );
    let names = |column: &str, name: &str| column == name || column.split('.').any(|part| part == name);
    let is_known = |column: &str| NOT_COPIED.iter().any(|(name, _)| names(column, name));
    let lost: Vec<&str> =
        there.split_whitespace().filter(|column| !copied.contains(*column) && !is_known(column)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    for (name, why) in NOT_COPIED {
        let is_there = there.split_whitespace().any(|column| names(column, name) && !copied.contains(column));
        assert!(is_there, "{name} is not there, or copied ({why})");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_can_be_copied_and_every_identifier_has_a_kind() {
    let database = Database::new();
    let link = Link::new(connect(&database.settings().system).await.unwrap(), false);
    link.control("SET search_path = keyward").await.unwrap();
    let mut looked_at = 0;
    for table in tables_to_copy().unwrap() {
        let types = columns(&link, &table).await.unwrap();
        for column in table.columns.iter().filter(|column| column.kind == Kind::Blob) {
            let is_home_of_key = column.name == "home_id" && table.place("key_id").is_some();
            if types[&column.name] != Type::Text || is_home_of_key {
                continue;
            }
            let row = |said: &str| -> Row { vec![Cell::Text(said.to_owned()); table.columns.len()] };
            let text = SAID.iter().find_map(|said| ids::text(&table, &row(said), &column.name, &[7; 16]));
            let text = text.unwrap_or_else(|| panic!("which kind is {}.{}?", table.name, column.name));
            assert_eq!(ids::bytes(&text), Some(vec![7; 16]), "{text}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 30, "identifiers are kept otherwise: {looked_at}");
}
