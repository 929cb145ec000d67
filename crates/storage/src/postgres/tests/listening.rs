//! Those who follow are woken, also after their connection was lost.

use std::time::Duration;

use keyward_core::change::Epoch;

use super::database::Database;
use crate::conformance::town::Town;
use crate::postgres::{PostgresStore, Settings};
use crate::{Changed, Store};

/// Far longer than it takes: what is shown is that it comes at all.
const WITHIN: Duration = Duration::from_secs(30);
/// Long enough for what would come.
const SILENCE: Duration = Duration::from_millis(700);

async fn change(town: &Town) -> Epoch {
    let mut tx = town.begin().await;
    tx.record_change(Changed::Workspace(town.acme.id)).await.unwrap();
    tx.commit().await.unwrap()
}

fn backends(database: &Database) -> String {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '{}' AND query LIKE 'LISTEN%'",
        database.name
    );
    database.sql(&sql)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_hears_of_a_change_also_after_its_connection_was_lost() {
    let database = Database::new();
    let town =
        Town::found(std::sync::Arc::new(PostgresStore::open(&database.settings()).await.unwrap())).await;
    let other = PostgresStore::open(&database.settings()).await.unwrap();
    let before = change(&town).await;
    let hears = |epoch| {
        let other = other.clone();
        tokio::spawn(async move { tokio::time::timeout(WITHIN, other.heard_beyond(epoch)).await })
    };
    let first = hears(before);
    // Until it listens, nothing reaches it.
    let mut last = before;
    while !first.is_finished() {
        last = change(&town).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let epoch = first.await.unwrap().unwrap();
    assert!(epoch > before && epoch <= last, "{before:?} < {epoch:?} <= {last:?}");
    assert_eq!(backends(&database), "1", "it listened on a connection of its own, which is gone now");
    let again = hears(last);
    while !again.is_finished() {
        last = change(&town).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(again.await.unwrap().unwrap() <= last);
    // Nobody is woken by what they know.
    assert!(tokio::time::timeout(SILENCE, other.heard_beyond(last)).await.is_err());
    // Nor twice by what is not there, which every role may say; and what is there is heard of after it.
    database.sql_as("keyward_server", "NOTIFY keyward_changes, '18446744073709551615'").unwrap();
    let nonsense = tokio::time::timeout(WITHIN, other.heard_beyond(last)).await;
    assert_eq!(nonsense.ok(), Some(Epoch(u64::MAX)));
    assert!(tokio::time::timeout(SILENCE, other.heard_beyond(last)).await.is_err());
    let next = change(&town).await;
    assert_eq!(tokio::time::timeout(WITHIN, other.heard_beyond(last)).await.ok(), Some(next));
}

#[tokio::test]
async fn behind_a_pool_that_hands_nothing_on_nobody_listens() {
    let database = Database::new();
    let settings = Settings { prepares: false, ..database.settings() };
    let store = PostgresStore::open(&settings).await.unwrap();
    assert!(tokio::time::timeout(SILENCE, store.heard_beyond(Epoch(0))).await.is_err());
    assert_eq!(backends(&database), "0");
}
