//! `/api/v1/{slug}/audit`: what happened, and the proof that nothing of it was changed.

use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use keyward_tests::{Answer, Keyward, Workspace, json, sha256, shared, unique};
use serde_json::Value;

use crate::store::Store;

fn entries(workspace: &Workspace<'_>, query: &str) -> Vec<Value> {
    workspace.owner().get(&workspace.path(&format!("audit{query}"))).expect(200).items()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry["action"].as_str()).collect()
}

fn export(workspace: &Workspace<'_>, kind: &str) -> Answer {
    workspace.owner().with("Accept", kind).get(&workspace.path("audit")).expect(200)
}

fn check(workspace: &Workspace<'_>) -> Value {
    workspace.owner().get(&workspace.path("audit/verify")).expect(200).body
}

/// A server of one's own, whose store may be spoilt, with a few entries in its workspace.
fn with_history() -> Keyward {
    let keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    for name in ["one", "two", "three"] {
        let key = workspace.create_key(json!({"name": name, "scopes": ["products:read"]}));
        workspace.revoke(&key);
    }
    keyward
}

#[test]
fn cve_13_creations_and_revocations_are_in_the_audit_log_which_can_be_exported() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci-pipeline-prod", "scopes": ["products:read"]}));
    let path = workspace.path(&format!("keys/{}/revoke", key.id));
    workspace.owner().post(&path, json!({"reason": "leaked"})).expect(200);
    let found = entries(&workspace, &format!("?target={}", key.id));
    assert_eq!(actions(&found), ["key.revoked", "key.created"]);
    let revoked = &found[0];
    assert_eq!(revoked["actor"]["type"], "user");
    assert_eq!(revoked["actor"]["id"], workspace.owner().id_in(&workspace.slug));
    assert_eq!(revoked["after"]["reason"], "leaked");
    assert_eq!((&found[1]["before"], &found[1]["after"]["name"]), (&json!(null), &json!("ci-pipeline-prod")));
    for member in ["id", "at", "ip", "request_id", "hash"] {
        assert!(revoked[member].is_string(), "{member}: {revoked}");
    }
    let reads = workspace.key_with(&["audit:read"]);
    let export = keyward.with_key(&reads.secret).with("Accept", "application/x-ndjson");
    let text = export.get(&workspace.path("audit")).expect(200).text;
    assert!(text.contains(&key.id) && !text.contains(&key.secret));
    let lacks = workspace.key_with(&["products:read"]);
    keyward.with_key(&lacks.secret).get(&workspace.path("audit")).problem(403, "insufficient_scope");
}

#[test]
fn cve_8_what_a_key_does_is_recorded_as_its_service_account() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let rules =
        json!([{"action": "settings.manage", "resources": []}, {"action": "keys.read", "resources": []}]);
    let manager = workspace
        .create_key(json!({"name": "ci-pipeline-prod", "scopes": ["products:read"], "rules": rules}));
    let body = json!({"name": "made", "scopes": ["products:read"]});
    let made = keyward.with_key(&manager.secret).post(&workspace.path("keys"), body).expect(201);
    let found = entries(&workspace, &format!("?target={}", made.text_at("id")));
    assert_eq!(found[0]["actor"]["type"], "service_account");
    assert_eq!(found[0]["actor"]["name"], "api_ci-pipeline-prod");
    let account = manager.created.body["service_account"]["id"].as_str().expect("an id");
    assert_eq!(actions(&entries(&workspace, &format!("?actor={account}"))), ["key.created"]);
    workspace.revoke(&manager);
    assert_eq!(entries(&workspace, &format!("?actor={account}"))[0]["actor"]["name"], "api_ci-pipeline-prod");
}

