use super::{Type, columns, ids};
use crate::postgres::link::Link;
use crate::postgres::pool::connect;
use crate::postgres::tests::database::Database;
use crate::sqlite::tables_to_copy;
use crate::whole::{Cell, Kind, Row};

/// What a column may say that tells which kind of identifier another holds.
const SAID: [&str; 4] = ["person", "personal", "user", ""];

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
