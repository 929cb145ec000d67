//! `/api/v1/{slug}/roles`: roles that a workspace makes, and what they give to its members and their keys.

use keyward_tests::{Keyward, Person, Workspace, json, shared, unique};
use serde_json::Value;

/// A role with these rules, each without resources.
#[track_caller]
fn make(workspace: &Workspace<'_>, name: &str, actions: &[&str]) -> Value {
    let rules: Vec<Value> = actions.iter().map(|action| json!({"action": action, "resources": []})).collect();
    workspace.owner().post(&workspace.path("roles"), json!({"name": name, "rules": rules})).expect(201).body
}

fn id_of(role: &Value) -> String {
    role["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn give(workspace: &Workspace<'_>, person: &str, role: &str) {
    let path = workspace.path(&format!("members/{person}"));
    let member = workspace.owner().patch(&path, json!({"role": role})).expect(200);
    assert!(member.body["role"].is_string(), "{member}");
}

fn code(keyward: &Keyward, workspace: &Workspace<'_>, secret: &str, scope: &str) -> String {
    let question = json!({"key": secret, "workspace": workspace.slug, "scopes": [scope]});
    keyward.verify(question)["code"].as_str().expect("a code").to_owned()
}

#[test]
fn the_roles_that_every_workspace_has_come_first_and_stay_as_they_are() {
    let workspace = shared("default").workspace();
    make(&workspace, "zeta", &["api:read"]);
    make(&workspace, "Alpha", &["api:read"]);
    let roles = workspace.owner().get(&workspace.path("roles")).expect(200).items();
    let names: Vec<&str> = roles.iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(names, ["owner", "admin", "member", "viewer", "Alpha", "zeta"]);
    let built_in: Vec<bool> = roles.iter().filter_map(|role| role["built_in"].as_bool()).collect();
    assert_eq!(built_in, [true, true, true, true, false, false]);
    let owner = workspace.path(&format!("roles/{}", id_of(&roles[0])));
    let shown = workspace.owner().get(&owner).expect(200);
    assert_eq!(shown.body["rules"], json!([{"action": "**", "resources": []}]));
    workspace.owner().patch(&owner, json!({"name": "king"})).problem(403, "forbidden");
    workspace.owner().delete(&owner).problem(403, "forbidden");
}

#[test]
fn roles_come_page_by_page() {
    let workspace = shared("default").workspace();
    make(&workspace, "one", &["api:read"]);
    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let query = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = workspace.owner().get(&workspace.path(&format!("roles?limit=2{query}"))).expect(200);
        names.extend(page.items().iter().filter_map(|role| role["name"].as_str().map(str::to_owned)));
        cursor = page.body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["owner", "admin", "member", "viewer", "one"]);
}

#[test]
fn cyc_1_a_role_is_built_as_a_keys_permissions_are_and_gives_no_more() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let role = make(&workspace, "reader", &["api:read", "keys.read"]);
    assert_eq!(
        role["rules"],
        json!([{"action": "api:read", "resources": []}, {"action": "keys.read", "resources": []}])
    );
    let person = workspace.member("reader");
    person.get(&workspace.path("keys")).expect(200);
    person.get(&workspace.path("members")).problem(403, "forbidden");
    let made = person.post("/api/v1/me/keys", json!({"name": "own", "scopes": ["api:write"]}));
    let refused = made.problem(403, "forbidden");
    assert!(refused.text_at("detail").contains("api:write"), "it says what exceeds: {refused}");
    let key = workspace.personal_key(&person, json!({"name": "own", "scopes": ["api:read"]}));
    assert_eq!(code(keyward, &workspace, &key.secret, "api:read"), "valid");
}

