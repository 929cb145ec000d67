//! The file.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::File;
use crate::conformance::town::{Town, workspace_key};
use crate::sqlite::SqliteStore;
use crate::sqlite::connection::{Guarded, can_be_written};
use crate::{StoreError, Tenant};

fn pragma(connection: &Connection, name: &str) -> String {
    let sql = format!("PRAGMA {name}");
    let value: rusqlite::types::Value = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
    match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let file = File::new();
    let town = Town::found(std::sync::Arc::new(file.store())).await;
    let mode = |suffix: &str| {
        let path = format!("{}{suffix}", file.path().display());
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("-wal"), mode("-shm")), (0o600, 0o600, 0o600));
    drop(town);
}

#[test]
fn every_connection_is_durable_and_distrustful() {
    let file = File::new();
    drop(file.store());
    let (writer, reader) =
        (Guarded::open(&file.path()).unwrap(), Guarded::open_reader(&file.path()).unwrap());
    for (guarded, query_only) in [(&writer, "0"), (&reader, "1")] {
        for (name, value) in [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("cell_size_check", "1"),
            ("secure_delete", "1"),
            ("busy_timeout", "5000"),
            ("query_only", query_only),
        ] {
            assert_eq!(pragma(guarded.raw(), name), value, "{name}");
        }
    }
}

#[test]
fn whether_a_folder_can_be_written_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    assert!(can_be_written(folder.path()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
    assert!(!can_be_written(&folder.path().join("missing")));
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let file = File::new();
    drop(file.store());
    Connection::open(file.path()).unwrap().pragma_update(None, "user_version", 9_999).unwrap();
    let error = SqliteStore::open(&file.path()).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 9_999, known: 2.. }), "{error}");
}

#[test]
fn another_kind_of_database_is_refused_untouched() {
    let file = File::new();
    let other = Connection::open(file.path()).unwrap();
    other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    let error = SqliteStore::open(&file.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(pragma(&other, "user_version"), "0");

    std::fs::write(file.path(), "no database at all, but long enough to be looked at by SQLite").unwrap();
    let error = SqliteStore::open(&file.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn opening_again_changes_nothing() {
    let file = File::new();
    drop(file.store());
    let before = pragma(&Connection::open(file.path()).unwrap(), "schema_version");
    drop(file.store());
    assert_eq!(pragma(&Connection::open(file.path()).unwrap(), "schema_version"), before);
}

#[test]
fn a_store_without_a_directory_says_where() {
    let error = SqliteStore::open(std::path::Path::new("/nowhere/at/all.db")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all.db"), "{error}");
}

#[tokio::test]
async fn a_damaged_grant_is_an_error_and_not_a_smaller_one() {
    let file = File::new();
    let town = Town::found(std::sync::Arc::new(file.store())).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let hand = Connection::open(file.path()).unwrap();
    for (column, value) in [
        ("\"grant\"", "{\"scopes\":[]}"),
        ("\"grant\"", "{\"scopes\":[],\"rules\":[{\"action\":\"::\",\"resources\":[]}]}"),
        ("allowed_cidrs", "[\"10.0.0.0/99\"]"),
        ("metadata", "[]"),
    ] {
        let before: String =
            hand.query_row(&format!("SELECT {column} FROM keys"), [], |row| row.get(0)).unwrap();
        let write = |text: &str| hand.execute(&format!("UPDATE keys SET {column} = ?1"), [text]).unwrap();
        write(value);
        let error = town.view().await.key(key.id).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { table: "keys", .. }), "{error}");
        write(&before);
    }
    assert!(town.view().await.key(key.id).await.is_ok());
}

#[tokio::test]
async fn audit_entries_are_in_the_file() {
    let file = File::new();
    crate::conformance::audit::an_entry_is_kept(&file).await;
    let hand = Connection::open(file.path()).unwrap();
    let sql = "SELECT count(*), count(actor_id), min(action), min(ip), count(DISTINCT home_type) FROM audit_entries";
    let found: (i64, i64, String, String, i64) = hand
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap();
    assert_eq!(found, (3, 2, "key.created".to_owned(), "192.0.2.1".to_owned(), 2));
}

#[tokio::test]
async fn a_cached_statement_asks_for_the_tenant_anew() {
    let file = File::new();
    let town = Town::found(std::sync::Arc::new(file.store())).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    // One after the other, so that all of them use the one connection and its one prepared statement.
    for (tenant, seen) in
        [(town.inside(), true), (town.outside(), false), (Tenant::default(), false), (town.inside(), true)]
    {
        let found = town.store.view(tenant).await.unwrap().key(key.id).await.unwrap();
        assert_eq!(found.is_some(), seen, "{tenant:?}");
    }
}
