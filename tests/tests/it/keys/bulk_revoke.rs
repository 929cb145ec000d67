use keyward_tests::{json, shared};

#[test]
fn cyc_8_several_keys_are_revoked_at_once_with_a_result_for_each() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let (first, second, stays) = (workspace.any_key(), workspace.any_key(), workspace.any_key());
    let foreign = keyward.workspace().any_key();
    let ids = [first.id.as_str(), "nonsense", &foreign.id, &second.id, &first.id];
    let path = workspace.path("keys/bulk-revoke");
    let answer = workspace.owner().post(&path, json!({"ids": ids, "reason": "spring cleaning"})).expect(200);
    let results = answer.body["results"].as_array().expect("results");
    let statuses: Vec<_> =
        results.iter().map(|result| result["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(statuses, ["revoked", "error", "error", "revoked", "revoked"]);
    for (result, id) in results.iter().zip(ids) {
        assert_eq!(result["id"], id);
        if result["status"] == "error" {
            assert_eq!(result["problem"]["code"], "not_found", "{answer}");
        }
    }
    for (key, code) in [(&first, "revoked"), (&second, "revoked"), (&stays, "valid"), (&foreign, "valid")] {
        assert_eq!(keyward.verify_code(&key.secret), code);
    }
}

#[test]
fn a_bulk_revocation_has_bounds_and_needs_the_right() {
    let workspace = shared("cycloid").workspace();
    let key = workspace.any_key();
    let path = workspace.path("keys/bulk-revoke");
    workspace.unchanged_by(|| {
        workspace.owner().post(&path, json!({"ids": []})).refuses_field("ids");
        workspace.owner().post(&path, json!({"ids": vec![key.id.as_str(); 1001]})).refuses_field("ids");
        workspace.owner().post(&path, json!({"ids": [1]})).refuses_field("ids[0]");
        workspace.member("org_member").post(&path, json!({"ids": [key.id]})).problem(403, "forbidden");
    });
}
