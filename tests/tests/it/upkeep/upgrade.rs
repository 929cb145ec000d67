//! A store of the first schema, filled with many keys, is brought up to date; and a server bears a schema that grows
//! under it, which is how the next version is rolled out: migrate first, then replace the servers one by one.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward_tests::{Database, Keyward, json, project_root, sha256};
use rusqlite::{Connection, params};

use super::run;

/// As many as the promise names; fewer where they are copied into a database first, but for the soak.
const KEYS: u32 = 100_000;
const KEYS_OF_A_COPY: u32 = 20_000;
/// Where a wish for the number stands.
const WISH: &str = "KEYWARD_UPGRADE_KEYS";
/// Threads that ask without a pause.
const ASKERS: u32 = 3;

/// A store as the first version of the schema made it.
pub(super) fn first_schema(path: &Path) -> Connection {
    let sql = project_root().join("crates/storage/migrations/sqlite/0001_first.sql");
    let sql = std::fs::read_to_string(sql).expect("the first migration");
    let store = Connection::open(path).expect("a new store");
    store.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF").expect("settings");
    store
        .execute_batch(&format!(
            "BEGIN; {sql}; PRAGMA application_id = 1266251620; PRAGMA user_version = 1; COMMIT"
        ))
        .expect("the first schema");
    store
}

fn id(kind: u8, number: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[0] = kind;
    id[12..].copy_from_slice(&number.to_be_bytes());
    id
}

/// A secret of a key that came from elsewhere: it keeps its own form.
fn secret(number: u32) -> String {
    format!("legacy-secret-of-the-old-times-{number:08}")
}

/// Every tenth is revoked.
fn is_revoked(number: u32) -> bool {
    number.is_multiple_of(10)
}

/// Keys as the first version kept them, by hand: what it was is no business of the present program.
fn fill(store: &mut Connection, keys: u32) {
    let transaction = store.transaction().expect("a transaction");
    let (owner, workspace) = (id(1, 1), id(2, 1));
    transaction
        .execute("INSERT INTO workspaces VALUES (?1, 'old', 'Old', 'standard', 1, 1)", params![workspace])
        .expect("a workspace");
    transaction
        .execute(
            "INSERT INTO users (id, kind, name, email, password_hash, created_at)
             VALUES (?1, 'person', 'Ada', 'old@example.com', 'none', 1)",
            params![owner],
        )
        .expect("a person");
    transaction
        .execute(
            "INSERT INTO memberships (workspace_id, user_id, role, joined_at) VALUES (?1, ?2, 'owner', 1)",
            params![workspace, owner],
        )
        .expect("a membership");
    for number in 0..keys {
        let (key, account) = (id(3, number), id(4, number));
        let revoked = is_revoked(number).then_some(5_i64);
        let by = revoked.map(|_| "operator");
        let sql = "INSERT INTO users (id, kind, name, workspace_id, created_at, deleted_at)
                   VALUES (?1, 'service_account', ?2, ?3, 1, ?4)";
        let name = format!("api_key-{number}");
        transaction
            .prepare_cached(sql)
            .and_then(|mut sql| sql.execute(params![account, name, workspace, revoked]))
            .expect("an account");
        let sql = "INSERT INTO keys (id, kind, workspace_id, owner_id, home_id, service_account_id, restricted, name, \"grant\",
                   created_at, created_by_type, created_by_id, created_by_name, ends_at, revoked_at, revoked_by_type, revoked_by_name,
                   allowed_cidrs, metadata, version)
                   VALUES (?1, 'workspace', ?2, ?3, ?2, ?4, 0, ?5, '{\"scopes\":[\"products:read\"],\"rules\":[]}',
                   1, 'user', ?3, 'Ada', 9223372036854775807, ?6, ?7, ?7, '[]', '{}', 1)";
        let name = format!("key-{number}");
        transaction
            .prepare_cached(sql)
            .and_then(|mut sql| sql.execute(params![key, workspace, owner, account, name, revoked, by]))
            .expect("a key");
        let (digest, _) = sha256(&secret(number));
        let sql =
            "INSERT INTO key_secrets (digest, key_id, which, hint) VALUES (?1, ?2, 'current', 'legacy')";
        transaction
            .prepare_cached(sql)
            .and_then(|mut sql| sql.execute(params![digest, key]))
            .expect("a secret");
        let sql = "INSERT INTO key_uses (key_id, home_id, used_at) VALUES (?1, ?2, -9223372036854775808)";
        transaction
            .prepare_cached(sql)
            .and_then(|mut sql| sql.execute(params![key, workspace]))
            .expect("a use");
        let sql = "INSERT INTO changes (kind, subject_id) VALUES ('key', ?1)";
        transaction.prepare_cached(sql).and_then(|mut sql| sql.execute(params![key])).expect("a change");
    }
    transaction.commit().expect("a commit");
}

/// Asks about all kinds of keys until it is told to stop; every answer must be the right one.
fn ask(keyward: &Keyward, stop: &AtomicBool, asked: &AtomicU64, begin: u32, keys: u32) {
    let mut number = begin;
    while !stop.load(Ordering::SeqCst) {
        number = (number + 7_919) % keys;
        let expected = if is_revoked(number) { "revoked" } else { "valid" };
        assert_eq!(keyward.verify_code(&secret(number)), expected, "key {number}");
        asked.fetch_add(1, Ordering::SeqCst);
    }
}

