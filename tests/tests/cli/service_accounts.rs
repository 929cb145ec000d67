use insta::assert_snapshot;
use keyward_tests::{Key, Workspace, json, shared};

use crate::answers::{answer_each, http};
use crate::exit_codes::NO_SUCH_KEY;
use crate::masked::{masked, masked_text};
use crate::person::{Ran, Shell};
use crate::terminal::Terminal;

const NO_SUCH_ACCOUNT: &str = "sa_01jd8xq2m0e6vt5r3n7k9c4wzb";

fn owner_of(workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(shared("cveium"), workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

/// Makes a service account, and gives its id.
#[track_caller]
fn made(shell: &Shell, name: &str) -> String {
    shell.run(&["service-accounts", "create", name]).expect(0).stdout.trim_end().to_owned()
}

/// Makes a key that acts as that service account.
#[track_caller]
fn key_of(workspace: &Workspace<'_>, name: &str, account: &str) -> Key {
    workspace.create_key(json!({"name": name, "scopes": ["products:read"], "service_account": account}))
}

fn path_of(workspace: &Workspace<'_>, id: &str) -> String {
    workspace.path(&format!("service-accounts/{id}"))
}

#[test]
fn a_service_account_is_made_and_keys_are_told_to_act_as_it_by_its_name() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    let create = ["service-accounts", "create", "deploy-bot", "--description", "rolls out"];
    let created = shell.run(&create).expect(0);
    assert_snapshot!(masked(&created, &[(workspace.slug.as_str(), "SLUG")]), @r#"
    stdout:
    sa_ID
    stderr:
    Created the service account deploy-bot (sa_ID) in workspace SLUG; no key acts as it yet.
    next, run: keyward keys create NAME --scope SCOPE --service-account deploy-bot --workspace SLUG
    exit: 0
    "#);
    let id = created.stdout.trim_end();
    for account in ["deploy-bot", id] {
        let create = ["keys", "create", "ci", "-s", "products:read", "--service-account", account, "--json"];
        let key = shell.run(&create).expect(0).json();
        assert_eq!(key["service_account"], json!({"id": id, "name": "deploy-bot"}));
    }
    let other = workspace.key_with(&["products:read"]);
    let edit = ["keys", "edit", &other.id, "--service-account", "deploy-bot"];
    shell.run(&edit).expect(0).saying("→ deploy-bot (sa_");
    assert_eq!(workspace.get_key(&other.id).body["service_account"]["id"], id);

    let shown = shell.run(&["service-accounts", "show", "deploy-bot"]).expect(0);
    assert_snapshot!(masked(&shown, &[]), @r#"
    stdout:
    Name  deploy-bot
    Id  sa_ID
    Kind  shared: several keys can act as it
    Status  active
    Description  rolls out
    Keys  3 not revoked
    Created  TIME (… ago)
    exit: 0
    "#);
    assert_eq!(shell.run(&["service-accounts", "show", id]).expect(0).stdout, shown.stdout);
    let json = shell.run(&["service-accounts", "show", id, "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&path_of(&workspace, id)).expect(200).body);
    let json = shell.run(&["service-accounts", "create", "other", "--json"]).expect(0).json();
    assert_eq!((&json["name"], &json["shared"]), (&json!("other"), &json!(true)));
}

#[test]
fn a_name_that_begins_like_an_id_is_a_name() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    let id = made(&shell, "sa_bot");
    let shown = shell.run(&["service-accounts", "show", "sa_bot", "--json"]).expect(0).json();
    assert_eq!(shown["id"], id);
}

#[test]
fn service_accounts_are_listed_by_kind_and_as_many_as_wanted() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    let list = |arguments: &[&str]| shell.run(&[&["service-accounts", "list"], arguments].concat());
    let none = list(&["--shared"]).expect(0).without_data();
    none.saying("There are no shared service accounts").saying("keyward service-accounts create NAME");
    let bot = made(&shell, "deploy-bot");
    made(&shell, "night shift");
    key_of(&workspace, "eu", &bot);
    workspace.create_key(json!({"name": "alone", "scopes": ["products:read"]}));
    shell.run(&["service-accounts", "disable", "night shift"]).expect(0);
    assert_snapshot!(masked(&list(&[]).expect(0), &[]), @r#"
    stdout:
    NAME  STATUS  KEYS  KIND  ID  CREATED  DESCRIPTION
    deploy-bot  active  1  shared  sa_ID  … ago
    night shift  disabled  0  shared  sa_ID  … ago
    api_alone  active  1  of a key  sa_ID  … ago
    exit: 0
    "#);
    let names = |arguments: &[&str]| -> Vec<String> {
        let items = list(&[arguments, &["--json"]].concat()).expect(0).json()["items"].clone();
        let items = items.as_array().expect("items").clone();
        items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&["--shared"]), ["deploy-bot", "night shift"]);
    assert_eq!(names(&["--of-keys"]), ["api_alone"]);
    assert_eq!(names(&["--limit", "1"]), ["deploy-bot"]);
    list(&["--limit", "1"]).expect(0).saying("--all shows them all");
    let all = list(&["--all", "--json"]).expect(0).json();
    assert_eq!(all, workspace.owner().get(&workspace.path("service-accounts")).expect(200).body);
}

#[test]
fn one_switch_stops_and_starts_all_keys_of_a_service_account() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = owner_of(&workspace);
    let id = made(&shell, "deploy-bot");
    let keys = [key_of(&workspace, "eu", &id), key_of(&workspace, "us", &id)];
    let slug = [(workspace.slug.as_str(), "SLUG")];
    let switch = |to: &str| shell.run(&["service-accounts", to, "deploy-bot"]);
    assert_snapshot!(masked(&switch("disable"), &slug), @r#"
    stderr:
    Disabled the service account deploy-bot (sa_ID) in workspace SLUG.
    2 keys act as it; they are refused until it is enabled.
    to undo it, run: keyward service-accounts enable deploy-bot --workspace SLUG
    exit: 0
    "#);
    switch("disable").expect(0).without_data().saying("is disabled already.");
    let shown = shell.run(&["service-accounts", "show", "deploy-bot"]).expect(0).stdout;
    assert!(shown.contains("disabled since ") && shown.contains("no key that acts as it works"), "{shown}");
    let verify = shell.run_with(&["verify", "--key-stdin"], &keys[0].secret).expect(10);
    assert!(!verify.stderr.contains(&keys[0].secret), "{verify:#?}");
    verify.saying("whoever it acts as is suspended or disabled");
    assert_snapshot!(masked(&switch("enable"), &slug), @r#"
    stderr:
    Enabled the service account deploy-bot (sa_ID) in workspace SLUG.
    2 keys act as it, and work again.
    exit: 0
    "#);
    for key in &keys {
        assert_eq!(keyward.verify_code(&key.secret), "valid");
    }
    switch("enable").expect(0).without_data().saying("is enabled already.");
    workspace.revoke(&keys[0]);
    switch("disable").expect(0).saying("1 key acts as it; it is refused until");
    let json = shell.run(&["service-accounts", "enable", &id, "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&path_of(&workspace, &id)).expect(200).body);
}

#[test]
fn a_service_account_is_renamed_and_described() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    let id = made(&shell, "deploy-bot");
    let edit = |arguments: &[&str]| shell.run(&[&["service-accounts", "edit"], arguments].concat());
    let edited = edit(&["deploy-bot", "--name", "release-bot", "--description", "rolls out"]);
    assert_snapshot!(masked(&edited, &[(workspace.slug.as_str(), "SLUG")]), @r#"
    stderr:
    Changed release-bot (sa_ID) in workspace SLUG:
      name  deploy-bot → release-bot
      description  none → rolls out
    exit: 0
    "#);
    edit(&["release-bot", "--name", "release-bot"]).expect(0).saying("nothing was changed");
    let json = edit(&[&id, "--no-description", "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&path_of(&workspace, &id)).expect(200).body);
    assert_eq!(json["description"], json!(null));
}

#[test]
fn who_deletes_a_service_account_sees_the_keys_that_go_with_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = owner_of(&workspace).with("NO_COLOR", "1");
    let id = made(&shell, "deploy-bot");
    let keys = [key_of(&workspace, "eu", &id), key_of(&workspace, "us", &id)];
    let gone = key_of(&workspace, "gone", &id);
    workspace.revoke(&gone);
    let other = workspace.create_key(json!({"name": "bystander", "scopes": ["products:read"]}));
    let delete = ["service-accounts", "delete", "deploy-bot"];
    workspace.unchanged_by(|| {
        shell.run_with(&delete, "yes\n").expect(2).without_data().saying("Add --yes.");
        let (exit, shown) = Terminal::new(120).run(&shell, &delete, "no");
        assert_eq!(exit, 1, "{shown}");
        assert_snapshot!(masked_text(&shown, &[(workspace.slug.as_str(), "SLUG")]), @r#"
        no
        deploy-bot (sa_ID) in workspace SLUG; 2 keys act as it:
        NAME  ID  LAST USED  FROM  OWNER
        us  key_ID  never  ada
        eu  key_ID  never  ada
        Deleting the service account revokes them: whoever uses them is refused from now on.
        This cannot be undone.
        Type its name, or yes, to delete it: error: the service account was not deleted, and no key was revoked
        "#);
    });
    let deleted = shell.run(&[&delete[..], &["--yes"]].concat()).expect(0);
    assert_snapshot!(masked(&deleted, &[(workspace.slug.as_str(), "SLUG")]), @r#"
    stderr:
    Deleted the service account deploy-bot (sa_ID) of workspace SLUG.
    Revoked with it: 2 keys.
    exit: 0
    "#);
    for key in &keys {
        assert_eq!(keyward.verify_code(&key.secret), "revoked");
    }
    assert_eq!(keyward.verify_code(&other.secret), "valid");
    shell.run(&[&delete[..], &["--yes"]].concat()).expect(5).without_data();

    let id = made(&shell, "idle");
    let as_it_is = workspace.owner().get(&path_of(&workspace, &id)).expect(200).body;
    let (exit, shown) = Terminal::new(120).run(&shell, &["service-accounts", "delete", "idle"], "no");
    assert!(exit == 1 && shown.contains("No live key acts as it."), "{shown}");
    let json = shell.run(&["service-accounts", "delete", &id, "--yes", "--json"]).expect(0).json();
    assert_eq!(json, as_it_is);
}

#[test]
fn of_many_keys_that_would_go_the_first_are_shown_and_the_list_is_left_where_all_were_found() {
    let key = |number: u32, account: &str| {
        json!({
            "id": format!("key_{number:026}"), "kind": "workspace", "name": format!("ci-{number}"),
            "description": null, "status": "active", "secret_hint": "cvk_…9f3a", "scopes": [], "rules": [],
            "workspaces": null, "owner": null, "service_account": {"id": account, "name": "bot"},
            "created_at": "2026-01-01T00:00:00Z",
            "created_by": {"type": "user", "id": "usr_1", "name": "Ada"}, "expires_at": null,
            "last_used_at": null, "last_used_ip": null, "rotation": null, "revoked_at": null, "revoked_by": null,
            "allowed_cidrs": [], "requests_per_minute": null, "metadata": {}
        })
    };
    let account = json!({
        "id": NO_SUCH_ACCOUNT, "name": "bot", "description": null, "shared": true, "status": "active", "keys": 52,
        "created_at": "2026-01-01T00:00:00Z", "disabled_at": null
    });
    let part = |from: u32, theirs: &str, more: &str| {
        let keys: Vec<_> =
            (from..from + 52).map(|at| key(at, if at % 2 == 0 { NO_SUCH_ACCOUNT } else { theirs })).collect();
        http("200 OK", "", &json!({"items": keys, "next_cursor": more}).to_string())
    };
    // All are found in two parts; a third is not asked for.
    let answers = vec![
        http("200 OK", "ETag: \"7\"\r\n", &account.to_string()),
        part(0, "sa_other", "two"),
        part(52, "sa_other", "three"),
    ];
    let (address, asked) = answer_each(answers);
    let shell =
        Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "cvk_planted").with("NO_COLOR", "1");
    let delete = ["service-accounts", "delete", NO_SUCH_ACCOUNT, "-w", "acme"];
    let (exit, shown) = Terminal::new(120).run(&shell, &delete, "no");
    assert_eq!(exit, 1, "{shown}");
    assert!(shown.contains("; 52 keys act as it:") && shown.contains("… and 2 more."), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("ci-")).count(), 50, "{shown}");
    let asked = asked.join().expect("the server's end");
    assert!(asked[1].contains("status=active") && asked[2].contains("cursor=two"), "{asked:#?}");
}

#[test]
fn what_was_changed_after_it_was_shown_is_not_deleted() {
    let account = json!({
        "id": NO_SUCH_ACCOUNT, "name": "bot", "description": null, "shared": true, "status": "active", "keys": 0,
        "created_at": "2026-01-01T00:00:00Z", "disabled_at": null
    });
    let problem = json!({
        "type": "urn:keyward:problem:precondition_failed", "title": "t", "status": 412,
        "detail": "it was changed since you read it; read it again", "code": "precondition_failed",
        "request_id": "req_1"
    });
    let (address, asked) = answer_each(vec![
        http("200 OK", "ETag: \"7\"\r\n", &account.to_string()),
        http("412 Precondition Failed", "", &problem.to_string()),
    ]);
    let shell = Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "cvk_planted");
    let delete = ["service-accounts", "delete", NO_SUCH_ACCOUNT, "-w", "acme", "--yes", "--json"];
    shell.run(&delete).expect(6).without_data().saying("nothing was deleted");
    let asked = asked.join().expect("the server's end");
    assert!(
        asked[1].starts_with("DELETE ") && asked[1].to_lowercase().contains("if-match: \"7\""),
        "{asked:#?}"
    );
}

#[test]
fn what_cannot_be_done_to_service_accounts_is_said_with_what_would_do() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = owner_of(&workspace);
    made(&shell, "deploy-bot");
    let key = workspace.create_key(json!({"name": "alone", "scopes": ["products:read"]}));
    let of_key = key.created.body["service_account"]["id"].as_str().expect("an id").to_owned();
    let accounts = |arguments: &[&str]| shell.run(&[&["service-accounts"], arguments].concat());
    let refuse = |arguments: &[&str], exit: i32, words: &str| -> Ran {
        accounts(arguments).expect(exit).without_data().saying(words)
    };
    workspace.unchanged_by(|| {
        refuse(&["create", "deploy-bot"], 1, "choose another");
        refuse(&["edit", "deploy-bot"], 2, "say what to change");
        refuse(&["show", "nobody"], 5, "keyward service-accounts list --shared");
        refuse(&["show", "api_alone"], 5, "is named by its id");
        for account in ["nobody", NO_SUCH_ACCOUNT] {
            for what in ["disable", "enable", "show"] {
                accounts(&[what, account]).expect(5).without_data();
            }
            accounts(&["delete", account, "--yes"]).expect(5).without_data();
        }
        // That of a key is the key's own business.
        refuse(&["disable", &of_key], 6, "edit or revoke the key");
        refuse(&["edit", &of_key, "--name", "x"], 6, "edit or revoke the key");
        refuse(&["delete", &of_key, "--yes"], 6, "edit or revoke the key");
        let (exit, shown) = Terminal::new(120).run(&shell, &["service-accounts", "delete", &of_key], "yes");
        assert!(exit == 6 && !shown.contains("Type"), "{shown}");

        let create = |account: &str| {
            shell.run(&["keys", "create", "x", "-s", "products:read", "--service-account", account])
        };
        create("nobody").expect(5).without_data().saying("has no shared service account nobody");
        for id in [NO_SUCH_ACCOUNT, &of_key] {
            create(id).expect(1).without_data().saying("Run: keyward service-accounts list --shared");
        }
        let act_as = ["keys", "edit", &key.id, "--service-account", NO_SUCH_ACCOUNT];
        shell.run(&act_as).expect(1).without_data().saying("keyward service-accounts list --shared");
        shell.run(&["keys", "edit", NO_SUCH_KEY, "--service-account", "deploy-bot"]).expect(5);
    });
    let shown = accounts(&["show", &of_key]).expect(0).stdout;
    assert!(shown.contains("of a key: it comes and goes with the key"), "{shown}");
}

#[test]
fn who_may_only_look_changes_nothing() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    made(&owner_of(&workspace), "deploy-bot");
    let member =
        Shell::signed_in(keyward, &workspace.member("member")).with("KEYWARD_WORKSPACE", &workspace.slug);
    member.run(&["service-accounts", "show", "deploy-bot"]).expect(0);
    for what in [
        &["create", "x"][..],
        &["edit", "deploy-bot", "--name", "x"],
        &["disable", "deploy-bot"],
        &["enable", "deploy-bot"],
        &["delete", "deploy-bot", "--yes"],
    ] {
        member.run(&[&["service-accounts"], what].concat()).expect(4).without_data().saying("Request id:");
    }
}
