//! `/api/v1/{slug}/service-accounts`: what workspace keys act as, and those that several keys share.

use keyward_tests::{Answer, Key, Workspace, json, shared, unique};
use serde_json::Value;

#[track_caller]
fn make(workspace: &Workspace<'_>, name: &str) -> Answer {
    workspace.owner().post(&workspace.path("service-accounts"), json!({"name": name})).expect(201)
}

#[track_caller]
fn key_acting_as(workspace: &Workspace<'_>, account: &Answer) -> Key {
    workspace.create_key(json!({
        "name": unique("key"), "scopes": [workspace.first_scope()], "service_account": account.text_at("id"),
    }))
}

fn path_of(workspace: &Workspace<'_>, account: &Answer) -> String {
    workspace.path(&format!("service-accounts/{}", account.text_at("id")))
}

fn list(workspace: &Workspace<'_>, query: &str) -> Vec<Value> {
    workspace.owner().get(&workspace.path(&format!("service-accounts{query}"))).expect(200).items()
}

fn names(accounts: &[Value]) -> Vec<&str> {
    accounts.iter().filter_map(|account| account["name"].as_str()).collect()
}

#[test]
fn cve_6_a_key_is_backed_by_a_service_account_of_its_own() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci-pipeline-prod", "scopes": ["products:read"]}));
    let accounts = list(&workspace, "");
    assert_eq!(names(&accounts), ["api_ci-pipeline-prod"]);
    assert_eq!(accounts[0]["shared"], false);
    assert_eq!(accounts[0]["keys"], 1);
    assert_eq!(accounts[0]["id"], key.created.body["service_account"]["id"]);
    let again = workspace.create_key(json!({"name": "ci-pipeline-prod", "scopes": ["products:read"]}));
    assert_eq!(again.created.body["service_account"]["name"], "api_ci-pipeline-prod-2");
    workspace.revoke(&key);
    assert_eq!(names(&list(&workspace, "")), ["api_ci-pipeline-prod-2"], "deleted with its key");
    let path = workspace.path(&format!("service-accounts/{}", accounts[0]["id"].as_str().unwrap()));
    workspace.owner().get(&path).problem(404, "not_found");
}

#[test]
fn several_keys_act_as_one_service_account() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let bot = make(&workspace, "deploy-bot");
    let keys = [key_acting_as(&workspace, &bot), key_acting_as(&workspace, &bot)];
    for key in &keys {
        assert_eq!(key.created.body["service_account"]["name"], "deploy-bot");
        let answer = keyward.verify(json!({"key": key.secret}));
        assert_eq!((&answer["valid"], &answer["subject"]["name"]), (&json!(true), &json!("deploy-bot")));
    }
    assert_eq!(workspace.owner().get(&path_of(&workspace, &bot)).expect(200).body["keys"], 2);
    workspace.revoke(&keys[0]);
    assert_eq!(keyward.verify_code(&keys[1].secret), "valid", "the other goes on");
    assert_eq!(workspace.owner().get(&path_of(&workspace, &bot)).expect(200).body["keys"], 1);
    let members = workspace.owner().get(&workspace.path("members")).expect(200).items();
    assert_eq!(members.len(), 1, "hidden from members (CVE-9): {members:?}");
}

#[test]
fn a_disabled_service_account_stops_its_keys_at_once_and_an_enabled_one_starts_them() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let bot = make(&workspace, "bot");
    let key = key_acting_as(&workspace, &bot);
    let path = path_of(&workspace, &bot);
    let disabled = workspace.owner().patch(&path, json!({"disabled": true})).expect(200);
    assert_eq!(disabled.body["status"], "disabled");
    assert!(disabled.body["disabled_at"].is_string());
    assert_eq!(keyward.verify(json!({"key": key.secret}))["valid"], false);
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).problem(401, "invalid_key");
    workspace.owner().patch(&path, json!({"disabled": false})).expect(200);
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).expect(200);
}

#[test]
fn a_renamed_service_account_is_called_so_at_the_next_verify() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let bot = make(&workspace, "before");
    let key = key_acting_as(&workspace, &bot);
    workspace
        .owner()
        .patch(&path_of(&workspace, &bot), json!({"name": "after", "description": "x"}))
        .expect(200);
    assert_eq!(keyward.verify(json!({"key": key.secret}))["subject"]["name"], "after");
}

