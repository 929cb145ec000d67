//! The parts of the usage log.

use super::database::Database;
use crate::conformance::Bed;
use crate::conformance::town::{Town, at, workspace_key};
use crate::conformance::usage::used;
use crate::postgres::pool::connect;
use crate::{StoreError, Tx};

const DAY: i64 = 86_400_000;

async fn forget(tx: &mut dyn Tx) -> Result<u32, StoreError> {
    tx.forget_usage_before(at(3 * DAY), 10).await
}

#[tokio::test]
async fn a_part_that_a_backup_reads_stays_until_it_is_done_and_writing_goes_on() {
    let database = Database::new();
    let town = Town::found(database.open().await).await;
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    town.keep(&key).await;
    let uses: Vec<_> = (0..5).map(|n| used(key.id, n * DAY, "valid")).collect();
    let mut tx = town.system().await;
    tx.append_usage("node-1", &uses).await.unwrap();
    tx.commit().await.unwrap();
    let backup = connect(&database.address("keyward_owner")).await.unwrap();
    backup.batch_execute("BEGIN; LOCK TABLE keyward.usage_entries IN ACCESS SHARE MODE").await.unwrap();
    let mut tx = town.system().await;
    let refused = forget(tx.as_mut()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    // The same transaction goes on, and so does who writes.
    tx.append_usage("node-1", &uses).await.unwrap();
    tx.commit().await.unwrap();
    backup.batch_execute("COMMIT").await.unwrap();
    let mut tx = town.system().await;
    assert_eq!(forget(tx.as_mut()).await.unwrap(), 6);
    tx.commit().await.unwrap();
}
