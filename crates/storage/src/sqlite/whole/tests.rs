//! Backups and copies of stores that hold a little of everything.

use std::sync::Arc;

use rusqlite::Connection;
use tempfile::NamedTempFile;

use super::layout::tables_of;
use super::{SqliteSource, back_up, look_at_backup, restore, tables};
use crate::conformance::audit::entry;
use crate::conformance::lives::restored;
use crate::conformance::sessions::session;
use crate::conformance::town::{Town, at, personal_key, workspace_key};
use crate::sqlite::SqliteStore;
use crate::sqlite::tests::File;
use crate::whole::{Manifest, Taken, count};
use crate::{KeyFilter, KeyScope, KeySort, Page, StoreError};
use keyward_core::audit::AuditHome;
use keyward_core::key::PrincipalId;

/// More than one part of the feed and of the index of texts.
const KEYS: usize = 1_100;

async fn full(file: &File) -> Town {
    let town = Town::found(Arc::new(file.store())).await;
    let mut tx = town.begin().await;
    for n in 0..KEYS {
        tx.insert_key(&workspace_key(&format!("key-{n}"), town.acme.id, town.ada.id)).await.unwrap();
    }
    tx.commit().await.unwrap();
    town.keep(&personal_key("own", town.ada.id, Some(vec![town.acme.id]))).await;
    let mut tx = town.system().await;
    for home in [AuditHome::Workspace(town.acme.id), AuditHome::Person(town.ada.id)] {
        for _ in 0..3 {
            tx.append_audit(&entry(home, PrincipalId::User(town.ada.id))).await.unwrap();
        }
    }
    tx.insert_session(&session(town.ada.id, 0, 100)).await.unwrap();
    tx.commit().await.unwrap();
    town
}

fn taken() -> Taken {
    Taken { keyward: "test".into(), engine: "sqlite".into(), schema: 0, at: at(5) }
}

async fn backed_up(file: &File) -> (NamedTempFile, Manifest) {
    let out = NamedTempFile::new().unwrap();
    let mut source = SqliteSource::of_store(&file.path()).unwrap();
    let all = count(&mut source, &tables().unwrap()).await.unwrap();
    let mut last = 0;
    let manifest = back_up(&mut source, out.path(), taken(), &mut |done| last = done).await.unwrap();
    assert_eq!((last, manifest.rows()), (all, all), "progress ends where all is done");
    (out, manifest)
}

