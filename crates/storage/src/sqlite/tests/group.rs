//! Operations that share a COMMIT.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use keyward_core::key::Key;
use proptest::prelude::*;
use proptest::test_runner::Config;
use tokio::task::JoinSet;

use super::File;
use crate::bounds::Bounds;
use crate::conformance::town::{Town, workspace_key};
use crate::sqlite::SqliteStore;
use crate::sqlite::view::View;
use crate::{Changed, Store as _, StoreError};

/// A store whose groups end only when nobody waits or they are full, however slow the machine is.
async fn town(file: &File) -> (Town, SqliteStore) {
    let store = SqliteStore::open_with(&file.path(), Duration::from_hours(1), Bounds::USUAL).unwrap();
    (Town::found(Arc::new(store.clone())).await, store)
}

async fn keep(town: &Town, key: &Key) -> Result<keyward_core::change::Epoch, StoreError> {
    let mut tx = town.store.begin(town.inside()).await?;
    tx.insert_key(key).await?;
    tx.record_change(Changed::Key(key.id)).await?;
    tx.commit().await
}

/// Looks at a future once. `None`: it waits.
async fn look<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    let mut future = future;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// All of these are in the file, as a reader that comes later sees it.
async fn assert_kept(file: &File, town: &Town, keys: &[Key]) {
    let store = file.store();
    let mut tx = store.view(town.inside()).await.unwrap();
    for key in keys {
        assert!(tx.key(key.id).await.unwrap().is_some(), "{}", key.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_that_wait_for_one_another_share_a_commit() {
    // 130 operations are two full groups and a rest of two.
    for (operations, expected) in [(32, 1), (130, 3)] {
        let file = File::new();
        let (town, store) = town(&file).await;
        let town = Arc::new(town);
        let first = store.begin(town.inside()).await.unwrap();
        let before = store.commits();
        let key = |n| workspace_key(&format!("k{n}"), town.acme.id, town.ada.id);
        let keys: Vec<Key> = (0..operations).map(key).collect();
        let mut tasks = JoinSet::new();
        for key in keys.clone() {
            let town = Arc::clone(&town);
            tasks.spawn(async move { keep(&town, &key).await.unwrap() });
        }
        while store.writer.waiting() < keys.len() {
            tokio::task::yield_now().await;
        }
        drop(first);
        let mut epochs = tasks.join_all().await;
        epochs.sort_unstable();
        epochs.dedup();
        assert_eq!(epochs.len(), keys.len(), "each has its own epoch");
        assert_eq!(store.commits() - before, expected);
        assert_kept(&file, &town, &keys).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_does_not_stay_open_for_long() {
    let file = File::new();
    let store = SqliteStore::open_with(&file.path(), Duration::ZERO, Bounds::USUAL).unwrap();
    let town = Town::found(Arc::new(store.clone())).await;
    let mut tx = town.begin().await;
    tx.insert_key(&workspace_key("a", town.acme.id, town.ada.id)).await.unwrap();
    let mut waiting = Box::pin(town.begin());
    assert!(look(waiting.as_mut()).await.is_none());
    assert!(look(tx.commit().as_mut()).await.is_some(), "it does not wait for the next");
    drop(waiting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_in_a_group_leaves_the_others_whole() {
    for ends_with_it in [false, true] {
        let file = File::new();
        let (town, _) = town(&file).await;
        let [first, second, third] =
            ["a", "b", "c"].map(|name| workspace_key(name, town.acme.id, town.ada.id));
        // The first operation is open while the other two queue up behind it.
        let mut tx = town.begin().await;
        tx.insert_key(&first).await.unwrap();
        let failing = async {
            let mut tx = town.begin().await;
            tx.insert_key(&second).await.unwrap();
            if ends_with_it {
                tx.insert_key_ahead(&first).await.unwrap_err();
                tx.record_change(Changed::Key(second.id)).await.unwrap_err();
                tx.commit().await.unwrap_err();
            } else {
                tx.insert_key(&first).await.unwrap_err();
                // Dropped: the second key goes with it.
            }
        };
        let last = async { keep(&town, &third).await.unwrap() };
        let ((), _, done) = tokio::join!(failing, last, async {
            tokio::task::yield_now().await;
            tx.commit().await
        });
        done.unwrap();
        assert_kept(&file, &town, &[first, third]).await;
        assert!(town.view().await.key(second.id).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_of_a_group_goes_alone_where_others_wait() {
    let file = File::new();
    let (town, store) = town(&file).await;
    let [first, second] = ["a", "b"].map(|name| workspace_key(name, town.acme.id, town.ada.id));
    let before = store.commits();
    let mut tx = town.begin().await;
    tx.insert_key(&first).await.unwrap();
    let last = async { keep(&town, &second).await.unwrap() };
    let (_, ()) = tokio::join!(last, async {
        tokio::task::yield_now().await;
        drop(tx);
    });
    assert_kept(&file, &town, &[second]).await;
    assert!(town.view().await.key(first.id).await.unwrap().is_none());
    assert_eq!(store.commits(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_operation_makes_durable_what_it_may_have_read() {
    let file = File::new();
    let (town, store) = town(&file).await;
    let (key, before) = (workspace_key("a", town.acme.id, town.ada.id), store.commits());
    let mut tx = town.begin().await;
    tx.insert_key(&key).await.unwrap();
    let reading = async {
        let mut tx = town.begin().await;
        assert!(tx.key(key.id).await.unwrap().is_some(), "it is in the open group");
        assert!(town.view().await.key(key.id).await.unwrap().is_none(), "but not durable yet");
        // Somebody else waits, so the group could go on without this one.
        let mut waiting = pin!(town.begin());
        assert!(look(waiting.as_mut()).await.is_none());
        drop(tx);
        assert!(town.view().await.key(key.id).await.unwrap().is_some());
        assert_eq!(store.commits(), before + 1);
    };
    let ((), committed) = tokio::join!(reading, async {
        tokio::task::yield_now().await;
        tx.commit().await
    });
    committed.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_that_gives_up_does_not_keep_the_group_open() {
    let file = File::new();
    let (town, _) = town(&file).await;
    let key = workspace_key("a", town.acme.id, town.ada.id);
    let mut tx = town.begin().await;
    tx.insert_key(&key).await.unwrap();
    let mut waiting = Box::pin(town.store.begin(town.inside()));
    assert!(look(waiting.as_mut()).await.is_none(), "it is in the queue");
    let mut committing = pin!(tx.commit());
    assert!(look(committing.as_mut()).await.is_none(), "the turn went to the waiter");
    // Its turn is in its hands, but it never looks.
    drop(waiting);
    committing.await.unwrap();
    assert_kept(&file, &town, &[key]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_during_its_commit_harms_nobody() {
    let file = File::new();
    let (town, _) = town(&file).await;
    let [left, stayed] = ["a", "b"].map(|name| workspace_key(name, town.acme.id, town.ada.id));
    let mut tx = town.begin().await;
    tx.insert_key(&left).await.unwrap();
    let mut waiting = Box::pin(town.store.begin(town.inside()));
    assert!(look(waiting.as_mut()).await.is_none());
    assert!(look(tx.commit().as_mut()).await.is_none(), "it leaves here");
    let mut tx = waiting.await.unwrap();
    tx.insert_key(&stayed).await.unwrap();
    tx.commit().await.unwrap();
    assert_kept(&file, &town, &[stayed]).await;
}

/// What makes the COMMIT of the group fail: a broken reference that is only looked at then, or an error at
/// which SQLite rolls all back by itself.
const BREAKING: [&str; 2] = [
    "PRAGMA defer_foreign_keys = ON;
     INSERT INTO key_workspaces (key_id, workspace_id, place) VALUES (x'00', x'00', 0)",
    "ROLLBACK",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_is_told_to_the_whole_group() {
    for sql in BREAKING {
        let file = File::new();
        let (town, store) = town(&file).await;
        let [first, second] = ["a", "b"].map(|name| workspace_key(name, town.acme.id, town.ada.id));
        let mut tx = town.begin().await;
        tx.insert_key(&first).await.unwrap();
        let breaking = async {
            let writing = store.writer.begin(View::System).await.unwrap();
            writing.connection().unwrap().execute_batch(sql).unwrap();
            writing.commit().await
        };
        let (broken, committed) = tokio::join!(breaking, async {
            tokio::task::yield_now().await;
            tx.commit().await
        });
        assert!(matches!(broken, Err(StoreError::Unavailable(_))), "{broken:?}");
        assert!(matches!(committed, Err(StoreError::Unavailable(_))), "{committed:?}");
        // The writer is in order again, and the first key is not there.
        keep(&town, &second).await.unwrap();
        assert_kept(&file, &town, &[second]).await;
        assert!(town.view().await.key(first.id).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_automatic_rollback_nothing_is_written_one_by_one() {
    let file = File::new();
    let (town, store) = town(&file).await;
    let writing = store.writer.begin(View::System).await.unwrap();
    writing.connection().unwrap().execute_batch("ROLLBACK").unwrap();
    assert!(matches!(writing.connection(), Err(StoreError::Unavailable(_))));
    drop(writing);
    keep(&town, &workspace_key("a", town.acme.id, town.ada.id)).await.unwrap();
}

/// What one of many callers does.
#[derive(Debug, Clone, Copy)]
enum Act {
    Commit,
    Drop,
    Fail,
    /// Leaves after so many microseconds, wherever it is.
    Leave(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![4 => Just(Act::Commit), 1 => Just(Act::Drop), 1 => Just(Act::Fail), 3 => (0_u64..4_000).prop_map(Act::Leave)]
}

/// Tells whether the commit was acknowledged.
async fn perform(town: Arc<Town>, key: Key, act: Act) -> bool {
    let work = async {
        let mut tx = town.begin().await;
        tx.insert_key(&key).await.unwrap();
        tx.record_change(Changed::Key(key.id)).await.unwrap();
        match act {
            Act::Drop => return false,
            Act::Fail => {
                tx.insert_key(&key).await.unwrap_err();
                return false;
            }
            Act::Commit | Act::Leave(_) => {}
        }
        tokio::task::yield_now().await;
        let epoch = tx.commit().await.unwrap();
        assert!(town.system_view().await.last_epoch().await.unwrap() >= epoch, "followers see it at once");
        true
    };
    match act {
        Act::Leave(after) => tokio::time::timeout(Duration::from_micros(after), work).await.unwrap_or(false),
        _ => work.await,
    }
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_commit_is_answered_and_what_is_acknowledged_is_there(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let file = File::new();
            let town = Arc::new(Town::found(Arc::new(file.store())).await);
            let mut tasks = JoinSet::new();
            let mut keys = Vec::new();
            for (n, act) in acts.into_iter().enumerate() {
                let key = workspace_key(&format!("k{n}"), town.acme.id, town.ada.id);
                keys.push((key.clone(), act));
                let town = Arc::clone(&town);
                tasks.spawn(async move { (n, perform(town, key, act).await) });
            }
            let answered = tokio::time::timeout(Duration::from_secs(30), tasks.join_all()).await.unwrap();
            // Nothing is left open: a new operation has its turn at once.
            keep(&town, &workspace_key("after", town.acme.id, town.ada.id)).await.unwrap();
            let store = file.store();
            let mut tx = store.view(town.inside()).await.unwrap();
            for (n, acknowledged) in answered {
                let (key, act) = &keys[n];
                let is_there = tx.key(key.id).await.unwrap().is_some();
                match act {
                    Act::Commit => assert!(acknowledged && is_there),
                    Act::Drop | Act::Fail => assert!(!acknowledged && !is_there),
                    // Who left before the answer may have been served or not.
                    Act::Leave(_) => assert!(is_there || !acknowledged),
                }
            }
        });
    }
}
