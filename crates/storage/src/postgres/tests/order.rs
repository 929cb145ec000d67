//! Changes in the order of commits, and logs that are whole, however many write.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyward_core::audit::AuditHome;
use keyward_core::change::{Epoch, State};
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::PrincipalId;

use super::cluster::{Cluster, DURABLE};
use super::database::{self, Database};
use crate::conformance::audit::entry;
use crate::conformance::town::{Town, at, person, role, workspace, workspace_key};
use crate::postgres::pool::connect;
use crate::postgres::{FOR_CHAIN, PostgresStore, Settings, migrate};
use crate::{Changed, FIRST_PREV, Store, SystemReason, Tenant};

const WRITERS: usize = 16;
/// Transactions of each writer.
const EACH: usize = 25;
/// Longer than a reader takes before it looks again for changes that nobody numbered.
const LOOKED_AGAIN: Duration = Duration::from_millis(500);

/// What a writer knows of its own change.
struct Written {
    key: KeyId,
    began: Instant,
    ended: Instant,
    epoch: Epoch,
}

/// Between nothing and thirty milliseconds, another each time.
async fn dawdle(dice: &mut u64) {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    tokio::time::sleep(Duration::from_millis((*dice >> 33) % 30)).await;
}

/// Makes keys in a workspace of its own, each in a transaction that dawdles before it commits.
async fn write(store: Arc<dyn Store>, number: usize) -> Vec<Written> {
    let (place, owner) = (workspace(&format!("writer-{number}")), person(&format!("w{number}")));
    let mut tx = store.begin_system(SystemReason::Found).await.unwrap();
    tx.insert_person(&owner).await.unwrap();
    tx.insert_workspace(&place).await.unwrap();
    tx.insert_membership(place.id, owner.person.id, &role("owner"), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let mut dice = u64::try_from(number).unwrap();
    let mut written = Vec::new();
    for n in 0..EACH {
        let key = workspace_key(&format!("key-{n}"), place.id, owner.person.id);
        let mut tx = store.begin(Tenant::workspace(place.id)).await.unwrap();
        dawdle(&mut dice).await;
        if n % 2 == 0 {
            tx.insert_key(&key).await.unwrap();
        } else {
            tx.insert_key_ahead(&key).await.unwrap();
        }
        tx.record_change(Changed::Key(key.id)).await.unwrap();
        tx.append_audit(&entry(AuditHome::Workspace(place.id), PrincipalId::User(owner.person.id)))
            .await
            .unwrap();
        dawdle(&mut dice).await;
        if n % 7 == 3 {
            // Given up: nobody may ever hear of it.
            continue;
        }
        let began = Instant::now();
        let epoch = tx.commit().await.unwrap();
        written.push(Written { key: key.id, began, ended: Instant::now(), epoch });
    }
    written
}

/// Follows the feed until it is told to stop and has caught up, also with what is numbered only by whoever looks. Every part is
/// after the one before.
async fn follow(store: Arc<dyn Store>, stop: Arc<AtomicBool>) -> Vec<(KeyId, Epoch)> {
    follow_from(Epoch(0), store, stop).await
}

async fn follow_from(from: Epoch, store: Arc<dyn Store>, stop: Arc<AtomicBool>) -> Vec<(KeyId, Epoch)> {
    let (mut seen, mut up_to, mut heard_at) = (Vec::new(), from, Instant::now());
    loop {
        if !stop.load(Ordering::SeqCst) {
            heard_at = Instant::now();
        }
        let mut tx = store.view_system(SystemReason::Feed).await.unwrap();
        let from = up_to;
        let last = tx
            .changes_since(from, 1, &mut |part| {
                assert!(part.up_to >= up_to, "{} after {}", part.up_to.0, up_to.0);
                up_to = part.up_to;
                for state in part.states {
                    if let State::Key(key) = state {
                        seen.push((key.id, part.up_to));
                    }
                }
            })
            .await
            .unwrap();
        assert_eq!(last, up_to);
        if from != up_to {
            heard_at = Instant::now();
        } else if heard_at.elapsed() > LOOKED_AGAIN {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_that_dawdle_before_they_commit_are_all_seen_once_and_in_order() {
    let database = Database::new();
    // Two servers, so that they number and link what the other has committed.
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(PostgresStore::open(&database.settings()).await.unwrap()),
        Arc::new(PostgresStore::open(&database.settings()).await.unwrap()),
    ];
    let stop = Arc::new(AtomicBool::new(false));
    let readers = stores.each_ref().map(|store| tokio::spawn(follow(Arc::clone(store), Arc::clone(&stop))));
    let writers: Vec<_> =
        (0..WRITERS).map(|number| tokio::spawn(write(Arc::clone(&stores[number % 2]), number))).collect();
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    stop.store(true, Ordering::SeqCst);
    written.sort_by_key(|one| one.epoch);
    let epochs: HashMap<KeyId, Epoch> = written.iter().map(|one| (one.key, one.epoch)).collect();
    assert_eq!(epochs.len(), written.len());
    for reader in readers {
        let seen = reader.await.unwrap();
        // Every change that was committed, once, in the order of its number, under the number that its writer was told.
        let told: Vec<KeyId> = seen.iter().map(|(key, _)| *key).collect();
        assert_eq!(told, written.iter().map(|one| one.key).collect::<Vec<_>>());
        assert!(seen.iter().all(|(key, epoch)| epochs[key] == *epoch));
    }
    // Whoever had its answer before another asked to commit comes before it.
    for pair in written.iter().flat_map(|one| written.iter().map(move |other| (one, other))) {
        let (one, other) = pair;
        assert!(one.ended >= other.began || one.epoch < other.epoch, "{:?} {:?}", one.epoch, other.epoch);
    }
}

/// Tells of keys that are there, each in a transaction that has written its change long before it commits: whoever came
/// later commits earlier. Some number theirs before that, some after it, and some leave it to others.
async fn tell_slowly(
    database: Arc<Database>,
    place: WorkspaceId,
    keys: Vec<KeyId>,
    number: usize,
) -> Vec<KeyId> {
    let role = if number.is_multiple_of(4) { "keyward_server" } else { "keyward_system" };
    let client = connect(&database.address(role)).await.unwrap();
    let mut dice = u64::try_from(number).unwrap();
    let mut told = Vec::new();
    for (n, key) in keys.into_iter().enumerate() {
        let begin = format!("BEGIN; SELECT set_config('keyward.workspace', '{place}', true)");
        client.batch_execute(&begin).await.unwrap();
        let tells = match number % 4 {
            0 => format!("SELECT keyward.tell_numbered('key', '{key}', NULL)"),
            _ => format!("INSERT INTO keyward.changes (kind, subject_id) VALUES ('key', '{key}')"),
        };
        client.batch_execute(&tells).await.unwrap();
        dawdle(&mut dice).await;
        if n % 7 == 3 {
            client.batch_execute("ROLLBACK").await.unwrap();
            continue;
        }
        client.batch_execute("COMMIT").await.unwrap();
        told.push(key);
        if number % 4 == 1 {
            let sql = "SELECT keyward.number_changes(ARRAY[currval('keyward.change_ids')])";
            client.batch_execute(sql).await.unwrap();
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_that_write_their_change_long_before_they_commit_are_all_seen_once() {
    let database = Arc::new(Database::new());
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&database.settings()).await.unwrap());
    let town = Town::found(Arc::clone(&store)).await;
    let keys: Vec<_> =
        (0..WRITERS * EACH).map(|n| workspace_key(&format!("key-{n}"), town.acme.id, town.ada.id)).collect();
    let mut tx = town.begin().await;
    tx.insert_keys(&keys).await.unwrap();
    let from = tx.commit().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(follow_from(from, store, Arc::clone(&stop)));
    let tellers: Vec<_> = keys
        .chunks(EACH)
        .enumerate()
        .map(|(number, keys)| {
            let keys = keys.iter().map(|key| key.id).collect();
            tokio::spawn(tell_slowly(Arc::clone(&database), town.acme.id, keys, number))
        })
        .collect();
    let mut told = Vec::new();
    for teller in tellers {
        told.extend(teller.await.unwrap());
    }
    stop.store(true, Ordering::SeqCst);
    let mut seen: Vec<KeyId> = reader.await.unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(seen.len(), told.len());
    seen.sort();
    told.sort();
    assert_eq!(seen, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_many_write_and_many_link_is_one_chain() {
    let database = Database::new();
    let town = Town::found(Arc::new(PostgresStore::open(&database.settings()).await.unwrap())).await;
    let home = AuditHome::Workspace(town.acme.id);
    let actor = PrincipalId::User(town.ada.id);
    let mut tasks = Vec::new();
    for number in 0..8_u64 {
        let store = PostgresStore::open(&database.settings()).await.unwrap();
        let tenant = town.inside();
        tasks.push(tokio::spawn(async move {
            let mut dice = number;
            for _ in 0..15 {
                // The system's work does not wait for the turn of the workspace.
                let mut tx = store.begin_system(SystemReason::Authenticate).await.unwrap();
                tx.append_audit(&entry(home, actor)).await.unwrap();
                dawdle(&mut dice).await;
                tx.commit().await.unwrap();
                let head = store.view(tenant).await.unwrap().audit_head(home).await.unwrap();
                assert!(head.is_some(), "what was answered is in the log");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut tx = town.view().await;
    let chain = tx.audit_chain(home, 0, 1_000).await.unwrap();
    assert_eq!(chain.len(), 120);
    let mut prev = FIRST_PREV;
    for (line, number) in chain.iter().zip(1..) {
        assert_eq!((line.number, line.prev), (number, prev));
        assert!(line.is_sound());
        prev = line.hash;
    }
    let head = tx.audit_head(home).await.unwrap().unwrap();
    assert_eq!((head.entries, head.hash), (120, prev));
}

async fn keep_one(town: &Town) -> (KeyId, Epoch) {
    let key = workspace_key("ci", town.acme.id, town.ada.id);
    let key = keyward_core::key::Key {
        belongs: keyward_core::key::Belongs::ToPerson { owner: town.ada.id, workspaces: None },
        ..key
    };
    let mut tx = town.begin().await;
    tx.insert_key_ahead(&key).await.unwrap();
    tx.record_change(Changed::Key(key.id)).await.unwrap();
    (key.id, tx.commit().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_nothing_acknowledged_is_lost_and_no_number_is_given_twice() {
    let cluster = Cluster::start(DURABLE);
    cluster.sql("postgres", "CREATE DATABASE keyward OWNER keyward_owner");
    migrate(&database::address(&cluster, "keyward_owner", "keyward"), &database::roles()).await.unwrap();
    let address = |role| database::address(&cluster, role, "keyward");
    let settings =
        Settings { server: address("keyward_server"), system: address("keyward_system"), prepares: true };
    let town = Town::found(Arc::new(PostgresStore::open(&settings).await.unwrap())).await;
    let mut before = Vec::new();
    let mut told = Epoch(0);
    for _ in 0..3 {
        for _ in 0..5 {
            let (key, epoch) = keep_one(&town).await;
            assert!(epoch > told, "{} after {}", epoch.0, told.0);
            told = epoch;
            before.push(key);
        }
        cluster.stop("immediate");
        let gone = town.store.begin(town.inside()).await.err();
        assert!(matches!(gone, Some(crate::StoreError::Unavailable(_))), "{gone:?}");
        cluster.go_on();
        // The same store, without being opened anew.
        let mut tx = town.view().await;
        for key in &before {
            assert!(tx.key(*key).await.unwrap().is_some(), "{key} was acknowledged");
        }
        // Whoever has seen the last number finds what comes after it, whatever of the numbering was lost.
        let (key, epoch) = keep_one(&town).await;
        assert!(epoch > told, "{} was told before the crash, {} after it", told.0, epoch.0);
        let mut seen = Vec::new();
        let mut tx = town.system_view().await;
        tx.changes_since(told, 10, &mut |part| seen.extend(part.states)).await.unwrap();
        assert!(seen.iter().any(|state| matches!(state, State::Key(found) if found.id == key)));
        told = epoch;
        before.push(key);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_commits_alone_is_numbered_with_its_commit_and_behind_it_where_it_cannot_be() {
    let database = Database::new();
    let town =
        Arc::new(Town::found(Arc::new(PostgresStore::open(&database.settings()).await.unwrap())).await);
    let system = connect(&database.settings().system).await.unwrap();
    let xmin_of = async |epoch: Epoch| {
        let sql = "SELECT xmin::text = (SELECT k.xmin::text FROM keyward.keys k WHERE k.id = c.subject_id)
                   FROM keyward.changes c WHERE epoch = $1";
        system.query_one(sql, &[&i64::try_from(epoch.0).unwrap()]).await.unwrap().get::<_, bool>(0)
    };
    let mut epochs = vec![keep_one(&town).await.1, keep_one(&town).await.1];
    assert!(
        xmin_of(epochs[0]).await && xmin_of(epochs[1]).await,
        "numbered by the transaction that made the key"
    );
    // Another server numbers just then: nobody waits for it before the commit.
    system.batch_execute("SELECT pg_advisory_lock(1266254692, 1)").await.unwrap();
    let keeping = {
        let town = Arc::clone(&town);
        tokio::spawn(async move { keep_one(&town).await.1 })
    };
    let waiting = "SELECT count(*) FROM keyward.changes WHERE epoch IS NULL";
    while system.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(!keeping.is_finished(), "it is committed, and has no number yet");
    system.batch_execute("SELECT pg_advisory_unlock(1266254692, 1)").await.unwrap();
    epochs.push(keeping.await.unwrap());
    assert!(!xmin_of(epochs[2]).await);
    // As after a crash: numbers go on above what is reserved.
    database.sql("TRUNCATE keyward.numbering_goes_on");
    let (_, after) = keep_one(&town).await;
    assert!(after.0 > 1_000_000, "{after:?}");
    // And where none is reserved any more.
    database.sql("UPDATE keyward.epochs_reserved SET up_to = (SELECT max(epoch) FROM keyward.changes)");
    epochs.extend([after, keep_one(&town).await.1, keep_one(&town).await.1]);
    assert!(epochs.is_sorted_by(|one, next| one < next), "{epochs:?}");
    assert!(!xmin_of(epochs[4]).await && xmin_of(epochs[5]).await, "what is reserved has its own commit");
}

/// A commit that waits for a standby holds the numbers for as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_does_not_wait_for_a_commit_that_hangs() {
    let database = Database::new();
    let town = Town::found(Arc::new(PostgresStore::open(&database.settings()).await.unwrap())).await;
    let (key, epoch) = keep_one(&town).await;
    let hanging = connect(&database.settings().server).await.unwrap();
    let (place, acme) = (town.ada.id, town.acme.id);
    let tells = format!(
        "BEGIN; SELECT set_config('keyward.person', '{place}', true), set_config('keyward.workspace', '{acme}', true);
         SELECT keyward.tell_numbered('key', '{key}', NULL)"
    );
    hanging.batch_execute(&tells).await.unwrap();
    database.sql(&format!("INSERT INTO keyward.changes (kind, subject_id) VALUES ('key', '{key}')"));
    let following = tokio::time::timeout(Duration::from_secs(4), async {
        let mut tx = town.system_view().await;
        tx.changes_since(Epoch(0), 10, &mut |_| {}).await.unwrap()
    });
    assert_eq!(following.await.expect("what has no number was told to nobody"), epoch);
    hanging.batch_execute("COMMIT").await.unwrap();
    // And none of it is lost.
    loop {
        let mut tx = town.system_view().await;
        let up_to = tx.changes_since(epoch, 10, &mut |_| {}).await.unwrap();
        if up_to == Epoch(epoch.0 + 2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An import of thousands of keys is linked for seconds, and everybody who reads a log waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_does_not_wait_for_those_who_link() {
    let database = Database::new();
    let town = Town::found(Arc::new(PostgresStore::open(&database.settings()).await.unwrap())).await;
    let (home, tenant) = (AuditHome::Workspace(town.acme.id), town.inside());
    let mut tx = town.begin().await;
    tx.append_audit(&entry(home, PrincipalId::User(town.ada.id))).await.unwrap();
    tx.commit().await.unwrap();
    let linking = connect(&database.settings().system).await.unwrap();
    linking.batch_execute("SELECT pg_advisory_lock(1266254692, 2)").await.unwrap();
    // More than there are connections for anything but tenants.
    let readers: Vec<_> = (0..12)
        .map(|_| {
            let store = Arc::clone(&town.store);
            tokio::spawn(async move { store.view(tenant).await?.audit_head(home).await })
        })
        .collect();
    let wait = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while linking.query_one(wait, &[]).await.unwrap().get::<_, i64>(0) < i64::try_from(FOR_CHAIN).unwrap() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut tx = town.system_view().await;
    tx.changes_since(Epoch(0), 10, &mut |_| {}).await.unwrap();
    keep_one(&town).await;
    drop(linking);
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap().map(|head| head.entries), Some(1));
    }
}

/// A node that hangs up while millions of keys are read for it leaves a connection that is busy with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_the_answer_to_somebody_who_has_gone() {
    let database = Database::new();
    let town = Town::found(Arc::new(PostgresStore::open(&database.settings()).await.unwrap())).await;
    let (key, epoch) = keep_one(&town).await;
    let slow = connect(&database.address("keyward_owner")).await.unwrap();
    slow.batch_execute("BEGIN; LOCK TABLE keyward.keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let store = Arc::clone(&town.store);
    let gone = tokio::spawn(async move {
        let mut tx = store.view_system(SystemReason::Feed).await.unwrap();
        tx.key(key).await
    });
    let wait = "SELECT count(*) FROM pg_locks WHERE relation = 'keyward.keys'::regclass AND NOT granted";
    while slow.query_one(wait, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    // The database gives the statement up after five seconds: whoever waited behind it would have waited for that.
    let following = tokio::time::timeout(Duration::from_secs(4), async {
        let mut tx = town.system_view().await;
        tx.changes_since(epoch, 10, &mut |_| {}).await.unwrap()
    });
    assert_eq!(following.await.expect("on another connection"), epoch);
}
