use std::time::Duration;

use keyward_tests::{eventually, json, shared};

#[test]
fn an_id_that_is_unknown_or_no_id_at_all_is_not_found() {
    let workspace = shared("cveium").workspace();
    let unknown = format!("key_{}", "0".repeat(26));
    let foreign_type = format!("usr_{}", "0".repeat(26));
    for id in [unknown.as_str(), foreign_type.as_str(), "key_", "nonsense", "%00", "key_01j%2F..", "💥"] {
        let id = if id.is_ascii() { id.to_owned() } else { "%F0%9F%92%A5".to_owned() };
        workspace.owner().get(&workspace.path(&format!("keys/{id}"))).problem(404, "not_found");
        workspace.owner().delete(&workspace.path(&format!("keys/{id}"))).problem(404, "not_found");
        workspace.owner().get(&format!("/api/v1/me/keys/{id}")).problem(404, "not_found");
    }
}

#[test]
fn a_key_carries_an_etag_that_use_does_not_change_and_revoking_does() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let etag = |body_wanted: &dyn Fn(&serde_json::Value) -> bool| {
        let answer = eventually(
            Duration::from_secs(1),
            || workspace.get_key(&key.id),
            |answer| body_wanted(&answer.body),
        );
        let etag = answer.header("etag").unwrap_or_else(|| panic!("no ETag: {answer}")).to_owned();
        assert!(etag.starts_with('"') || etag.starts_with("W/\""), "{etag}");
        etag
    };
    let fresh = etag(&|_| true);
    assert_eq!(key.created.header("etag"), Some(fresh.as_str()), "the creation's answer says the same");

    keyward.verify(json!({"key": key.secret, "ip": "203.0.113.7"}));
    assert_eq!(etag(&|body| body["last_used_at"].is_string()), fresh);
    workspace.revoke(&key);
    assert_ne!(etag(&|body| body["status"] == "revoked"), fresh);
}

#[test]
fn a_personal_key_is_found_among_ones_own_only() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let (owner, other) = (workspace.member("member"), workspace.member("member"));
    let body = json!({"name": "laptop", "scopes": ["vulnerabilities:read"]});
    let key = workspace.personal_key(&owner, body.clone());
    let of_workspace = workspace.create_key(body);

    let path = format!("/api/v1/me/keys/{}", key.id);
    assert_eq!(owner.get(&path).expect(200).body, key.resource());
    other.get(&path).problem(404, "not_found");
    other.delete(&path).problem(404, "not_found");
    workspace.owner().get(&path).problem(404, "not_found");
    owner.get(&format!("/api/v1/me/keys/{}", of_workspace.id)).problem(404, "not_found");
    assert_eq!(owner.get("/api/v1/me/keys").expect(200).items(), [key.resource()]);
    assert_eq!(other.get("/api/v1/me/keys").expect(200).items().len(), 0);
}
