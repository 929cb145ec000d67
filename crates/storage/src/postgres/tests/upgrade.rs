//! The first schema, with something of everything in it, brought up to date.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::database::{Database, roles};
use crate::conformance::tenancy::Full;
use crate::conformance::town::{Town, workspace_key};
use crate::postgres::pool::connect;
use crate::postgres::schema::{FIRST, MIGRATIONS};
use crate::postgres::{PostgresStore, migrate};

/// The rows of a table, each as one line of JSON.
fn rows(database: &Database, table: &str, columns: &str) -> Vec<String> {
    let sql = format!("SELECT to_jsonb(t) FROM (SELECT {columns} FROM keyward.{table}) t");
    let mut rows: Vec<String> = database.sql(&sql).lines().map(ToOwned::to_owned).collect();
    rows.sort_unstable();
    rows
}

fn columns(database: &Database, table: &str) -> String {
    database
        .sql(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = 'keyward.{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        ))
        .trim()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_the_first_schema_keeps_everything_and_goes_on() {
    let (present, old) = (Database::new(), Database::empty());
    let full = Full::found(&present).await;
    let first = MIGRATIONS.first().unwrap();
    let version = "INSERT INTO keyward.schema_versions VALUES (1, now())";
    old.sql_as("keyward_owner", &format!("{FIRST} SET search_path = keyward, pg_temp; {first}; {version}"))
        .unwrap();
    let tables = old.sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'keyward'::regnamespace AND relkind = 'r'
         AND relname NOT IN ('schema_versions', 'incarnations', 'epochs_reserved', 'numbering_goes_on')",
    );
    let mut filled = Vec::new();
    for table in tables.lines() {
        let columns = columns(&old, table);
        let there = rows(&present, table, &columns);
        let insert = there.iter().map(|row| {
            let row = row.replace('\'', "''");
            format!(
                "INSERT INTO keyward.{table} ({columns}) OVERRIDING SYSTEM VALUE
                 SELECT {columns} FROM jsonb_populate_record(NULL::keyward.{table}, '{row}');"
            )
        });
        // In whatever order: what they refer to comes too.
        old.sql(&format!("SET session_replication_role = replica; {}", insert.collect::<String>()));
        filled.push((table, columns, there));
    }
    assert!(filled.iter().filter(|(_, _, rows)| !rows.is_empty()).count() > 8, "{filled:?}");
    old.sql("SELECT setval('keyward.change_ids', (SELECT max(id) FROM keyward.changes))");

    let known = u32::try_from(MIGRATIONS.len()).unwrap();
    assert_eq!(migrate_beside_a_backup(&old).await, (1, known));
    for (table, columns, before) in filled {
        assert_eq!(rows(&old, table, &columns), before, "{table}");
    }
    let store = Arc::new(PostgresStore::open(&old.settings()).await.unwrap());
    let Town { ada, eve, acme, globex, .. } = full.town;
    let town = Town { store, ada, eve, acme, globex };
    let found = town.view().await.key(full.of_acme.id).await.unwrap().unwrap();
    assert_eq!(found.key.secret, full.of_acme.secret);
    town.keep(&workspace_key("after", town.acme.id, town.ada.id)).await;
    let mut tx = town.system_view().await;
    let mut states = 0;
    tx.changes_since(keyward_core::change::Epoch(0), 1_000, &mut |part| states += part.states.len())
        .await
        .unwrap();
    assert!(states > 3, "{states}");
}

/// Migrates while something reads for four seconds, and shows that others who read do not wait behind the migration.
async fn migrate_beside_a_backup(database: &Database) -> (u32, u32) {
    let owner = database.address("keyward_owner");
    let (backup, other) = (connect(&owner).await.unwrap(), connect(&owner).await.unwrap());
    backup.batch_execute("BEGIN; LOCK TABLE keyward.keys IN ACCESS SHARE MODE").await.unwrap();
    let migrating = tokio::spawn(async move { migrate(&owner, &roles()).await });
    // Less than a lease. The migration waits for a second at a time.
    other.batch_execute("SET statement_timeout = '3s'").await.unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        other.batch_execute("SELECT count(*) FROM keyward.keys").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!migrating.is_finished(), "it waits for the backup");
    backup.batch_execute("COMMIT").await.unwrap();
    migrating.await.unwrap().unwrap()
}
