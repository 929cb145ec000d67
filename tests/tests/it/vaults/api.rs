use keyward_tests::{Keyward, Value, json, shared, unique};

use super::{store, vault};

#[test]
fn a_vault_is_made_read_edited_and_deleted() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("vaults"));
    let body = json!({"name": "Production", "description": "what runs for customers"});
    let made = owner.with("Idempotency-Key", "one").post(&path, body.clone()).expect(201);
    let again = owner.with("Idempotency-Key", "one").post(&path, body).expect(201);
    assert_eq!(again.body, made.body);
    let one = format!("{path}/{}", made.text_at("id"));
    assert_eq!(made.header("location"), Some(one.as_str()));
    let read = owner.get(&one).expect(200);
    assert_eq!(
        (&read.body["secrets"], &read.body["created_by"]["name"]),
        (&json!(0), &owner.get("/api/v1/me").expect(200).body["name"])
    );
    assert_eq!(owner.get(&path).expect(200).items(), vec![read.body.clone()]);
    let tag = read.header("etag").expect("a version").to_owned();
    let edit = json!({"name": "Live", "description": null});
    let edited = owner.with("If-Match", &tag).patch(&one, edit.clone()).expect(200);
    assert_eq!((&edited.body["name"], &edited.body["description"]), (&json!("Live"), &Value::Null));
    owner.with("If-Match", &tag).patch(&one, edit).problem(412, "precondition_failed");
    owner.with("If-Match", &tag).delete(&one).problem(412, "precondition_failed");
    let kept = store(&workspace, &format!("{one}/secrets"), "a secret").text_at("id");
    let refused = owner.delete(&one).problem(409, "conflict");
    assert!(refused.text_at("detail").contains("delete its secrets first"), "{refused}");
    owner.delete(&format!("{one}/secrets/{kept}")).expect(204);
    owner.get(&format!("{one}/secrets/{kept}")).problem(404, "not_found");
    owner.delete(&one).expect(204);
    owner.get(&one).problem(404, "not_found");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("vaults"));
    owner.post(&path, json!({"name": "Production"})).expect(201);
    owner.post(&path, json!({"name": "PRODUCTION"})).refuses_field("name");
    owner.post(&path, json!({"name": ""})).refuses_field("name");
    owner.post(&path, json!({"name": "a", "colour": "red"})).refuses_field("colour");
    let secrets = vault(&workspace);
    owner.post(&secrets, json!({"name": "a", "secret": ""})).refuses_field("secret");
    owner.post(&secrets, json!({"name": "a\nb", "secret": "b"})).refuses_field("name");
    owner.post(&secrets, json!({"name": "a", "secret": "x".repeat(8_192)})).expect(201);
    let long = "x".repeat(8_193);
    let refused = owner.post(&secrets, json!({"name": "a", "secret": long})).refuses_field("secret");
    assert!(!refused.whole().contains("xxxx"), "what is refused is not repeated");
    owner.post(&secrets, json!({"name": "a", "secret": "b", "key_id": "key_1"})).refuses_field("key_id");
}

#[test]
fn a_vault_in_the_body_of_a_new_key_is_one_of_the_workspace_and_of_those_who_manage_it() {
    let keyward = shared("default");
    let (workspace, elsewhere) = (keyward.workspace(), keyward.workspace());
    let id = |secrets: &str| secrets.split('/').nth(5).expect("an id").to_owned();
    let (own, foreign) = (id(&vault(&workspace)), id(&vault(&elsewhere)));
    let body = |vault: &str| json!({"name": unique("ci"), "scopes": ["api:read"], "vault_id": vault});
    workspace.unchanged_by(|| {
        for vault in [foreign.as_str(), "vlt_01ktbbgefxfaevzcbehh3z7cjz", "Production"] {
            workspace.owner().post(&workspace.path("keys"), body(vault)).refuses_field("vault_id");
        }
        let rules = json!([{"action": "settings.manage"}]);
        let manager =
            json!({"name": "manager", "scopes": ["api:read"], "rules": rules, "expires_in_seconds": 600});
        let manager = elsewhere.create_key(manager);
        let mut short = body(&foreign);
        short["expires_in_seconds"] = json!(60);
        let refused = keyward.with_key(&manager.secret).post(&elsewhere.path("keys"), short);
        refused.problem(403, "insufficient_scope");
    });
    let personal = workspace.owner().post("/api/v1/me/keys", body(&own));
    personal.refuses_field("vault_id");
    let made = workspace.owner().post(&workspace.path("keys"), body(&own)).expect(201);
    assert!(made.text_at("vault_secret_id").starts_with("sec_"), "{made}");
}

#[test]
fn a_workspace_has_so_many_vaults_and_no_more() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("vaults"));
    let make = || owner.post(&path, json!({"name": unique("vault")}));
    let first = make().expect(201).text_at("id");
    (1..100).for_each(|_| drop(make().expect(201)));
    make().problem(409, "conflict");
    owner.delete(&format!("{path}/{first}")).expect(204);
    make().expect(201);
    let part = owner.get(&format!("{path}?limit=60")).expect(200);
    let rest = owner.get(&format!("{path}?limit=60&cursor={}", part.text_at("next_cursor"))).expect(200);
    assert_eq!((part.items().len(), rest.items().len()), (60, 40));
}
