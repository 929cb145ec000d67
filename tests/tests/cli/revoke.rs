use std::time::Duration;

use insta::assert_snapshot;
use keyward_tests::{Key, Keyward, Workspace, eventually, json, shared};

use crate::answers::{answer_each, http};
use crate::exit_codes::NO_SUCH_KEY;
use crate::masked::masked;
use crate::person::Shell;
use crate::terminal::Terminal;

#[test]
fn without_anybody_to_ask_it_refuses_and_says_how() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner());
    let revoke = ["keys", "revoke", &key.id, "-w", &workspace.slug];
    shell.run_with(&revoke, "yes\n").expect(2).without_data().saying("Add --yes.");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn it_asks_for_the_name_or_yes() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    for (answer, code) in [("no", "valid"), ("", "valid"), ("{name}", "revoked"), ("yes", "revoked")] {
        let key = workspace.key_with(&["products:read"]);
        let revoke = ["keys", "revoke", &key.id, "-w", &workspace.slug];
        let (exit, shown) = Terminal::new(100).run(&shell, &revoke, &answer.replace("{name}", key.name()));
        assert!(shown.contains("Type its name, or yes, to revoke it:"), "{shown}");
        assert!(shown.contains(key.name()) && shown.contains("never used"), "{shown}");
        assert_eq!(exit, i32::from(code == "valid"), "{answer}: {shown}");
        assert_eq!(keyward.verify_code(&key.secret), code, "{answer}");
    }
}

#[test]
fn a_receipt_is_for_programs_too_and_doing_it_again_changes_nothing() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner());
    let revoke = ["keys", "revoke", &key.id, "-w", &workspace.slug, "--yes", "--json"];
    let first = shell.run(&revoke).expect(0).saying("Applied on 1 of 1 nodes in").json();
    assert_eq!((&first["id"], &first["propagated"]), (&key.id.as_str().into(), &true.into()));
    let again = shell.run(&revoke).expect(0).json();
    assert_eq!(again["revoked_at"], first["revoked_at"]);
}

#[test]
fn who_is_asked_sees_whose_key_it_is_and_from_where_it_was_used() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    use_from(keyward, &workspace, &key, "203.0.113.7");
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let (exit, shown) = Terminal::new(100).run(&shell, &["keys", "revoke", &key.id], "no");
    assert_eq!(exit, 1);
    assert!(shown.contains("active, owned by ada, last used"), "{shown}");
    assert!(
        shown.contains("ago from 203.0.113.7.") || shown.contains("just now from 203.0.113.7."),
        "{shown}"
    );
}

/// Uses a key from an address, and waits until that can be read.
fn use_from(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key, ip: &str) {
    keyward.verify(json!({"key": key.secret, "ip": ip}));
    let used = || workspace.get_key(&key.id).body["last_used_ip"].clone();
    eventually(Duration::from_secs(5), used, |used| *used == ip);
}

#[test]
fn several_keys_are_revoked_together_with_a_result_for_each() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, two) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let revoke =
        ["keys", "revoke", &one.id, NO_SUCH_KEY, &two.id, &one.id, "--yes", "--reason", "spring cleaning"];
    let revoked = shell.run(&revoke).expect(5);
    assert_snapshot!(masked(&revoked, &[(&workspace.slug, "SLUG")]), @r#"
    stdout:
    ID  RESULT  WHY NOT
    key_ID  revoked
    key_ID  error  the key was not found
    key_ID  revoked
    stderr:
    2 of 3 keys are revoked in workspace SLUG.
    Applied on 1 of 1 nodes in …: they are refused everywhere.
    error: 1 of 3 keys cannot be revoked; the list says why
    exit: 5
    "#);
    for key in [&one, &two] {
        assert_eq!(keyward.verify_code(&key.secret), "revoked");
    }

    let both = shell.run(&["keys", "revoke", &one.id, &two.id, "--yes", "--json"]).expect(0);
    let results =
        json!({"results": [{"id": one.id, "status": "revoked"}, {"id": two.id, "status": "revoked"}]});
    assert_eq!(both.json(), results, "doing it again changes nothing");
    let too_long = "x".repeat(501);
    shell.run(&["keys", "revoke", &one.id, &two.id, "--yes", "--reason", &too_long]).expect(1).without_data();
}

