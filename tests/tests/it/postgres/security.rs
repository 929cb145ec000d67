//! Row-level security, seen from outside and by direct SQL of the server's own role.

use keyward_tests::{Caller, Database, Keyward, json};

/// The tables with rows of a tenant, and a question that finds those that name a workspace.
fn rows_that_name(database: &Database, role_sees: &str, workspace: &str) -> Vec<String> {
    let sql = format!(
        "BEGIN; SET LOCAL search_path = keyward; {role_sees};
         SELECT 'keys ' || id FROM keys WHERE home_id = '{workspace}'
         UNION ALL SELECT 'memberships ' || user_id FROM memberships WHERE workspace_id = '{workspace}'
         UNION ALL SELECT 'audit_entries ' || id FROM audit_entries WHERE home_id = '{workspace}'
         UNION ALL SELECT 'workspaces ' || slug FROM workspaces WHERE id = '{workspace}'
         UNION ALL SELECT 'users ' || id FROM users WHERE workspace_id = '{workspace}';
         COMMIT"
    );
    let rows = database.sql_as("keyward_server", &sql).expect("an answer");
    rows.lines().filter(|line| line.contains(' ')).map(ToOwned::to_owned).collect()
}

fn seen_as(workspace: &str) -> String {
    format!("SELECT set_config('keyward.workspace', '{workspace}', true) IS NULL")
}

#[test]
fn cve_7_row_level_security_isolates_workspaces_the_same_for_keys_and_browser_sessions() {
    let keyward = Keyward::profile("cveium").on(Database::new()).start();
    let database = keyward.database().expect("a database");
    let (ours, theirs) = (keyward.workspace(), keyward.workspace());
    let reads = json!({
        "name": "ci", "scopes": ["products:read", "audit:read"], "rules": [{"action": "settings.manage"}, {"action": "keys.read"}]
    });
    let (our_key, their_key) = (ours.create_key(reads.clone()), theirs.create_key(reads));
    let id_of = |slug: &str| database.sql(&format!("SELECT id FROM workspaces WHERE slug = '{slug}'"));
    let (our_id, their_id) = (id_of(&ours.slug), id_of(&theirs.slug));

    // A key reaches its own workspace's data, and nothing of another's: as does whoever is signed in.
    let admin = ours.member("owner");
    let (by_key, by_session) = (keyward.with_key(&our_key.secret), &*admin);
    for caller in [&by_key, by_session] {
        caller.get(&ours.path("keys")).expect(200);
        caller.get(&ours.path(&format!("keys/{}", our_key.id))).expect(200);
        caller.get(&theirs.path("keys")).problem(404, "not_found");
        caller.get(&ours.path(&format!("keys/{}", their_key.id))).problem(404, "not_found");
        caller.delete(&ours.path(&format!("keys/{}", their_key.id))).problem(404, "not_found");
    }
    let asked = json!({"key": our_key.secret, "workspace": theirs.slug});
    assert_eq!(keyward.verify(asked)["code"], "workspace_mismatch");

    // Direct SQL of the server's role: each workspace sees itself alone, and nobody sees anything.
    assert!(rows_that_name(database, &seen_as(&our_id), &our_id).len() > 4);
    assert_eq!(rows_that_name(database, &seen_as(&our_id), &their_id), [""; 0]);
    assert_eq!(rows_that_name(database, &seen_as(&their_id), &our_id), [""; 0]);
    for nothing in ["", "garbage", "%", &our_id.to_uppercase()] {
        assert_eq!(rows_that_name(database, &seen_as(nothing), &our_id), [""; 0], "{nothing:?}");
    }
    assert_eq!(rows_that_name(database, "SELECT 1", &our_id), [""; 0], "unset");

    // Both kinds of request pass the same guard: where it lets nothing through, neither sees anything.
    let list = |caller: &Caller| {
        let answer = caller.get(&ours.path("keys")).expect(200);
        answer.body["items"].as_array().expect("keys").len()
    };
    assert_eq!((list(&by_key), list(by_session)), (1, 1));
    database.sql("ALTER POLICY seen ON keys USING ((SELECT is_system()))");
    // A key that does not even see itself is nobody in its workspace.
    by_key.get(&ours.path("keys")).problem(404, "not_found");
    assert_eq!(list(by_session), 0);
    for caller in [&by_key, by_session] {
        caller.get(&ours.path(&format!("keys/{}", our_key.id))).problem(404, "not_found");
    }
}
