use std::sync::Barrier;

use keyward_tests::{Person, json, shared};

#[test]
fn a_revoke_is_in_force_on_the_data_plane_before_its_own_answer() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    for _ in 0..30 {
        let key = workspace.key_with(&["products:read"]);
        assert_eq!(keyward.verify_code(&key.secret), "valid");
        workspace.revoke(&key);
        assert_eq!(keyward.verify_code(&key.secret), "revoked");
        keyward.authorize(&key.secret, "GET", "/api/products").problem(401, "invalid_key");
    }
}

#[test]
fn the_receipt_says_when_and_at_which_epoch() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let path = workspace.path(&format!("keys/{}/revoke", key.id));
    let receipt = workspace.owner().post(&path, json!({})).expect(200).body;
    assert_eq!(receipt["id"], key.id);
    assert!(receipt["revoked_at"].is_string());
    assert!(receipt["epoch"].is_u64());
    assert_eq!(receipt["propagated"], true);
    let after = keyward.verify(json!({"key": key.secret}));
    assert_eq!(after["code"], "revoked");
    assert!(after["epoch"].as_u64() >= receipt["epoch"].as_u64(), "{after} decided before {receipt}");
}

#[test]
fn many_who_revoke_at_once_are_all_told_that_it_is_revoked() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let path = workspace.path(&format!("keys/{}", key.id));
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let answer = workspace.owner().delete(&path);
                assert!(matches!(answer.status, 204 | 409), "{answer}");
                assert_eq!(keyward.verify_code(&key.secret), "revoked");
            });
        }
    });
    let first = workspace.get_key(&key.id).body;
    workspace.owner().delete(&path);
    assert_eq!(workspace.get_key(&key.id).body, first, "revoking again changes nothing");
}

#[test]
fn a_revoked_key_leaves_the_others_alone() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (gone, stays) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    workspace.revoke(&gone);
    assert_eq!(keyward.verify_code(&stays.secret), "valid");
    assert_eq!(workspace.get_key(&stays.id).body, stays.resource());
}

#[test]
fn a_reason_may_be_given_and_a_body_that_is_not_understood_revokes_nothing() {
    let reason_is_read = |person: &Person, path: &str, secret: &str| {
        let keyward = shared("cysmiq");
        person.post_raw(path, b"{").problem(400, "malformed_request");
        person.post_raw(path, b"leaked").problem(400, "malformed_request");
        person.post(path, json!({"raison": "leaked"})).refuses_field("raison");
        person.post(path, json!({"reason": 7})).refuses_field("reason");
        person.post(path, json!({"reason": "x".repeat(501)})).refuses_field("reason");
        person.send("POST", path, Some("text/plain"), b"leaked").problem(415, "unsupported_media_type");
        assert_eq!(keyward.verify_code(secret), "valid");
        person.post(path, json!({"reason": "leaked in a build log"})).expect(200);
        assert_eq!(keyward.verify_code(secret), "revoked");
        person.post_nothing(path).expect(200);
    };
    let workspace = shared("cysmiq").workspace();
    let key = workspace.key_with(&["vulnerabilities:read"]);
    reason_is_read(workspace.owner(), &workspace.path(&format!("keys/{}/revoke", key.id)), &key.secret);

    let person = workspace.member("member");
    let body = json!({"name": "laptop", "scopes": ["vulnerabilities:read"]});
    let key = workspace.personal_key(&person, body);
    reason_is_read(&person, &format!("/api/v1/me/keys/{}/revoke", key.id), &key.secret);
}