/// What an expand-only migration may do: new tables, new columns with a default, new indexes, and data in all of them.
const GROWTH: &str = "
    CREATE TABLE later (key_id BLOB NOT NULL PRIMARY KEY REFERENCES keys (id), note TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO later SELECT id, name FROM keys;
    ALTER TABLE keys ADD COLUMN later TEXT;
    UPDATE keys SET later = name;
    CREATE INDEX keys_by_later ON keys (home_id, later);
";

/// The same on PostgreSQL, where whoever alters a table keeps everybody from it until the end: that comes last, and nothing
/// is written into it then.
const GROWTH_ON_POSTGRES: &str = "
    BEGIN;
    CREATE TABLE later (key_id text PRIMARY KEY REFERENCES keys (id), note text NOT NULL);
    INSERT INTO later SELECT id, name FROM keys;
    CREATE INDEX keys_by_later ON keys (home_id, version);
    ALTER TABLE keys ADD COLUMN later text;
    INSERT INTO schema_versions VALUES (9999, now());
    COMMIT;
";

/// A stopped server on a store of the first schema that was filled and migrated. How long that took.
fn upgraded(keys: u32) -> (Keyward, Duration) {
    let mut keyward = Keyward::profile("cveium").without_bootstrap().on_file().start();
    keyward.terminate();
    std::fs::remove_file(keyward.store()).expect("no store");
    let mut store = first_schema(&keyward.store());
    fill(&mut store, keys);
    drop(store);
    let begun = Instant::now();
    run(&keyward, "migrate", &[]).expect(0).saying("schema version 1 → ");
    (keyward, begun.elapsed())
}

/// Lets the schema grow while verify is asked without a pause, and goes on for longer than a lease. How long it took to
/// grow, and how many answers were right: all.
fn grown_under_load(keyward: &Keyward, keys: u32, grow: impl FnOnce()) -> (Duration, u64) {
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let grown = std::thread::scope(|scope| {
        let (stop, count) = (&stop, &asked);
        let start = |n| scope.spawn(move || ask(keyward, stop, count, n * 31_337, keys));
        let askers: Vec<_> = (0..ASKERS).map(start).collect();
        std::thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        grow();
        let grown = begun.elapsed();
        // It goes on following the store.
        std::thread::sleep(Duration::from_secs(5));
        stop.store(true, Ordering::SeqCst);
        for asker in askers {
            asker.join().expect("every answer was right");
        }
        grown
    });
    let asked = asked.into_inner();
    assert!(asked > 100, "hardly anything was asked: {asked}");
    let epoch = keyward.verify(json!({ "key": secret(1) }))["epoch"].as_u64();
    assert_eq!(epoch, Some(u64::from(keys)));
    (grown, asked)
}

/// The program of before does not start on what the next one has migrated.
fn assert_too_new(mut keyward: Keyward) {
    keyward.terminate();
    let said = keyward.refuses_to_start_again();
    assert!(said.contains("use a newer keyward"), "{said}");
}

fn tell(words: &str) {
    // Not `println!`: the test harness would keep it to itself.
    writeln!(std::io::stderr(), "{words}").expect("stderr");
}

#[test]
fn a_store_of_the_first_schema_with_100_000_keys_is_upgraded_and_no_verify_fails() {
    let (mut keyward, migrated) = upgraded(KEYS);
    let begun = Instant::now();
    keyward.start_stopped();
    let started = begun.elapsed();
    // The next version's `keyward migrate`, while this version serves.
    let (grown, asked) = grown_under_load(&keyward, KEYS, || {
        let store = Connection::open(keyward.store()).expect("the store");
        store.busy_timeout(Duration::from_secs(10)).expect("a wait");
        let next = format!("BEGIN IMMEDIATE; {GROWTH}; PRAGMA user_version = 9999; COMMIT");
        store.execute_batch(&next).expect("the next schema");
    });
    assert_too_new(keyward);
    tell(&format!(
        "upgrade: {KEYS} keys, migrated in {:.1} s, serving {:.1} s later; the next schema took {:.1} s, {asked} right answers",
        migrated.as_secs_f32(),
        started.as_secs_f32(),
        grown.as_secs_f32()
    ));
}

#[test]
fn a_database_of_many_keys_is_migrated_under_its_server_and_no_verify_fails() {
    let keys = std::env::var(WISH).map_or(KEYS_OF_A_COPY, |wish| wish.parse().expect("a number"));
    let (mut keyward, _) = upgraded(keys);
    let database = Database::new();
    let (file, url) = (format!("sqlite:{}", keyward.store().display()), database.env()[0].1.clone());
    for (name, value) in database.env() {
        keyward.set_env(name, &value);
    }
    let begun = Instant::now();
    run(&keyward, "store", &["copy", &file, &url]).expect(0);
    let copied = begun.elapsed();
    keyward.start_stopped();
    let (grown, asked) = grown_under_load(&keyward, keys, || {
        database.sql(GROWTH_ON_POSTGRES);
    });
    for command in ["doctor", "backup"] {
        run(&keyward, command, &[]).expect(1).saying("use a newer keyward");
    }
    assert_too_new(keyward);
    tell(&format!(
        "upgrade on PostgreSQL: {keys} keys, copied and compared in {:.1} s; the next schema took {:.1} s, {asked} right answers",
        copied.as_secs_f32(),
        grown.as_secs_f32()
    ));
}