#[test]
fn the_log_tells_of_all_that_happens_in_a_workspace() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    workspace.set_plan("pro");
    let person = workspace.member("viewer");
    let path = workspace.path(&format!("members/{}", person.id_in(&workspace.slug)));
    workspace.owner().patch(&path, json!({"role": "member"})).expect(200);
    let again = keyward.sign_in(&person.email, &person.password);
    again.delete("/api/v1/session").expect(204);
    let wrong = json!({"email": person.email, "password": "a wrong passphrase"});
    keyward.anonymous().post("/api/v1/session", wrong).refused(&[401]);
    // Written beside the answer, into the log of every workspace that they are in by then.
    let found = || entries(&workspace, "?limit=200");
    keyward_tests::eventually(
        std::time::Duration::from_secs(5),
        || actions(&found()).contains(&"session.refused"),
        |is_there| *is_there,
    );
    workspace.remove(&person);
    let found = found();
    for action in [
        "workspace.created",
        "plan.changed",
        "member.invited",
        "member.joined",
        "member.role_changed",
        "session.created",
        "session.ended",
        "session.refused",
        "member.removed",
    ] {
        assert!(actions(&found).contains(&action), "no {action}: {:?}", actions(&found));
    }
    let plan = found.iter().find(|entry| entry["action"] == "plan.changed").expect("a change of the plan");
    assert_eq!(plan["actor"]["type"], "operator");
    assert_eq!(actions(&entries(&workspace, "?actor=operator")), ["plan.changed"]);
}

#[test]
fn entries_are_filtered_and_come_page_by_page() {
    let workspace = shared("cveium").workspace();
    let keys = [workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"])];
    workspace.revoke(&keys[0]);
    assert_eq!(actions(&entries(&workspace, "?action=key.created")), ["key.created", "key.created"]);
    let all = entries(&workspace, "?limit=200");
    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let query = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = workspace.owner().get(&workspace.path(&format!("audit?limit=2{query}"))).expect(200);
        paged.extend(page.items());
        cursor = page.body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    let since = all[1]["at"].as_str().expect("a time");
    assert_eq!(entries(&workspace, &format!("?from={since}")), all[..2]);
    assert_eq!(entries(&workspace, &format!("?to={since}")), all[2..]);
    for query in ["actor=nobody", "from=yesterday", "to=x", "colour=red", "limit=0", "cursor=x"] {
        let field = query.split_once('=').map_or(query, |(name, _)| name);
        workspace.owner().get(&workspace.path(&format!("audit?{query}"))).refuses_field(field);
    }
}

#[test]
fn only_those_who_may_read_the_log() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    workspace.set_plan("pro");
    workspace.member("admin").get(&workspace.path("audit")).expect(200);
    let viewer = workspace.member("viewer");
    for path in ["audit", "audit/verify"] {
        viewer.get(&workspace.path(path)).problem(403, "forbidden");
        viewer.with("Accept", "application/x-ndjson").get(&workspace.path(path)).problem(403, "forbidden");
        keyward.workspace().member("owner").get(&workspace.path(path)).problem(404, "not_found");
        keyward.anonymous().get(&workspace.path(path)).problem(401, "unauthenticated");
    }
}

#[test]
fn people_see_their_own_log() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let body = json!({"name": "own", "scopes": ["vulnerabilities:read"]});
    let key = workspace.personal_key(&person, body);
    let found = person.get("/api/v1/me/audit").expect(200).items();
    assert_eq!((&found[0]["action"], &found[0]["target"]), (&json!("key.created"), &json!(key.id)));
    assert!(actions(&found).contains(&"session.created"));
    assert_eq!(person.get("/api/v1/me/audit/verify").expect(200).body["ok"], true);
    keyward.with_key(&key.secret).get("/api/v1/me/audit").problem(403, "forbidden");
    let of_workspace = entries(&workspace, "?limit=200");
    assert!(!of_workspace.iter().any(|entry| entry["target"] == key.id.as_str()), "it is theirs alone");
}