#[test]
fn an_edited_and_a_deleted_role_are_in_force_at_the_next_verify() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let role = make(&workspace, "writer", &["api:*"]);
    let path = workspace.path(&format!("roles/{}", id_of(&role)));
    let person = workspace.member("writer");
    let key = workspace.personal_key(&person, json!({"name": "own", "scopes": ["api:write"]}));
    let ask = |scope: &str| code(keyward, &workspace, &key.secret, scope);
    assert_eq!((ask("api:write").as_str(), ask("api:read").as_str()), ("valid", "valid"));

    let only_read = json!({"rules": [{"action": "api:read", "resources": []}]});
    workspace.owner().patch(&path, only_read).expect(200);
    assert_eq!((ask("api:write").as_str(), ask("api:read").as_str()), ("insufficient_scope", "valid"));

    workspace.owner().delete(&path).expect(204);
    assert_eq!(
        (ask("api:write").as_str(), ask("api:read").as_str()),
        ("insufficient_scope", "insufficient_scope")
    );
    workspace.owner().get(&path).problem(404, "not_found");
    person.get(&workspace.path("keys")).problem(403, "forbidden");
    let members = workspace.owner().get(&workspace.path("members")).expect(200).items();
    assert!(
        members.iter().any(|member| member["role"] == "writer"),
        "the list says what they had: {members:?}"
    );

    // A new role of the same name is another one.
    make(&workspace, "writer", &["api:*"]);
    assert_eq!(ask("api:write"), "insufficient_scope");
    give(&workspace, &person.id_in(&workspace.slug), "writer");
    assert_eq!(ask("api:write"), "valid");
}

#[test]
fn a_role_is_renamed_without_its_members_noticing() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let role = make(&workspace, "before", &["api:read"]);
    let person = workspace.member("before");
    let key = workspace.personal_key(&person, json!({"name": "own", "scopes": ["api:read"]}));
    let path = workspace.path(&format!("roles/{}", id_of(&role)));
    let renamed = workspace.owner().patch(&path, json!({"name": "after", "description": "x"})).expect(200);
    assert_eq!(
        (renamed.text_at("name"), renamed.text_at("description")),
        ("after".to_owned(), "x".to_owned())
    );
    let me = person.get("/api/v1/me").expect(200);
    assert!(me.text.contains("\"after\""), "{me}");
    assert_eq!(code(keyward, &workspace, &key.secret, "api:read"), "valid");
}

#[test]
fn nobody_makes_edits_gives_or_deletes_a_role_that_holds_more_than_they_do() {
    let workspace = shared("default").workspace();
    let everything = make(&workspace, "everything", &["**"]);
    let admin = workspace.member("admin");
    let path = workspace.path(&format!("roles/{}", id_of(&everything)));
    let wide = json!({"name": "wide", "rules": [{"action": "billing:pay", "resources": []}]});
    let refused = admin.post(&workspace.path("roles"), wide).problem(403, "forbidden");
    assert!(refused.text_at("detail").contains("billing:pay"), "{refused}");
    admin.patch(&path, json!({"description": "x"})).problem(403, "forbidden");
    admin.delete(&path).problem(403, "forbidden");
    let member = workspace.member("viewer");
    let of_member = workspace.path(&format!("members/{}", member.id_in(&workspace.slug)));
    admin.patch(&of_member, json!({"role": "everything"})).problem(403, "forbidden");
    let invitation = json!({"email": "eve@example.com", "role": "everything"});
    admin.post(&workspace.path("invitations"), invitation).problem(403, "forbidden");

    let narrow =
        admin.post(&workspace.path("roles"), json!({"name": "narrow", "scopes": ["api:read"]})).expect(201);
    let path = workspace.path(&format!("roles/{}", narrow.text_at("id")));
    admin.patch(&path, json!({"rules": [{"action": "**", "resources": []}]})).problem(403, "forbidden");
    give(&workspace, &member.id_in(&workspace.slug), &narrow.text_at("id"));
    member
        .post(&workspace.path("roles"), json!({"name": "own", "scopes": ["api:read"]}))
        .problem(403, "forbidden");
    member.get(&workspace.path("roles")).problem(403, "forbidden");
    admin.delete(&path).expect(204);
}

