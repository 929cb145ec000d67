//! The benchmark of writes: `cargo xtask bench writes` runs it in the release build.
//!
//! Keys are created through the store, each with its audit entry and its change, and the same rows are inserted bare,
//! without any rule, into a store of the same engine beside it: in turn, again and again, so that whatever else the
//! machine does meanwhile touches both alike. Both wait for the disk at each commit.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use keyward_core::audit::{AuditEntry, AuditHome};
use keyward_core::id::{UserId, WorkspaceId};
use keyward_core::key::{Key, PrincipalId};

use crate::audit::hex;
use crate::conformance::audit::entry;
use crate::conformance::town::{at, person, role, unique, workspace, workspace_key};
use crate::{Changed, Store, SystemReason, Tenant};

/// Clients that write at once, each in a workspace of its own.
const CLIENTS: [u32; 2] = [1, 16];
/// How often it is the turn of each.
const TURNS: u32 = 12;
/// Creates of one turn, of all clients together.
const OF_A_TURN: u32 = 320;
/// Microseconds: a notice comes so long before the end.
pub(crate) const OF_A_DAY: i64 = 86_400_000_000;
/// Where the report goes.
const OUT: &str = "KEYWARD_BENCH_OUT";

/// A workspace and who makes keys in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) workspace: WorkspaceId,
    pub(crate) owner: UserId,
}

/// Something that is created.
#[derive(Debug, Clone)]
pub(crate) struct Creation {
    pub(crate) key: Key,
    pub(crate) entry: AuditEntry,
}

/// Inserts rows bare.
#[async_trait]
pub(crate) trait Bare: Send + Sync {
    /// Inserts the rows of a creation in one transaction, durably. Clients do not share more than they must.
    async fn insert(&self, client: usize, creation: &Creation);
}

/// An engine that is measured.
pub(crate) struct Arena {
    pub(crate) engine: &'static str,
    pub(crate) store: Arc<dyn Store>,
    /// With the homes in it, and no keys.
    pub(crate) bare: Arc<dyn Bare>,
    pub(crate) homes: Vec<Home>,
}

/// How many clients there may be.
pub(crate) const fn clients_max() -> u32 {
    CLIENTS[CLIENTS.len() - 1]
}

/// As many homes as there may be clients. Kept in both stores.
pub(crate) async fn homes(stores: [&dyn Store; 2]) -> Vec<Home> {
    let mut homes = Vec::new();
    for n in 0..clients_max() {
        let (owner, place) = (person(&format!("owner-{n}")), workspace(&format!("workspace-{n}")));
        for store in stores {
            let mut tx = store.begin_system(SystemReason::Found).await.unwrap();
            tx.insert_person(&owner).await.unwrap();
            tx.insert_workspace(&place).await.unwrap();
            tx.insert_membership(place.id, owner.person.id, &role("owner"), at(0)).await.unwrap();
            tx.commit().await.unwrap();
        }
        homes.push(Home { workspace: place.id, owner: owner.person.id });
    }
    homes
}

fn creations(home: Home, count: u32) -> Vec<Creation> {
    let one = |_| {
        let key = workspace_key(&hex(&unique()), home.workspace, home.owner);
        let target = key.id.to_string();
        let entry = entry(AuditHome::Workspace(home.workspace), PrincipalId::User(home.owner));
        Creation { entry: AuditEntry { target, ..entry }, key }
    };
    (0..count).map(one).collect()
}

async fn through_the_store(store: &dyn Store, creation: &Creation) {
    let Creation { key, entry } = creation;
    let keyward_core::key::Belongs::ToWorkspace { workspace, owner: Some(owner), .. } = &key.belongs else {
        panic!("a workspace key");
    };
    let tenant = Tenant::workspace(*workspace).and_person(*owner);
    let mut tx = store.begin(tenant).await.unwrap();
    tx.insert_key_ahead(key).await.unwrap();
    tx.append_audit(entry).await.unwrap();
    tx.record_change(Changed::Key(key.id)).await.unwrap();
    tx.commit().await.unwrap();
}

/// How long all clients took for their creations.
async fn turn(arena: &Arena, clients: u32, is_bare: bool) -> Duration {
    let mut work = Vec::new();
    for (home, _) in arena.homes.iter().zip(0..clients) {
        work.push(creations(*home, OF_A_TURN / clients));
    }
    let done = Arc::new(AtomicU32::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = work
        .into_iter()
        .enumerate()
        .map(|(client, creations)| {
            let (store, bare, done) = (Arc::clone(&arena.store), Arc::clone(&arena.bare), Arc::clone(&done));
            tokio::spawn(async move {
                for creation in &creations {
                    if is_bare {
                        bare.insert(client, creation).await;
                    } else {
                        through_the_store(store.as_ref(), creation).await;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), OF_A_TURN);
    begun.elapsed()
}

async fn measure(arena: &Arena, report: &mut String) {
    for clients in CLIENTS {
        // Statements are prepared, files have their size.
        for is_bare in [true, false] {
            turn(arena, clients, is_bare).await;
        }
        let (mut ours, mut bare, mut ratios) = (Duration::ZERO, Duration::ZERO, Vec::new());
        for number in 0..TURNS {
            let mut took = [Duration::ZERO; 2];
            // Each is the first of the two in every other turn.
            let order = if number % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                took[side] = turn(arena, clients, side == 0).await;
            }
            let [one, other] = took;
            bare += one;
            ours += other;
            ratios.push(one.as_secs_f64() / other.as_secs_f64());
        }
        ratios.sort_by(f64::total_cmp);
        let a_second = |took: Duration| f64::from(TURNS * OF_A_TURN) / took.as_secs_f64();
        let line = format!(
            "| {} | {clients} | {:.0} | {:.0} | **{:.2}** | {:.2} to {:.2} |",
            arena.engine,
            a_second(ours),
            a_second(bare),
            bare.as_secs_f64() / ours.as_secs_f64(),
            ratios[0],
            ratios[ratios.len() - 1]
        );
        println!("{line}");
        writeln!(report, "{line}").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "a benchmark: `cargo xtask bench writes` runs it"]
async fn creates_beside_bare_inserts() {
    let mut report = String::from(
        "\n| engine | clients | creates a second | bare a second | ratio | of single turns |\n|---|--:|--:|--:|--:|--:|\n",
    );
    let (arena, _folder) = crate::sqlite::tests::bench_writes::arena().await;
    measure(&arena, &mut report).await;
    measure(&crate::postgres::tests::bench_writes::arena().await, &mut report).await;
    match std::env::var(OUT) {
        Ok(path) => std::fs::write(path, report).unwrap(),
        Err(_) => println!("{report}"),
    }
}
