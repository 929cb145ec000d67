//! All statements of the engine, as the conformance suite asks them: none reads a table or an index from end to end that
//! grows with the tenants, as either of the server's roles plans it.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::database::Database;
use super::{Narrow, watch};
use crate::conformance::tenancy::Full;
use crate::conformance::{conformance, conformance_of_lists};

/// Statements that read a table or an index from end to end, by a part that no other has.
const MAY_SCAN: [(&str, &str); 8] = [
    ("FROM workspaces w WHERE is_system()", "the snapshot: all workspaces"),
    ("FROM roles WHERE is_system()", "the snapshot: all roles"),
    ("AND suspended_at IS NULL AND is_system()", "the snapshot: all memberships"),
    (
        "FROM idempotency WHERE state = 'started' AND is_system()",
        "once, when the only process starts: claims of a day at most",
    ),
    (
        "DELETE FROM usage_counts",
        "old counts: as many as it may forget at once, which this plan does not know",
    ),
    ("WHERE w.deleted_at IS NOT NULL LIMIT $1", "deleted webhooks, which this planner takes for many"),
    ("AND NOT EXISTS ( SELECT 1 FROM webhook_deliveries", "the same"),
    ("AND next_due_at <= $1 AND ( SELECT count(*)", "the same"),
];

/// Indexes of what waits to be done alone, which shrink as it is done.
const QUEUES: [&str; 6] = [
    "audit_entries_to_link",
    "webhooks_by_due",
    "webhooks_failing",
    "webhooks_deleted",
    "mails_by_time",
    "changes_to_number",
];
/// Tables that do not grow with the tenants, and their indexes: there are a few servers, gateway nodes and roles of the
/// database server.
const SMALL: [&str; 8] = [
    "incarnations",
    "epochs_reserved",
    "schema_versions",
    "servers",
    "servers_pkey",
    "nodes",
    "nodes_pkey",
    "pg_authid_oid_index",
];

/// A planner chooses by how much there is: a million rows in every table, as it would know them from an ANALYZE.
const MANY_ROWS: &str = "UPDATE pg_class SET reltuples = 1000000, relpages = 1
    WHERE relnamespace = 'keyward'::regnamespace AND relkind IN ('r', 'p', 'i', 'I')
      AND relname NOT IN ('incarnations', 'epochs_reserved', 'schema_versions')";

/// In one line, so that a part of it can be found.
fn flat(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn run_all() -> BTreeMap<String, Vec<String>> {
    watch::collect();
    conformance!(Database::new(), in_turn);
    conformance_of_lists!(Narrow(Database::new()), in_turn);
    watch::collected()
}

/// A connection as one of the server's roles that plans as it does.
async fn planner(database: &Database, role: &str) -> Client {
    let config: tokio_postgres::Config = database.cluster.url(role, &database.name).parse().unwrap();
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let settings = "SET search_path = keyward, pg_temp; SET enable_seqscan = off; SET jit = off;
                    SET plan_cache_mode = force_generic_plan";
    client.batch_execute(settings).await.unwrap();
    client
}

/// How a statement is carried out, whatever its values are. `None`: the role has no right to it.
async fn plan(client: &Client, sql: &str, kinds: &[String]) -> Option<Value> {
    let types = if kinds.is_empty() { String::new() } else { format!("({})", kinds.join(", ")) };
    let values = vec!["NULL"; kinds.len()].join(", ");
    let values = if kinds.is_empty() { String::new() } else { format!("({values})") };
    client.batch_execute(&format!("PREPARE asked{types} AS {sql}")).await.unwrap_or_else(|error| {
        panic!("{sql}: {error}");
    });
    let told = client.simple_query(&format!("EXPLAIN (FORMAT JSON) EXECUTE asked{values}")).await;
    client.batch_execute("DEALLOCATE asked").await.unwrap();
    let told = match told {
        Ok(told) => told,
        Err(error) if error.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) => {
            return None;
        }
        Err(error) => panic!("{sql}: {error}"),
    };
    let text = told.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    serde_json::from_str(text.unwrap()).unwrap()
}

/// The steps of a plan that read all of something, in words.
fn scans(plan: &Value, found: &mut Vec<String>) {
    match plan {
        Value::Array(parts) => parts.iter().for_each(|part| scans(part, found)),
        Value::Object(step) => {
            let kind = step.get("Node Type").and_then(Value::as_str).unwrap_or_default();
            let of = step.get("Index Name").or(step.get("Relation Name")).and_then(Value::as_str);
            let is_bound = step.contains_key("Index Cond");
            let of = of.unwrap_or_default();
            let reads_all = kind == "Seq Scan" || (kind.contains("Index") && !is_bound);
            if reads_all && !SMALL.contains(&of) && !QUEUES.contains(&of) {
                found.push(format!("{kind} on {of}"));
            }
            step.values().for_each(|part| scans(part, found));
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_all_of_what_grows() {
    let statements = run_all().await;
    assert_no_other_is_written_down(&statements);
    let database = Database::new();
    let _full = Full::found(&database).await;
    database.sql(MANY_ROWS);
    let planners = [planner(&database, "keyward_server").await, planner(&database, "keyward_system").await];
    let mut scanning = BTreeMap::new();
    for (sql, kinds) in &statements {
        let mut plans = 0;
        let mut found = Vec::new();
        for planner in &planners {
            if let Some(plan) = plan(planner, sql, kinds).await {
                plans += 1;
                scans(&plan, &mut found);
            }
        }
        assert!(plans > 0, "neither role may ask this: {sql}");
        if !found.is_empty() {
            found.dedup();
            scanning.insert(flat(sql), found);
        }
    }
    let allowed = |sql: &str| MAY_SCAN.iter().any(|(part, _)| sql.contains(part));
    let others: BTreeMap<_, _> = scanning.iter().filter(|(sql, _)| !allowed(sql)).collect();
    assert!(others.is_empty(), "these read from end to end: {others:#?}");
    for (part, why) in MAY_SCAN {
        assert!(scanning.keys().any(|sql| sql.contains(part)), "this does not any more: {part} ({why})");
    }
}

/// Each line of the engine that begins a statement is in one of those that were asked.
fn assert_no_other_is_written_down(statements: &BTreeMap<String, Vec<String>>) {
    let asked: Vec<String> = statements.keys().map(|sql| flat(sql)).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres");
    // The schema and the roles' rights are looked at once, when a store is opened or migrated.
    let apart = ["schema.rs", "power.rs"];
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        if !file.path().is_file() || apart.contains(&name.as_str()) {
            continue;
        }
        let source = std::fs::read_to_string(file.path()).unwrap();
        for line in source.lines() {
            for verb in ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "] {
                let Some((_, rest)) = line.split_once(verb) else { continue };
                let text = rest.split(['"', '{', '\\']).next().unwrap_or_default();
                let begin = flat(&format!("{}{text}", &verb[1..]));
                // The end of a transaction is a control statement, also with the numbering before it.
                if line.contains("; COMMIT") {
                    continue;
                }
                found += 1;
                assert!(
                    asked.iter().any(|sql| sql.contains(&begin)),
                    "{name}: no case of the suite asks {begin:?}"
                );
            }
        }
    }
    assert!(found > 30, "the statements are written otherwise: {found}");
}