#[test]
fn a_dry_run_shows_what_would_be_lost_and_loses_nothing() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = |name: &str| workspace.create_key(json!({"name": name, "scopes": ["products:read"]}));
    let (used, ownerless, gone) = (key("used"), key("ownerless"), key("gone"));
    let grace = workspace.member("admin");
    let owner = json!({"owner": grace.id_in(&workspace.slug)});
    workspace
        .owner()
        .send_json("PATCH", &workspace.path(&format!("keys/{}", ownerless.id)), &owner)
        .expect(200);
    workspace.remove(&grace);
    workspace.revoke(&gone);
    use_from(keyward, &workspace, &used, "203.0.113.7");

    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let ids = format!("{}\n\n{}\n{}\n{NO_SUCH_KEY}\n{}\n", used.id, ownerless.id, gone.id, used.id);
    let dry_run = ["keys", "revoke", "--stdin", "--dry-run"];
    let shown = workspace.unchanged_by(|| shell.run_with(&dry_run, &ids).expect(5));
    assert_snapshot!(masked(&shown, &[(&workspace.slug, "SLUG")]), @r#"
    stdout:
    NAME  RESULT  ID  LAST USED  FROM  OWNER
    used  would be revoked  key_ID  … ago  203.0.113.7  ada
    ownerless  would be revoked  key_ID  never  nobody
    gone  revoked already  key_ID  never  ada
      the key was not found  key_ID
    stderr:
    A dry run: nothing was changed. 2 of 4 keys would be revoked.
    error: 1 of 4 keys cannot be revoked; the list says why
    exit: 5
    "#);
    let json = shell.run(&["keys", "revoke", &used.id, "--dry-run", "--json"]).expect(0).json();
    let path = workspace.path("keys/bulk-revoke");
    let answer = workspace.owner().post(&path, json!({"ids": [used.id], "dry_run": true})).expect(200);
    assert_eq!(json, answer.body, "--json is the server's own answer");
    for key in [&used, &ownerless] {
        assert_eq!(keyward.verify_code(&key.secret), "valid");
    }
}

#[test]
fn who_is_asked_about_several_sees_each() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, two) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let revoke = ["keys", "revoke", &one.id, &two.id];
    for (answer, code) in [("no", "valid"), ("yes", "revoked")] {
        let (exit, shown) = Terminal::new(120).run(&shell, &revoke, answer);
        assert!(shown.contains("Type yes to revoke these 2 keys:"), "{shown}");
        for key in [&one, &two] {
            assert!(shown.contains(key.name()) && shown.contains(&key.id), "{shown}");
            assert_eq!(keyward.verify_code(&key.secret), code, "{shown}");
        }
        assert_eq!(exit, i32::from(answer == "no"), "{shown}");
    }
}

#[test]
fn ids_on_stdin_need_somebody_who_said_yes_before() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let stdin = ["keys", "revoke", "--stdin"];
    shell.run_with(&stdin, &key.id).expect(2).without_data().saying("--dry-run").saying("add --yes");
    let planted = format!("{}\n{}\n", key.id, key.secret);
    let refused = shell.run_with(&[&stdin[..], &["--yes"]].concat(), &planted).expect(2).without_data();
    assert!(!refused.stderr.contains(&key.secret), "{refused:#?}");
    refused.saying("line 2 of stdin");
    shell.run_with(&[&stdin[..], &["--yes"]].concat(), "\n").expect(2).without_data().saying("no ids");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    shell.run_with(&[&stdin[..], &["--yes"]].concat(), &key.id).expect(0).saying("1 of 1 key is revoked");
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
}