#[test]
fn an_export_with_filters_holds_what_the_list_with_them_shows() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let keys = [1, 2].map(|_| workspace.key_with(&["products:read"]));
    workspace.revoke(&keys[0]);
    let whole = entries(&workspace, "?limit=200");
    let (first, last) = (&whole[whole.len() - 1], &whole[0]);
    let owner = workspace.owner().id_in(&workspace.slug);
    let at = |entry: &Value| entry["at"].as_str().expect("a time").to_owned();
    for filter in [
        String::new(),
        "?action=key.created".to_owned(),
        format!("?target={}", keys[0].id),
        format!("?actor={owner}&action=key.revoked"),
        "?actor=operator".to_owned(),
        "?actor=system".to_owned(),
        format!("?from={}", at(last)),
        format!("?from={}&to={}", at(first), at(last)),
        "?action=no.such".to_owned(),
    ] {
        let listed =
            entries(&workspace, &format!("{filter}{}limit=200", if filter.is_empty() { "?" } else { "&" }));
        let ids = |entries: &[Value]| -> Vec<String> {
            entries.iter().map(|entry| entry["id"].to_string()).collect()
        };
        let mut listed = ids(&listed);
        listed.reverse();
        let address = format!("{}{filter}", workspace.path("audit"));
        let asker = |kind: &str| workspace.owner().with("Accept", kind).get(&address).expect(200).text;
        let exported: Vec<Value> = asker("application/x-ndjson")
            .lines()
            .map(|line| serde_json::from_str(line).expect("an entry"))
            .collect();
        assert_eq!(ids(&exported), listed, "{filter}");
        assert_eq!(asker("text/csv").matches("\r\n").count(), listed.len() + 1, "{filter}: with its head");
    }
    for (name, value) in [("limit", "5"), ("cursor", "x"), ("colour", "green"), ("actor", "somebody")] {
        let address = format!("{}?{name}={value}", workspace.path("audit"));
        workspace.owner().with("Accept", "application/x-ndjson").get(&address).refuses_field(name);
    }
}

#[test]
fn an_export_finds_what_stands_behind_more_entries_than_it_reads_at_once() {
    let workspace = shared("cveium").workspace();
    let many: Vec<Value> = (0..1_200)
        .map(|n| json!({"sha256": sha256(&unique(&n.to_string())).1, "name": format!("imported-{n}"), "scopes": ["products:read"]}))
        .collect();
    workspace.owner().post(&workspace.path("keys/import"), json!({ "keys": many })).expect(201);
    let key = workspace.key_with(&["products:read"]);
    let address = format!("{}?target={}", workspace.path("audit"), key.id);
    let found = workspace.owner().with("Accept", "application/x-ndjson").get(&address).expect(200).text;
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.contains("\"key.created\"") && found.contains(&key.id));
    assert!(export(&workspace, "application/x-ndjson").text.lines().count() > 1_200);
}

#[test]
fn the_chain_is_checked_by_the_server_and_by_a_few_lines_of_python() {
    let keyward = with_history();
    let workspace = keyward.first_workspace();
    let found = check(&workspace);
    let text = export(&workspace, "application/x-ndjson").text;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(found["entries"], lines.len());
    assert_eq!((&found["broken_at"], &found["problem"]), (&json!(null), &json!(null)));
    // By hand.
    let last = lines.last().expect("a line");
    let (body, hash) = last.rsplit_once(",\"hash\":\"").expect("a hash");
    assert_eq!(sha256(&format!("{body}}}")).1, hash.trim_end_matches("\"}"));
    assert_eq!(found["head"], hash.trim_end_matches("\"}"));
    // By the checker of the documentation.
    let printed = run_checker(&text, &[]).expect("a sound log");
    let head = found["head"].as_str().expect("a hash");
    assert_eq!(printed.trim(), format!("{} {head}", lines.len()));
    let moved = [&lines[..1], &[lines[2], lines[1]], &lines[3..]].concat().join("\n");
    assert!(run_checker(&moved, &[]).is_err());
}

