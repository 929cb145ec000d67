//! All statements of the engine, as the conformance suite runs them: none reads a table from end to end that grows
//! with the tenants, and none sorts what may be many.

use std::collections::BTreeSet;

use super::plans::{is_scan, is_sort, plan};
use super::{File, Narrow, watch};
use crate::conformance::{conformance, conformance_of_lists};
use crate::sqlite::connection::Guarded;

/// Statements that read a table from end to end, by a part that no other has.
const MAY_SCAN: [(&str, &str); 7] = [
    ("FROM users WHERE kind = 'person' AND is_system()", "the snapshot: all people"),
    ("FROM workspaces w WHERE is_system()", "the snapshot: all workspaces"),
    ("FROM roles WHERE is_system()", "the snapshot: all roles"),
    ("AND suspended_at IS NULL AND is_system()", "the snapshot: all memberships"),
    ("ON sa.id = k.service_account_id WHERE is_system()", "the snapshot: all keys"),
    (
        "FROM keys WHERE revoked_at IS NULL AND ends_at > ?1 AND is_system()",
        "once, before a store that was put back is confirmed",
    ),
    (
        "FROM idempotency WHERE state = 'started'",
        "once, when the only process starts: claims of a day at most",
    ),
];

/// Statements that sort, likewise.
const MAY_SORT: [(&str, &str); 6] = [
    ("FROM key_secrets WHERE key_id = ?1 AND which <> 'current'", "the old secrets of one key"),
    ("FROM keys WHERE service_account_id = ?1 AND revoked_at IS NULL", "the keys of one service account"),
    ("ORDER BY w.name, w.id", "the workspaces of one person"),
    ("ORDER BY r.place", "the workspaces of one key"),
    ("ORDER BY coalesce(last_used_at, created_at) DESC", "the sessions of one person, a few hundred at most"),
    (", TRUE FROM", "a list: the few keys of a filter"),
];

/// In one line, so that a part of it can be found.
fn flat(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn run_all() -> BTreeSet<String> {
    watch::collect();
    conformance!(File::new(), in_turn);
    conformance_of_lists!(Narrow(File::new()), in_turn);
    watch::collected()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_all_of_what_grows() {
    let statements = run_all().await;
    assert_no_other_is_written_down(&statements);
    let file = File::new();
    drop(file.store());
    let guarded = Guarded::open(&file.path()).unwrap();
    let those = |is_so: fn(&str) -> bool| -> Vec<_> {
        let plans = statements.iter().map(|sql| (flat(sql), plan(&guarded, sql)));
        plans.filter(|(_, steps)| steps.iter().any(|step| is_so(step))).collect()
    };
    assert_allowed("reads a table from end to end", &those(is_scan), &MAY_SCAN);
    assert_allowed("sorts", &those(is_sort), &MAY_SORT);
}

fn assert_allowed(what: &str, plans: &[(String, Vec<String>)], allowed: &[(&str, &str)]) {
    for (sql, steps) in plans {
        assert!(allowed.iter().any(|(part, _)| sql.contains(part)), "this {what}:\n{sql}\n{steps:#?}");
    }
    for (part, why) in allowed {
        let found = plans.iter().any(|(sql, _)| sql.contains(part));
        assert!(found, "nothing {what} any more: {part} ({why})");
    }
}

/// Each line of the engine that begins a statement is in one of those that were run.
fn assert_no_other_is_written_down(statements: &BTreeSet<String>) {
    let run: Vec<String> = statements.iter().map(|sql| flat(sql)).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
    let mut found = 0;
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    // The schema is looked at once, when the store is opened.
    for file in files.filter(|file| file.path().is_file() && file.file_name() != "schema.rs") {
        let source = std::fs::read_to_string(file.path()).unwrap();
        for line in source.lines() {
            for verb in ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE "] {
                let Some((_, rest)) = line.split_once(verb) else { continue };
                let text = rest.split(['"', '{', '\\']).next().unwrap_or_default();
                let begin = flat(&format!("{}{text}", &verb[1..]));
                found += 1;
                assert!(
                    run.iter().any(|sql| sql.contains(&begin)),
                    "{}: no case of the suite runs {begin:?}",
                    file.path().display()
                );
            }
        }
    }
    assert!(found > 30, "the statements are written otherwise: {found}");
}