#[test]
fn every_table_but_derived_ones_is_copied_behind_what_it_refers_to() {
    let tables = tables().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert!(!names.iter().any(|name| name.starts_with("key_grams")), "{names:?}");
    let place = |name| names.iter().position(|other| *other == name).unwrap();
    for (before, behind) in [("workspaces", "users"), ("users", "keys"), ("keys", "key_secrets")] {
        assert!(place(before) < place(behind), "{names:?}");
    }
    let file = File::new();
    drop(file.store());
    let all: i64 = Connection::open(file.path())
        .unwrap()
        .query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(i64::try_from(names.len()).unwrap(), all);
    assert!(tables_of(1).unwrap().len() < tables.len(), "the first schema had fewer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_put_back_is_the_store_in_another_life_without_sessions() {
    let file = File::new();
    let town = full(&file).await;
    let (backup, manifest) = backed_up(&file).await;
    let sound = look_at_backup(backup.path(), &mut |_| ()).await.unwrap();
    assert_eq!((sound.troubles, &sound.manifest), (vec![], &manifest));
    assert_eq!((manifest.audit_logs, manifest.audit_entries), (2, 6));
    let life = restored();
    let again = File::new();
    std::fs::write(again.path(), "").unwrap();
    restore(backup.path(), &again.path(), &life, &mut |_| ()).await.unwrap();
    let store = SqliteStore::open_as_it_is(&again.path()).unwrap();
    let there = Town { store: Arc::new(store), ..town };
    assert_eq!(there.system_view().await.life().await.unwrap(), life);
    assert_eq!(there.system_view().await.last_epoch().await.unwrap().0, manifest.epoch);
    let mut tx = there.view().await;
    let mut filter = KeyFilter {
        scope: KeyScope::OfWorkspace,
        status: None,
        owner: None,
        search: Some("KEY-1099".to_owned()),
        last_used_before: None,
        now: at(0),
    };
    let page = Page { limit: 10, after: None };
    assert_eq!(tx.keys(&filter, KeySort::DEFAULT, &page).await.unwrap().rows.len(), 1, "searches find it");
    filter.search = None;
    assert_eq!(tx.keys(&filter, KeySort::DEFAULT, &page).await.unwrap().rows.len(), 10);
    drop(tx);
    let (second, other) = {
        let out = NamedTempFile::new().unwrap();
        let mut source = SqliteSource::of_store(&again.path()).unwrap();
        let manifest = back_up(&mut source, out.path(), taken(), &mut |_| ()).await.unwrap();
        (out, manifest)
    };
    assert_eq!(look_at_backup(second.path(), &mut |_| ()).await.unwrap().troubles, Vec::<String>::new());
    let differ = manifest.sums().differences(&other.sums());
    assert_eq!(
        differ,
        ["incarnations: 2 rows instead of 1", "sessions: 0 rows instead of 1"].map(String::from)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_indexes_of_a_store_that_was_put_back_are_those_of_any_store() {
    let file = File::new();
    full(&file).await;
    let (backup, _) = backed_up(&file).await;
    let again = File::new();
    std::fs::write(again.path(), "").unwrap();
    restore(backup.path(), &again.path(), &restored(), &mut |_| ()).await.unwrap();
    let schema = |file: &File| -> Vec<(String, Option<String>)> {
        let connection = Connection::open(file.path()).unwrap();
        let sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(schema(&again), schema(&file));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_backup_is_told() {
    let file = File::new();
    full(&file).await;
    for (harm, words) in [
        ("UPDATE keys SET name = 'other' WHERE name = 'key-7'", "keys: a row is another"),
        ("DELETE FROM key_uses WHERE key_id = (SELECT min(key_id) FROM key_uses)", "key_uses: 1100 rows"),
        (
            "UPDATE key_secrets SET key_id = randomblob(16) WHERE digest = (SELECT min(digest) FROM key_secrets)",
            "refer to what is not there",
        ),
        ("UPDATE audit_entries SET actor_name = 'Eve' WHERE n = 2", "entry 2: it was changed"),
        ("DELETE FROM audit_entries WHERE n = 3", "its end is another"),
        (
            "UPDATE backup_manifest SET manifest = json_set(manifest, '$.epoch', 1)",
            "says of itself was changed",
        ),
        ("DROP TABLE sessions", "sessions: the table is not"),
        ("ALTER TABLE keys DROP COLUMN metadata", "keys: the table is not"),
    ] {
        let (backup, _) = backed_up(&file).await;
        let hand = Connection::open(backup.path()).unwrap();
        hand.execute_batch(&format!("PRAGMA foreign_keys = OFF; {harm}")).unwrap();
        drop(hand);
        let troubles = look_at_backup(backup.path(), &mut |_| ()).await.unwrap().troubles.join("; ");
        assert!(troubles.contains(words), "{harm}: {troubles}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_no_store_and_a_store_no_backup() {
    let file = File::new();
    full(&file).await;
    let (backup, _) = backed_up(&file).await;
    assert!(matches!(SqliteStore::open(backup.path()), Err(StoreError::IsBackup)));
    assert!(matches!(look_at_backup(&file.path(), &mut |_| ()).await, Err(StoreError::Corrupt { .. })));
    let hand = Connection::open(backup.path()).unwrap();
    hand.execute_batch("UPDATE backup_manifest SET manifest = json_set(manifest, '$.schema', 9999)").unwrap();
    drop(hand);
    let refused = look_at_backup(backup.path(), &mut |_| ()).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 9_999, .. }), "{refused}");
    std::fs::write(backup.path(), "no database at all, but long enough to be looked at by SQLite").unwrap();
    assert!(look_at_backup(backup.path(), &mut |_| ()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_does_not_see_what_is_written_while_it_is_taken() {
    let file = File::new();
    let town = full(&file).await;
    let mut source = SqliteSource::of_store(&file.path()).unwrap();
    let before = town.system_view().await.last_epoch().await.unwrap();
    town.keep(&workspace_key("later", town.acme.id, town.ada.id)).await;
    let out = NamedTempFile::new().unwrap();
    let manifest = back_up(&mut source, out.path(), taken(), &mut |_| ()).await.unwrap();
    assert_eq!(manifest.epoch, before.0);
    assert_eq!(look_at_backup(out.path(), &mut |_| ()).await.unwrap().troubles, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_an_older_schema_is_neither_backed_up_nor_opened_as_it_is() {
    let file = File::new();
    let mut connection = Connection::open(file.path()).unwrap();
    crate::sqlite::schema::migrate_to(&mut connection, 1).unwrap();
    drop(connection);
    for refused in [
        SqliteSource::of_store(&file.path()).map(drop).unwrap_err(),
        SqliteStore::open_as_it_is(&file.path()).map(drop).unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::TooOld { found: 1, .. }), "{refused}");
    }
    assert!(!crate::sqlite::look_at_schema(&file.path()).unwrap().is_current(), "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_an_older_schema_is_put_back_at_its_version_and_migrated() {
    let (old, backup, again) = (File::new(), NamedTempFile::new().unwrap(), File::new());
    let mut connection = Connection::open(old.path()).unwrap();
    crate::sqlite::schema::migrate_to(&mut connection, 1).unwrap();
    connection
        .execute_batch("INSERT INTO workspaces VALUES (zeroblob(16), 'old', 'Old', 'free', 1, 1)")
        .unwrap();
    drop(connection);
    let mut source = SqliteSource::of_backup(&old.path()).unwrap();
    super::backup::write(&mut source, backup.path(), Taken { schema: 1, ..taken() }, &mut |_| ())
        .await
        .unwrap();
    let sound = look_at_backup(backup.path(), &mut |_| ()).await.unwrap();
    assert_eq!((sound.manifest.schema, sound.troubles), (1, vec![]));
    std::fs::write(again.path(), "").unwrap();
    let life = restored();
    restore(backup.path(), &again.path(), &life, &mut |_| ()).await.unwrap();
    let store = SqliteStore::open_as_it_is(&again.path()).unwrap();
    let mut tx = crate::Store::view_system(&store, crate::SystemReason::Maintain).await.unwrap();
    assert_eq!(tx.workspaces_after(None, 10).await.unwrap().len(), 1);
    assert_eq!(tx.life().await.unwrap(), life);
}