#[test]
fn a_role_has_a_name_of_its_own_and_holds_something() {
    let workspace = shared("default").workspace();
    let post = |body: Value| workspace.owner().post(&workspace.path("roles"), body);
    make(&workspace, "deployer", &["api:read"]);
    for name in
        ["", " ", "owner", "Owner", "DEPLOYER", "a\u{0}", "rol_01ktbbgefxfaevzcbehh3z7cjz", &"x".repeat(101)]
    {
        post(json!({"name": name, "scopes": ["api:read"]})).refuses_field("name");
    }
    post(json!({"name": "x"})).refuses_field("scopes");
    post(json!({"name": "x", "scopes": ["nothing:known"]})).refuses_field("scopes[0]");
    post(json!({"name": "x", "rules": [{"action": "a b", "resources": []}]}))
        .refuses_field("rules[0].action");
    post(json!({"name": "x", "scopes": ["api:read"], "colour": "red"})).refuses_field("colour");
    let other = make(&workspace, "other", &["api:read"]);
    let path = workspace.path(&format!("roles/{}", id_of(&other)));
    workspace.owner().patch(&path, json!({"name": "Deployer"})).refuses_field("name");
}

#[test]
fn a_role_is_edited_in_the_version_that_was_read_only() {
    let workspace = shared("default").workspace();
    let role = make(&workspace, "deployer", &["api:read"]);
    let path = workspace.path(&format!("roles/{}", id_of(&role)));
    let etag = workspace.owner().get(&path).expect(200).header("etag").unwrap().to_owned();
    let with = |tag: &str| workspace.owner().with("If-Match", tag);
    let edited = with(&etag).patch(&path, json!({"description": "one"})).expect(200);
    assert_ne!(edited.header("etag"), Some(etag.as_str()));
    with(&etag).patch(&path, json!({"description": "two"})).problem(412, "precondition_failed");
    with(&etag).delete(&path).problem(412, "precondition_failed");
    with(edited.header("etag").unwrap()).delete(&path).expect(204);
}

#[test]
fn a_role_of_another_workspace_is_not_there() {
    let keyward = shared("default");
    let (mine, theirs) = (keyward.workspace(), keyward.workspace());
    let role = make(&theirs, "secret-role", &["api:read"]);
    let id = id_of(&role);
    let eve = mine.member("owner");
    eve.get(&mine.path(&format!("roles/{id}"))).problem(404, "not_found");
    eve.patch(&mine.path(&format!("roles/{id}")), json!({"name": "x"})).problem(404, "not_found");
    eve.delete(&mine.path(&format!("roles/{id}"))).problem(404, "not_found");
    eve.get(&theirs.path("roles")).problem(404, "not_found");
    let member: Person = mine.member("viewer");
    let path = mine.path(&format!("members/{}", member.id_in(&mine.slug)));
    eve.patch(&path, json!({"role": id})).refuses_field("role");
    eve.patch(&path, json!({"role": "secret-role"})).refuses_field("role");
}

#[test]
fn an_invitation_to_a_role_ends_with_the_role() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let role = make(&workspace, "guest", &["api:read"]);
    let email = format!("{}@example.com", unique("bob"));
    let invitation = workspace.invite(&email, "guest");
    assert_eq!(invitation.body["role"], "guest");
    workspace.owner().delete(&workspace.path(&format!("roles/{}", id_of(&role)))).expect(204);
    make(&workspace, "guest", &["**"]);
    let body = json!({"token": invitation.text_at("token"), "name": "Bob", "password": "a long passphrase"});
    keyward.anonymous().post("/api/v1/invitations/accept", body).problem(404, "not_found");
}

#[test]
fn roles_survive_a_restart() {
    let mut keyward = Keyward::profile("default").start();
    let secret = {
        let workspace = keyward.workspace();
        make(&workspace, "reader", &["api:read"]);
        let person = workspace.member("reader");
        let key = workspace.personal_key(&person, json!({"name": "own", "scopes": ["api:read"]}));
        (key.secret, workspace.slug)
    };
    keyward.restart();
    let question = |scope: &str| json!({"key": secret.0, "workspace": secret.1, "scopes": [scope]});
    assert_eq!(keyward.verify(question("api:read"))["code"], "valid");
    assert_eq!(keyward.verify(question("api:write"))["code"], "insufficient_scope");
}