#[test]
fn an_end_of_the_log_is_signed_with_a_key_that_is_no_part_of_the_store() {
    let mut keyward = with_history();
    let ask = |keyward: &Keyward, path: &str| {
        keyward.owner().get(&format!("{path}/audit/checkpoint")).expect(200).body
    };
    let made = ask(&keyward, "/api/v1/acme");
    let found = check(&keyward.first_workspace());
    assert_eq!((&made["entries"], &made["head"]), (&found["entries"], &found["head"]));
    let first = entries(&keyward.first_workspace(), "?limit=1");
    assert_eq!(made["log"], first[0]["log"]);
    let own = ask(&keyward, "/api/v1/me");
    assert_eq!(own["key_id"], made["key_id"]);
    assert_ne!(own["log"], made["log"]);
    assert_eq!(made["signature"].as_str().map(str::len), Some(128));
    keyward.owner().get("/api/v1/acme/audit/checkpoint?entries=1").refuses_field("entries");

    // The secret is in its file, and nowhere else.
    let file = keyward.audit_key();
    let seed = std::fs::read(&file).expect("the signing key");
    assert_eq!(seed.len(), 32);
    let permissions = std::fs::metadata(&file).expect("the signing key").permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    let hex = seed.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    keyward.restart();
    assert_eq!(ask(&keyward, "/api/v1/acme")["key_id"], made["key_id"]);
    for entry in std::fs::read_dir(keyward.dir()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        let has_seed = bytes.windows(seed.len()).any(|part| part == seed) && path != file;
        assert!(!has_seed && !text.contains(&hex), "the signing key is in {}", path.display());
    }

    // A lost key is another key; one that was put elsewhere is that one.
    let elsewhere = keyward.dir().join("elsewhere");
    std::fs::rename(&file, &elsewhere).expect("a move");
    keyward.restart();
    assert_ne!(ask(&keyward, "/api/v1/acme")["key_id"], made["key_id"]);
    keyward.set_env("KEYWARD_AUDIT__SIGNING_KEY_FILE", elsewhere.to_str().expect("a path"));
    keyward.restart();
    assert_eq!(ask(&keyward, "/api/v1/acme")["key_id"], made["key_id"]);

    // Others can read it: the doctor says so.
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let doctor = keyward.command("doctor").output().expect("keyward doctor");
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("FAIL  the audit log's signing key") && said.contains("its mode is 644"), "{said}");
}

#[test]
fn an_end_that_does_not_fit_its_entries_is_not_signed() {
    let keyward = with_history();
    for sql in [
        "UPDATE audit_heads SET hash = zeroblob(32) WHERE home_type = 'workspace'",
        "UPDATE audit_heads SET n = n + 1 WHERE home_type = 'workspace'",
        "DELETE FROM audit_heads",
    ] {
        Store::tamper(&keyward, sql);
        keyward.owner().get("/api/v1/acme/audit/checkpoint").problem(409, "conflict");
    }
}

/// Starts the checker that `docs/reference/audit-log.md` shows.
pub(crate) fn checker(export: impl Into<Stdio>, kept: &[&str]) -> Child {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/audit-log.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let program =
        page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let mut python = Command::new("python3");
    python.args(["-c", program]).args(kept).stdin(export).stdout(Stdio::piped()).stderr(Stdio::piped());
    python.spawn().expect("python3")
}

