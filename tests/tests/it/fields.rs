//! `?fields=`: only some members of an answer.

use keyward_tests::{Workspace, json, shared};

fn member_names(value: &keyward_tests::Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn one_resource_is_cut_to_what_is_asked_for() {
    let workspace = shared("cveium").workspace();
    let key = workspace
        .create_key(json!({"name": "ci", "scopes": ["products:read"], "metadata": {"team": "a", "x": "b"}}));
    let path = workspace.path(&format!("keys/{}", key.id));
    let whole = workspace.owner().get(&path).expect(200);
    for (fields, expected) in [
        ("id", json!({"id": key.id})),
        ("name,description", json!({"name": "ci", "description": null})),
        ("id,%20name", json!({"id": key.id, "name": "ci"})),
        ("owner.name,owner.type", json!({"owner": {"name": whole.body["owner"]["name"], "type": "user"}})),
        ("rotation.started_at", json!({"rotation": null})),
        ("metadata.team,metadata.none", json!({"metadata": {"team": "a"}})),
    ] {
        let answer = workspace.owner().get(&format!("{path}?fields={fields}")).expect(200);
        assert_eq!(answer.body, expected, "{fields}");
        assert_eq!(answer.header("etag"), whole.header("etag"), "{fields}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let head = workspace.owner().send("HEAD", &format!("{path}?fields=id"), None, b"").expect(200);
    assert_eq!(head.header("etag"), whole.header("etag"));
}

#[test]
fn of_a_list_each_item_is_cut_and_what_goes_around_stays() {
    let workspace = shared("cveium").workspace();
    for _ in 0..3 {
        workspace.key_with(&["products:read"]);
    }
    let get = |query: &str| workspace.owner().get(&workspace.path(&format!("keys?{query}"))).expect(200);
    let first = get("limit=2&fields=id,owner.name");
    assert_eq!(member_names(&first.body), ["items", "next_cursor"]);
    assert_eq!(first.items().len(), 2);
    for item in first.items() {
        assert_eq!(member_names(&item), ["id", "owner"]);
        assert_eq!(member_names(&item["owner"]), ["name"]);
    }
    // Fields are no filter: the cursor goes on with others, and without.
    let cursor = first.text_at("next_cursor");
    for more in ["&fields=name", ""] {
        assert_eq!(get(&format!("limit=2&cursor={cursor}{more}")).items().len(), 1, "{more}");
    }
    let plain = get("limit=2").text_at("next_cursor");
    get(&format!("limit=2&fields=id&cursor={plain}"));
}

/// Lists and single answers, each with one of its members.
fn answers(workspace: &Workspace<'_>) -> [(String, &'static str); 8] {
    [
        ("/api/v1/me".to_owned(), "workspaces.slug"),
        ("/api/v1/workspaces".to_owned(), "slug"),
        (format!("/api/v1/{}", workspace.slug), "name"),
        (workspace.path("whoami"), "actor.id"),
        (workspace.path("scopes"), "name"),
        (workspace.path("members"), "role"),
        (workspace.path("plan"), "plan"),
        ("/api/v1/me/keys".to_owned(), "id"),
    ]
}

#[test]
fn every_get_takes_them() {
    let workspace = shared("default").workspace();
    for (path, field) in answers(&workspace) {
        let answer = workspace.owner().get(&format!("{path}?fields={field}")).expect(200);
        let of = if answer.body["items"].is_array() { answer.body["items"][0].clone() } else { answer.body };
        if !of.is_null() {
            assert_eq!(member_names(&of), [field.split('.').next().expect("a name")], "{path}");
        }
    }
}

#[test]
fn an_unknown_field_is_refused_with_those_that_there_are() {
    let workspace = shared("cveium").workspace();
    let get = |query: &str| workspace.owner().get(&workspace.path(&format!("keys?{query}")));
    // Nothing in it could tell.
    assert_eq!(get("fields=nosuch.thing").expect(200).items(), Vec::<keyward_tests::Value>::new());
    workspace.key_with(&["products:read"]);
    for (fields, words) in
        [("nosuch", "secret_hint"), ("id,owner.nosuch", "there are id, name, type"), ("items", "status")]
    {
        let refused = get(&format!("fields={fields}")).refuses_field("fields");
        let message = refused.body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{message}");
    }
    for bad in ["", ",", "id,", ".id", "owner.", "owner..name", &"a".repeat(1025)] {
        get(&format!("fields={bad}")).refuses_field("fields");
    }
    get("fields=id&fields=name").refuses_field("fields");
}

#[test]
fn who_may_not_look_learns_nothing_of_fields() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    for fields in ["nosuch", ",", "id"] {
        let query = format!("?fields={fields}");
        keyward.anonymous().get(&workspace.path(&format!("keys{query}"))).problem(401, "unauthenticated");
        workspace.owner().get(&format!("/api/v1/nosuchws/keys{query}")).problem(404, "not_found");
        workspace.owner().get(&workspace.path(&format!("keys{query}&colour=red"))).refuses_field("colour");
    }
}

#[test]
fn what_changes_something_takes_none() {
    let workspace = shared("cveium").workspace();
    let key = workspace.key_with(&["products:read"]);
    let revoke = workspace.path(&format!("keys/{}/revoke?fields=id", key.id));
    workspace.owner().post_nothing(&revoke).refuses_field("fields");
    workspace.owner().get("/livez?fields=id").expect(200);
}
