use keyward_tests::{json, shared, unique};

#[test]
fn two_keys_may_have_the_same_name() {
    let workspace = shared("cveium").workspace();
    let body = json!({"name": "ci", "scopes": ["products:read"]});
    let (one, other) = (workspace.create_key(body.clone()), workspace.create_key(body));
    assert_ne!(one.id, other.id);
    assert_ne!(one.secret, other.secret);
}

#[test]
fn a_name_is_up_to_100_characters_not_bytes() {
    let workspace = shared("cveium").workspace();
    let name = "ж".repeat(100);
    let key = workspace.create_key(json!({"name": name, "scopes": ["products:read"]}));
    assert_eq!(workspace.get_key(&key.id).body["name"], name);
}

#[test]
fn a_key_works_on_the_data_plane_before_its_own_creation_is_answered() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    for _ in 0..20 {
        let key = workspace.key_with(&["products:read"]);
        assert_eq!(keyward.verify_code(&key.secret), "valid");
    }
}

#[test]
fn a_kind_that_the_profile_lacks_is_refused() {
    for profile in ["cveium", "cycloid"] {
        let keyward = shared(profile);
        let workspace = keyward.workspace();
        let body = json!({"name": "mine", "scopes": [workspace.first_scope()]});
        workspace.owner().post("/api/v1/me/keys", body).problem(403, "forbidden");
    }
    let workspace = shared("cybrium").workspace();
    workspace.unchanged_by(|| {
        workspace.owner().post(&workspace.path("keys"), json!({"name": "ci"})).problem(403, "forbidden");
    });
}

#[test]
fn nobody_grants_a_scope_that_they_do_not_hold() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let viewer = workspace.member("viewer");
    let all: Vec<String> = workspace
        .owner()
        .get(&workspace.path("scopes"))
        .expect(200)
        .items()
        .iter()
        .filter_map(|scope| scope["name"].as_str().map(str::to_owned))
        .collect();
    let refused = viewer.post("/api/v1/me/keys", json!({"name": unique("all"), "scopes": all}));
    refused.refused(&[403]);
    assert_eq!(viewer.get("/api/v1/me/keys").expect(200).items().len(), 0);
    workspace.owner().post(&workspace.path("keys"), json!({"name": "all", "scopes": all})).expect(201);
}

#[test]
fn a_workspace_key_cannot_make_keys_with_scopes_of_the_product() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read", "products:write"]);
    workspace.unchanged_by(|| {
        let body = json!({"name": "child", "scopes": ["products:read"]});
        keyward.with_key(&key.secret).post(&workspace.path("keys"), body).refused(&[403]);
        keyward.with_key(&key.secret).delete(&workspace.path(&format!("keys/{}", key.id))).refused(&[403]);
    });
}