fn run_checker(export: &str, kept: &[&str]) -> Result<String, String> {
    let mut python = checker(Stdio::piped(), kept);
    let mut stdin = python.stdin.take().expect("its input");
    // It stops reading at the first line that is not sound.
    let _ = stdin.write_all(export.as_bytes());
    drop(stdin);
    let output = python.wait_with_output().expect("its output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn whatever_is_done_to_the_log_in_the_store_is_found() {
    let third = "home_type = 'workspace' AND n = 3";
    for (deed, sql, broken_at, problem) in [
        ("flip", format!("UPDATE audit_entries SET actor_name = 'Eve' WHERE {third}"), 3, "it was changed"),
        ("flip a time", format!("UPDATE audit_entries SET at = at + 1 WHERE {third}"), 3, "it was changed"),
        ("spoil", format!("UPDATE audit_entries SET after = '{{' WHERE {third}"), 3, "it was changed"),
        ("delete", format!("DELETE FROM audit_entries WHERE {third}"), 3, "it is missing"),
        (
            "swap",
            "UPDATE audit_entries SET n = 1000 WHERE home_type = 'workspace' AND n = 3;
             UPDATE audit_entries SET n = 3 WHERE home_type = 'workspace' AND n = 4;
             UPDATE audit_entries SET n = 4 WHERE home_type = 'workspace' AND n = 1000"
                .to_owned(),
            3,
            "it does not follow the entry before it",
        ),
        (
            "insert",
            "INSERT INTO audit_entries (home_type, home_id, n, id, at, actor_type, actor_id, actor_name, action, target,
                 before, after, ip, user_agent, request_id, prev, hash)
             SELECT home_type, home_id, 1000, randomblob(16), at, actor_type, actor_id, actor_name, action, target,
                 before, after, ip, user_agent, request_id, prev, hash
             FROM audit_entries WHERE home_type = 'workspace' AND n = 3"
                .to_owned(),
            0,
            "it is missing",
        ),
        (
            "cut the end",
            "DELETE FROM audit_entries WHERE home_type = 'workspace' AND n > 4".to_owned(),
            5,
            "it is missing: the log had more entries",
        ),
        (
            "forget the end",
            "DELETE FROM audit_heads".to_owned(),
            1,
            "it stands behind the end of the log",
        ),
    ] {
        let keyward = with_history();
        let workspace = keyward.first_workspace();
        let key = workspace.key_with(&["audit:read"]);
        let before = check(&workspace);
        assert_eq!(before["ok"], true);
        let last = before["entries"].as_u64().expect("a number");
        let (entries, head) = (last.to_string(), before["head"].as_str().expect("a hash"));
        let sound = by_the_command_line(&keyward, &key.secret, &entries, head);
        assert_eq!(sound, [0, 0, 0], "{deed}: before it");
        Store::tamper(&keyward, &sql);
        // By the API.
        let found = check(&workspace);
        assert_eq!((&found["ok"], &found["problem"]), (&json!(false), &json!(problem)), "{deed}: {found}");
        let expected = if broken_at == 0 { last + 1 } else { broken_at };
        assert_eq!(found["broken_at"], expected, "{deed}: {found}");
        assert_eq!(found["entries"], expected - 1, "{deed}: {found}");
        // By the command line: on the server, and on the export, by itself and with the end that was kept.
        let [on_server, on_export, with_kept] = by_the_command_line(&keyward, &key.secret, &entries, head);
        assert_eq!(on_server, NOT_SOUND, "{deed}");
        // By the checker of the documentation. An export that was cut looks sound by itself, and what the store
        // remembers of the end is no part of it.
        let text = export(&workspace, "application/x-ndjson").text;
        let shows_by_itself = !["cut the end", "forget the end"].contains(&deed);
        assert_eq!(run_checker(&text, &[]).is_err(), shows_by_itself, "{deed}");
        assert_eq!(on_export == NOT_SOUND, shows_by_itself, "{deed}");
        let shows_with_kept = deed != "forget the end";
        assert_eq!(run_checker(&text, &[&entries, head]).is_err(), shows_with_kept, "{deed}");
        assert_eq!(with_kept == NOT_SOUND, shows_with_kept, "{deed}");
    }
}

/// What `keyward audit verify` ends with where a log is not sound.
const NOT_SOUND: i32 = 10;

/// How `keyward audit verify` ends: asking the server, with an export, and with an export and an end that was kept.
fn by_the_command_line(keyward: &Keyward, secret: &str, entries: &str, head: &str) -> [i32; 3] {
    let run = |arguments: &[&str]| {
        let mut command = keyward.command("audit");
        command.args(arguments).env("KEYWARD_API_KEY", secret);
        command.env("KEYWARD_SERVER_URL", format!("http://{}", keyward.control_addr()));
        command.output().expect("keyward audit").status.code().expect("an exit code")
    };
    assert_eq!(run(&["export", "--workspace", "acme", "--out", "log", "--force"]), 0);
    [
        run(&["verify", "--workspace", "acme"]),
        run(&["verify", "--file", "log"]),
        run(&["verify", "--file", "log", "--entries", entries, "--head", head]),
    ]
}

