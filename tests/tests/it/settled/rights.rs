//! With which rights a key acts, and what becomes of them.

use keyward_tests::{Person, Value, Workspace, json, shared, unique};

fn change_role(workspace: &Workspace<'_>, person: &Person, role: &str) {
    let path = workspace.path(&format!("members/{}", person.id_in(&workspace.slug)));
    workspace.owner().send_json("PATCH", &path, &json!({"role": role})).expect(200);
}

#[test]
fn settled_3_a_workspace_key_acts_with_its_own_grants_only() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let admin = workspace.member("admin");
    let body = json!({"name": "ci", "scopes": ["api:write"]});
    let created = admin.post(&workspace.path("keys"), body).expect(201);
    let may = |scope: &str| {
        keyward.verify(json!({"key": created.text_at("secret"), "scopes": [scope]}))["code"].clone()
    };
    let check = || {
        assert_eq!((may("api:write"), may("api:read")), (json!("valid"), json!("valid")));
        // Its maker, its owner, holds that.
        assert_eq!(may("audit:read"), "insufficient_scope");
        let members = keyward.with_key(&created.text_at("secret")).get(&workspace.path("members"));
        members.problem(403, "insufficient_scope");
    };
    check();
    // What becomes of its maker does not matter to it.
    change_role(&workspace, &admin, "viewer");
    check();
    change_role(&workspace, &admin, "owner");
    check();
}

#[test]
fn settled_3_a_personal_key_acts_with_its_grants_within_its_owners_live_rights() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("admin");
    let body = json!({"name": "laptop", "scopes": ["api:write"], "rules": [{"action": "members.read"}]});
    let key = workspace.personal_key(&person, body);
    let check = |expected: [&str; 3], members: u16| {
        let code =
            |scope: &str| keyward.verify(json!({"key": key.secret, "scopes": [scope]}))["code"].clone();
        assert_eq!(["api:write", "api:read", "audit:read"].map(code), expected);
        assert_eq!(keyward.with_key(&key.secret).get(&workspace.path("members")).status, members);
        // What its owner may and it may not.
        keyward.with_key(&key.secret).get(&workspace.path("keys")).problem(403, "insufficient_scope");
    };
    check(["valid", "valid", "insufficient_scope"], 200);
    change_role(&workspace, &person, "viewer");
    check(["insufficient_scope", "valid", "insufficient_scope"], 200);
    change_role(&workspace, &person, "owner");
    check(["valid", "valid", "insufficient_scope"], 200);

    // Where keys have no grants of their own, the owner's rights are theirs.
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("viewer");
    let key = workspace.personal_key(&person, json!({"name": "laptop"}));
    let code = || keyward.verify(json!({"key": key.secret, "scopes": ["scans:write"]}))["code"].clone();
    assert_eq!(code(), "insufficient_scope");
    change_role(&workspace, &person, "member");
    assert_eq!(code(), "valid");
}

#[test]
fn settled_3_nobody_can_grant_more_than_they_hold() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (admin, viewer) = (workspace.member("admin"), workspace.member("viewer"));
    let body =
        |scopes: &[&str], rules: Value| json!({"name": unique("key"), "scopes": scopes, "rules": rules});
    let all = json!([{"action": "**"}]);
    let manager = workspace.create_key(body(&["api:read"], json!([{"action": "settings.manage"}])));
    workspace.unchanged_by(|| {
        let (keys, own) = (workspace.path("keys"), "/api/v1/me/keys");
        admin.post(&keys, body(&["api:read"], all.clone())).problem(403, "forbidden");
        admin.post(own, body(&["api:read"], all.clone())).problem(403, "forbidden");
        viewer.post(own, body(&["api:write"], json!([]))).problem(403, "forbidden");
        viewer.post(own, body(&["api:read"], json!([{"action": "api:*"}]))).problem(403, "forbidden");
        let by_key = keyward.with_key(&manager.secret);
        by_key.post(&keys, body(&["api:write"], json!([]))).problem(403, "forbidden");
        by_key.post(&keys, body(&["api:read"], all)).problem(403, "forbidden");
    });
    let invitation = json!({"email": "eve@example.com", "role": "owner"});
    admin.post(&workspace.path("invitations"), invitation).problem(403, "forbidden");
    let of_viewer = workspace.path(&format!("members/{}", viewer.id_in(&workspace.slug)));
    admin.send_json("PATCH", &of_viewer, &json!({"role": "owner"})).problem(403, "forbidden");
    viewer.post("/api/v1/me/keys", body(&["api:read"], json!([]))).expect(201);
}

#[test]
fn settled_4_of_somebody_who_leaves_personal_keys_stop_at_once_and_workspace_keys_go_on_ownerless() {
    let keyward = shared("cysmiq");
    let (workspace, elsewhere) = (keyward.workspace(), keyward.workspace());
    let admin = workspace.member("admin");
    let admin = elsewhere.join(&admin, "member");
    let body = || json!({"name": unique("key"), "scopes": ["vulnerabilities:read"]});
    let personal = workspace.personal_key(&admin, body());
    let created = admin.post(&workspace.path("keys"), body()).expect(201);
    let (id, secret) = (created.text_at("id"), created.text_at("secret"));
    assert_eq!(created.body["owner"]["id"], admin.id_in(&workspace.slug));
    let code_in = |workspace: &Workspace<'_>| {
        keyward.verify(json!({"key": personal.secret, "workspace": workspace.slug}))["code"].clone()
    };
    assert_eq!((code_in(&workspace), code_in(&elsewhere)), (json!("valid"), json!("valid")));

    workspace.remove(&admin);
    assert_eq!((code_in(&workspace), code_in(&elsewhere)), (json!("workspace_mismatch"), json!("valid")));
    keyward.with_key(&personal.secret).get(&workspace.path("whoami")).problem(404, "not_found");
    let asked = format!("/v1/authorize?workspace={}&scope=vulnerabilities:read", workspace.slug);
    keyward.data().bearer(&personal.secret).get(&asked).problem(403, "forbidden");

    assert_eq!(keyward.verify_code(&secret), "valid");
    keyward.data().bearer(&secret).get(&asked).expect(200);
    let listed = workspace.keys();
    let listed = listed.iter().find(|key| key["id"] == id.as_str()).expect("the key is listed");
    assert_eq!((&listed["owner"], &listed["status"]), (&json!(null), &json!("active")));
    assert!(listed["created_by"]["name"].is_string(), "who made it is remembered: {listed}");
}
