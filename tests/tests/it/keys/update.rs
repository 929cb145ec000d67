use keyward_tests::{Answer, Person, Value, Workspace, json, shared};

#[track_caller]
fn patch(person: &Person, workspace: &Workspace<'_>, id: &str, body: &Value) -> Answer {
    person.send_json("PATCH", &workspace.path(&format!("keys/{id}")), body)
}

#[test]
fn cyc_6_owner_name_and_description_can_be_changed_afterwards() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let colleague = workspace.member("org_admin");
    let edit = json!({"name": "renamed", "description": "for the pipeline", "owner": colleague.id_in(&workspace.slug)});
    let edited = patch(workspace.owner(), &workspace, &key.id, &edit).expect(200);
    assert_eq!(edited.body["name"], "renamed");
    assert_eq!(edited.body["description"], "for the pipeline");
    assert_eq!(edited.body["owner"]["id"], colleague.id_in(&workspace.slug));
    assert_eq!(edited.body, workspace.get_key(&key.id).expect(200).body, "and it stays so");
    assert_ne!(edited.header("etag"), key.created.header("etag"));
    let cleared = patch(workspace.owner(), &workspace, &key.id, &json!({"description": null})).expect(200);
    assert_eq!((&cleared.body["description"], &cleared.body["name"]), (&json!(null), &json!("renamed")));
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn what_a_key_may_changes_at_once() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let code = |scope: &str| keyward.verify(json!({"key": key.secret, "scopes": [scope]}))["code"].clone();
    let edit = json!({"scopes": ["sboms:read"], "metadata": {"team": "blue"}});
    patch(workspace.owner(), &workspace, &key.id, &edit).expect(200);
    assert_eq!((code("products:read"), code("sboms:read")), (json!("insufficient_scope"), json!("valid")));
    patch(workspace.owner(), &workspace, &key.id, &json!({"allowed_cidrs": ["10.0.0.0/8"]})).expect(200);
    assert_eq!(code("sboms:read"), "ip_not_allowed");
}

#[test]
fn if_match_guards_against_a_lost_edit() {
    let workspace = shared("cveium").workspace();
    let key = workspace.any_key();
    let path = workspace.path(&format!("keys/{}", key.id));
    let seen = key.created.header("etag").expect("an ETag").to_owned();
    let first = workspace.owner().with("If-Match", &seen);
    first.send_json("PATCH", &path, &json!({"name": "first"})).expect(200);
    first.send_json("PATCH", &path, &json!({"name": "second"})).problem(412, "precondition_failed");
    assert_eq!(workspace.get_key(&key.id).body["name"], "first");
}

#[test]
fn nobody_widens_a_key_beyond_their_own_rights() {
    let workspace = shared("default").workspace();
    let member = workspace.member("member");
    let key = workspace.key_with(&["api:read"]);
    patch(workspace.owner(), &workspace, &key.id, &json!({"owner": member.id_in(&workspace.slug)}))
        .expect(200);
    patch(&member, &workspace, &key.id, &json!({"name": "mine now"})).expect(200);
    let refused = patch(&member, &workspace, &key.id, &json!({"rules": [{"action": "**"}]}));
    refused.problem(403, "forbidden");
    assert_eq!(workspace.get_key(&key.id).body["rules"], json!([]));
}

#[test]
fn who_does_not_manage_a_key_does_not_edit_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let edit = json!({"name": "taken over"});
    workspace.unchanged_by(|| {
        patch(&workspace.member("member"), &workspace, &key.id, &edit).problem(403, "forbidden");
        let stranger = keyward.workspace().member("admin");
        patch(&stranger, &workspace, &key.id, &edit).problem(404, "not_found");
        let path = workspace.path(&format!("keys/{}", key.id));
        keyward.with_key(&key.secret).send_json("PATCH", &path, &edit).problem(403, "insufficient_scope");
    });
}

#[test]
fn an_edit_that_will_not_do_changes_nothing() {
    let workspace = shared("cveium").workspace();
    let key = workspace.any_key();
    workspace.unchanged_by(|| {
        for (field, value) in [
            ("name", json!("")),
            ("scopes", json!([])),
            ("scopes[0]", json!(["nosuch:scope"])),
            ("owner", json!("usr_00000000000000000000000000")),
            ("allowed_cidrs[0]", json!(["10.0.0.1/8"])),
            ("expires_at", json!("2030-01-01T00:00:00Z")),
        ] {
            let name = field.split('[').next().unwrap_or(field);
            patch(workspace.owner(), &workspace, &key.id, &json!({name: value})).refuses_field(field);
        }
    });
    workspace.revoke(&key);
    patch(workspace.owner(), &workspace, &key.id, &json!({"name": "late"})).problem(409, "conflict");
}