#[test]
fn an_end_that_was_kept_elsewhere_shows_that_the_log_was_cut_with_all_that_the_store_remembers() {
    let keyward = with_history();
    let workspace = keyward.first_workspace();
    let kept = check(&workspace);
    let entries = kept["entries"].as_u64().expect("a number");
    let query = format!("audit/verify?entries={entries}&head={}", kept["head"].as_str().expect("a hash"));
    let ask = || workspace.owner().get(&workspace.path(&query)).expect(200).body;
    assert_eq!(ask()["ok"], true);
    workspace.key_with(&["products:read"]);
    assert_eq!(ask()["ok"], true, "the log has grown since");
    let last = entries - 2;
    Store::tamper(
        &keyward,
        &format!(
            "DELETE FROM audit_entries WHERE home_type = 'workspace' AND n > {last};
             UPDATE audit_heads SET n = {last}, hash = (SELECT hash FROM audit_entries
                 WHERE home_type = 'workspace' AND n = {last}) WHERE home_type = 'workspace'"
        ),
    );
    assert_eq!(check(&workspace)["ok"], true, "by itself it looks sound");
    let found = ask();
    assert_eq!(found["ok"], false, "{found}");
    assert_eq!(found["problem"], "it is missing: the log that was kept had more entries");
    for query in ["entries=1", "head=00", "entries=0&head=00", "entries=1&head=zz"] {
        workspace
            .owner()
            .get(&workspace.path(&format!("audit/verify?{query}")))
            .problem(422, "validation_failed");
    }
}

#[test]
fn a_table_is_exported_that_no_spreadsheet_takes_for_formulas() {
    let workspace = shared("cveium").workspace();
    workspace.owner().patch(&format!("/api/v1/{}", workspace.slug), json!({"name": "=1+1"})).expect(200);
    let table = export(&workspace, "text/csv");
    assert_eq!(table.header("content-disposition"), Some("attachment; filename=\"audit.csv\""));
    let rows: Vec<&str> = table.text.split("\r\n").collect();
    assert!(rows[0].starts_with("n,id,at,actor_type,"), "{}", rows[0]);
    assert_eq!(rows.len() - 2, entries(&workspace, "?limit=200").len());
    workspace.owner().with("Accept", "text/csv").get(&workspace.path("audit?limit=5")).refuses_field("limit");
}

#[test]
fn a_mutation_whose_entry_cannot_be_written_does_not_happen() {
    let keyward = with_history();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    Store::refuse_entries(&keyward);
    workspace.unchanged_by(|| {
        let body = json!({"name": "x", "scopes": ["products:read"]});
        workspace.owner().post(&workspace.path("keys"), body).refused(&[500, 503]);
        workspace.owner().delete(&workspace.path(&format!("keys/{}", key.id))).refused(&[500, 503]);
    });
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    Store::take_entries(&keyward);
    workspace.revoke(&key);
}

#[test]
fn no_plan_is_changed_and_nobody_signs_in_where_that_cannot_be_written_down() {
    let keyward = Keyward::profile("cybrium").start();
    let workspace = keyward.first_workspace();
    let plan = || workspace.owner().get(&workspace.path("plan")).expect(200).text_at("plan");
    let put = || keyward.operator().put(&workspace.path("plan"), json!({"plan": "pro"}));
    let owner = workspace.owner();
    let credentials = json!({"email": owner.email, "password": owner.password});
    let sign_in = || keyward.anonymous().post("/api/v1/session", credentials.clone());
    Store::refuse_entries(&keyward);
    put().refused(&[500, 503]);
    assert_eq!(plan(), "starter");
    let refused = sign_in().refused(&[500, 503]);
    assert_eq!(refused.header("set-cookie"), None, "{refused}");
    Store::take_entries(&keyward);
    sign_in().expect(200);
    put().expect(200);
    assert_eq!(plan(), "pro");
    assert_eq!(actions(&entries(&workspace, "?limit=2")), ["plan.changed", "session.created"]);
}