#[test]
fn more_than_the_server_takes_at_once_are_sent_in_parts_with_their_progress() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let mut ids: Vec<String> = (0..2_000).map(|number| format!("key_{number:026}")).collect();
    ids.push(key.id.clone());
    let revoke = ["keys", "revoke", "--stdin", "--yes", "--json"];
    let ran = shell.run_with(&revoke, &ids.join("\n")).expect(5);
    let results = ran.json()["results"].as_array().expect("results").clone();
    let told: Vec<_> = results.iter().map(|result| result["id"].as_str().unwrap_or_default()).collect();
    assert_eq!(told, ids);
    assert_eq!(results.last().map(|result| result["status"].clone()), Some(json!("revoked")));
    assert!(!ran.stderr.contains('\r'), "a log has no line that is written over: {}", ran.stderr);

    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let arguments = [&["keys", "revoke", "--yes"], &ids[..]].concat();
    let (exit, shown) = Terminal::new(120).run(&shell, &arguments, "");
    assert_eq!(exit, 5);
    assert!(
        shown.contains("] Revoked 1,000 of 2,001 keys, ") && shown.contains("1 of 2,001 keys is revoked"),
        "{shown}"
    );
}

#[test]
fn what_was_done_before_the_server_failed_is_told() {
    let results: Vec<_> =
        (0..1_000).map(|number| json!({"id": format!("key_{number}"), "status": "revoked"})).collect();
    let problem = json!({"type": "x", "title": "t", "status": 503, "detail": "the store is unavailable; try again",
        "code": "unavailable", "request_id": "req_1"});
    let (address, asked) = answer_each(vec![
        http("200 OK", "", &json!({"results": results}).to_string()),
        http("503 Service Unavailable", "", &problem.to_string()),
    ]);
    let shell = Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "cvk_planted");
    let ids: Vec<String> = (0..1_500).map(|number| format!("key_{number}")).collect();
    let ran =
        shell.run_with(&["keys", "revoke", "--stdin", "--yes", "-w", "acme"], &ids.join("\n")).expect(7);
    assert_eq!(ran.stdout.lines().count(), 1_001, "a title, and a result for each of the first part");
    ran.saying("1,000 of 1,500 keys are revoked").saying("Run it again for the others");
    let asked = asked.join().expect("the server's end");
    assert!(asked[1].contains("\"key_1000\"") && !asked[1].contains("\"key_999\""), "{}", asked[1]);
}

#[test]
fn who_may_not_revoke_gets_no_results() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, two) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let shell =
        Shell::signed_in(keyward, &workspace.member("member")).with("KEYWARD_WORKSPACE", &workspace.slug);
    workspace.unchanged_by(|| {
        for how in ["--yes", "--dry-run"] {
            for json in [[].as_slice(), &["--json"]] {
                let revoke = [&["keys", "revoke", &one.id, &two.id, how], json].concat();
                shell.run(&revoke).expect(4).without_data().saying("Request id:");
            }
        }
    });
}

#[test]
fn personal_keys_are_revoked_together_too() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key =
        || workspace.personal_key(&person, json!({"name": "laptop", "scopes": ["vulnerabilities:read"]}));
    let (one, two) = (key(), key());
    let shell = Shell::signed_in(keyward, &person);
    let revoke = ["keys", "revoke", "--personal", &one.id, &two.id];
    shell.run(&[&revoke[..], &["--dry-run"]].concat()).expect(0).saying("2 of 2 keys would be revoked");
    assert_eq!(keyward.verify_code(&one.secret), "valid");
    shell.run(&[&revoke[..], &["--yes"]].concat()).expect(0).saying("they are refused everywhere");
    for key in [&one, &two] {
        assert_eq!(keyward.verify_code(&key.secret), "revoked");
    }
}