#[test]
fn a_key_is_reassigned_to_another_service_account() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, two) = (make(&workspace, "one"), make(&workspace, "two"));
    let key = key_acting_as(&workspace, &one);
    let alone = workspace.create_key(json!({"name": "alone", "scopes": ["products:read"]}));
    let reassign = |key: &Key, to: &str| {
        let path = workspace.path(&format!("keys/{}", key.id));
        workspace.owner().patch(&path, json!({"service_account": to}))
    };
    assert_eq!(reassign(&key, &two.text_at("id")).expect(200).body["service_account"]["name"], "two");
    assert_eq!(keyward.verify(json!({"key": key.secret}))["subject"]["name"], "two");
    // One that came with its key goes when the key acts as another.
    assert_eq!(reassign(&alone, &two.text_at("id")).expect(200).body["service_account"]["name"], "two");
    assert_eq!(names(&list(&workspace, "")), ["one", "two"]);
    let of_key = workspace.create_key(json!({"name": "other", "scopes": ["products:read"]}));
    let own = of_key.created.body["service_account"]["id"].as_str().unwrap().to_owned();
    reassign(&key, &own).refuses_field("service_account");
    reassign(&key, "sa_nobody").refuses_field("service_account");
    let theirs = make(&keyward.workspace(), "theirs");
    reassign(&key, &theirs.text_at("id")).refuses_field("service_account");
}

#[test]
fn a_deleted_service_account_takes_its_keys_with_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let bot = make(&workspace, "bot");
    let keys = [key_acting_as(&workspace, &bot), key_acting_as(&workspace, &bot)];
    workspace.owner().delete(&path_of(&workspace, &bot)).expect(204);
    for key in &keys {
        assert_eq!(keyward.verify_code(&key.secret), "revoked");
        let shown = workspace.get_key(&key.id).body;
        assert_eq!((&shown["status"], &shown["service_account"]["name"]), (&json!("revoked"), &json!("bot")));
    }
    workspace.owner().get(&path_of(&workspace, &bot)).problem(404, "not_found");
    make(&workspace, "bot");
}

#[test]
fn the_service_account_of_a_key_is_the_keys_own_business() {
    let workspace = shared("cveium").workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let id = key.created.body["service_account"]["id"].as_str().unwrap().to_owned();
    let path = workspace.path(&format!("service-accounts/{id}"));
    workspace.owner().patch(&path, json!({"disabled": true})).problem(409, "conflict");
    workspace.owner().delete(&path).problem(409, "conflict");
    let body = json!({"name": "two", "scopes": ["products:read"], "service_account": id});
    workspace.owner().post(&workspace.path("keys"), body).refuses_field("service_account");
}

#[test]
fn service_accounts_are_listed_by_kind_and_page_by_page() {
    let workspace = shared("cveium").workspace();
    make(&workspace, "a");
    make(&workspace, "b");
    workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    assert_eq!(names(&list(&workspace, "")), ["a", "b", "api_ci"]);
    assert_eq!(names(&list(&workspace, "?shared=true")), ["a", "b"]);
    assert_eq!(names(&list(&workspace, "?shared=false")), ["api_ci"]);
    let first = workspace.owner().get(&workspace.path("service-accounts?limit=2")).expect(200);
    let cursor = first.text_at("next_cursor");
    assert_eq!(names(&list(&workspace, &format!("?limit=2&cursor={cursor}"))), ["api_ci"]);
    workspace.owner().get(&workspace.path("service-accounts?shared=maybe")).refuses_field("shared");
    let other = workspace.path(&format!("service-accounts?shared=true&cursor={cursor}"));
    workspace.owner().get(&other).refuses_field("cursor");
}

#[test]
fn a_service_account_has_a_name_of_its_own_and_a_version() {
    let workspace = shared("cveium").workspace();
    let bot = make(&workspace, "bot");
    for name in ["", "bot", "a\u{0}", &"x".repeat(101)] {
        workspace
            .owner()
            .post(&workspace.path("service-accounts"), json!({"name": name}))
            .refuses_field("name");
    }
    let path = path_of(&workspace, &bot);
    let with = |tag: &str| workspace.owner().with("If-Match", tag);
    let etag = bot.header("etag").unwrap();
    with(etag).patch(&path, json!({"description": "one"})).expect(200);
    with(etag).patch(&path, json!({"description": "two"})).problem(412, "precondition_failed");
    with(etag).delete(&path).problem(412, "precondition_failed");
}

#[test]
fn only_those_who_manage_settings_manage_service_accounts() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let bot = make(&workspace, "bot");
    let member = workspace.member("member");
    member.post(&workspace.path("service-accounts"), json!({"name": "own"})).problem(403, "forbidden");
    member.patch(&path_of(&workspace, &bot), json!({"disabled": true})).problem(403, "forbidden");
    member.delete(&path_of(&workspace, &bot)).problem(403, "forbidden");
    let stranger = keyward.workspace();
    let eve = stranger.member("owner");
    eve.get(&path_of(&workspace, &bot)).problem(404, "not_found");
    let path = stranger.path(&format!("service-accounts/{}", bot.text_at("id")));
    eve.get(&path).problem(404, "not_found");
    eve.delete(&path).problem(404, "not_found");
}
