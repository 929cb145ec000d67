//! What is particular to this engine, and the suite that all engines pass.

pub(crate) mod bench_writes;
#[path = "../../../../../tests/src/cluster.rs"]
#[expect(dead_code, reason = "the same file serves the black-box tests, which use more of it")]
#[expect(unreachable_pub, reason = "it is public there")]
mod cluster;
pub(super) mod database;
mod listening;
mod order;
mod pooled;
mod power;
mod security;
mod statements;
mod tls;
mod upgrade;
mod usage;
pub(super) mod watch;

use std::sync::Arc;

use async_trait::async_trait;

use super::{PostgresStore, Settings};
use crate::Store;
use crate::bounds::Bounds;
use crate::conformance::{Bed, conformance};
use database::Database;

#[async_trait]
impl Bed for Database {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(&self.settings()).await.unwrap())
    }
}

conformance!(Database::new());

/// A database whose lists reach their bounds with a handful of keys.
struct Narrow(Database);

#[async_trait]
impl Bed for Narrow {
    async fn open(&self) -> Arc<dyn Store> {
        let bounds = Bounds { walk_first: 1, walk: 3, few: 3, few_first: 1 };
        Arc::new(PostgresStore::open_with(&self.0.settings(), bounds).await.unwrap())
    }
}

mod narrow {
    use super::{Database, Narrow};

    crate::conformance::conformance_of_lists!(Narrow(Database::new()));
}

/// Statements are asked without being prepared, as they are through a pool in transaction mode.
struct Unprepared(Database);

#[async_trait]
impl Bed for Unprepared {
    async fn open(&self) -> Arc<dyn Store> {
        let settings = Settings { prepares: false, ..self.0.settings() };
        Arc::new(PostgresStore::open(&settings).await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_changes_where_no_statement_is_prepared() {
    crate::conformance::tenancy::another_tenant_reads_nothing(&Unprepared(Database::new())).await;
    crate::conformance::changes::replayed_changes_give_the_snapshot(&Unprepared(Database::new())).await;
    crate::conformance::keys::a_rotation_comes_back_as_it_was_kept(&Unprepared(Database::new())).await;
}
