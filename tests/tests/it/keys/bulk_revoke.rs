use std::time::Duration;

use keyward_tests::{Keyward, Value, eventually, json, shared};

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
        // Whoever restores a backup finds in the log what was revoked since.
        let logged = keyward
            .logs()
            .lines()
            .filter(|line| line.contains("key revoked") && line.contains(&key.id))
            .count();
        assert_eq!(logged, usize::from(code == "revoked"));
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

/// The status of each result.
fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap_or_default()).collect()
}

#[test]
fn cyc_8_a_dry_run_says_what_would_be_revoked_and_when_it_was_last_used() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let (used, unused, gone) = (workspace.any_key(), workspace.any_key(), workspace.any_key());
    workspace.revoke(&gone);
    let foreign = keyward.workspace().any_key();
    keyward.verify(json!({"key": used.secret, "ip": "203.0.113.7"}));
    eventually(
        Duration::from_secs(5),
        || workspace.get_key(&used.id).body["last_used_at"].clone(),
        Value::is_string,
    );

    let ids = [used.id.as_str(), &unused.id, &gone.id, &foreign.id, "nonsense"];
    let path = workspace.path("keys/bulk-revoke");
    let ask = json!({"ids": ids, "reason": "spring cleaning", "dry_run": true});
    let answer = workspace.unchanged_by(|| workspace.owner().post(&path, ask).expect(200));
    assert_eq!(answer.body["dry_run"], true, "{answer}");
    let results = answer.body["results"].as_array().expect("results");
    assert_eq!(statuses(results), ["would_revoke", "would_revoke", "revoked", "error", "error"], "{answer}");
    for (result, id) in results.iter().zip(ids) {
        assert_eq!(result["id"], id);
        if result["status"] == "error" {
            assert_eq!(result["problem"]["code"], "not_found", "{answer}");
            assert!(result.get("name").is_none(), "a stranger's key is not described: {answer}");
        } else {
            let key = workspace.get_key(id).body;
            for member in ["name", "owner", "last_used_at", "last_used_ip"] {
                assert_eq!(result.get(member), key.get(member), "{member}: {answer}");
            }
        }
    }
    assert_eq!(results[0]["last_used_ip"], "203.0.113.7");
    for key in [&used, &unused, &foreign] {
        assert_eq!(keyward.verify_code(&key.secret), "valid");
    }
}

#[test]
fn personal_keys_are_revoked_together_by_their_owner_alone() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let (ada, grace) = (workspace.owner(), workspace.member("member"));
    let key = |person| {
        workspace.personal_key(person, json!({"name": "laptop", "scopes": ["vulnerabilities:read"]}))
    };
    let (first, second, foreign) = (key(ada), key(ada), key(&grace));
    let path = "/api/v1/me/keys/bulk-revoke";
    let ids = [first.id.as_str(), &foreign.id, &workspace.any_key().id, &second.id];
    for (ask, done) in
        [(json!({"ids": ids, "dry_run": true}), "would_revoke"), (json!({"ids": ids}), "revoked")]
    {
        let answer = ada.post(path, ask).expect(200);
        let results = answer.body["results"].as_array().expect("results");
        assert_eq!(statuses(results), [done, "error", "error", done], "{answer}");
    }
    for (key, code) in [(&first, "revoked"), (&second, "revoked"), (&foreign, "valid")] {
        let asked = json!({"key": key.secret, "workspace": workspace.slug});
        assert_eq!(keyward.verify(asked)["code"], code);
    }
    // A key must not end what belongs to its owner.
    keyward.with_key(&foreign.secret).post(path, json!({"ids": [foreign.id]})).problem(403, "forbidden");
}

#[test]
fn a_dry_run_writes_nothing_at_all() {
    let keyward = Keyward::profile("cycloid").start();
    let workspace = keyward.first_workspace();
    let key = workspace.any_key();
    let path = workspace.path("keys/bulk-revoke");
    // Every commit goes through this file first.
    let log = keyward.store().with_extension("sqlite-wal");
    let written = || std::fs::read(&log).expect("the write-ahead log");
    // What came before may still be on its way.
    let mut before = written();
    eventually(
        Duration::from_secs(10),
        || {
            std::thread::sleep(Duration::from_millis(600));
            let now = written();
            std::mem::replace(&mut before, now.clone()) == now
        },
        |is_quiet| *is_quiet,
    );
    workspace.owner().post(&path, json!({"ids": [key.id], "dry_run": true})).expect(200);
    std::thread::sleep(Duration::from_millis(600));
    assert!(written() == before, "a dry run has written");
    let real = workspace.owner().post(&path, json!({"ids": [key.id], "dry_run": false})).expect(200);
    assert!(real.body.get("dry_run").is_none(), "{real}");
    assert!(written() != before, "this test would have seen it");
}

#[test]
fn a_dry_run_is_checked_as_the_real_one_is() {
    let workspace = shared("cycloid").workspace();
    let key = workspace.any_key();
    let path = workspace.path("keys/bulk-revoke");
    let owner = workspace.owner();
    owner.post(&path, json!({"ids": [], "dry_run": true})).refuses_field("ids");
    let too_many = vec![key.id.as_str(); 1001];
    owner.post(&path, json!({"ids": too_many, "dry_run": true})).refuses_field("ids");
    let reason = "x".repeat(501);
    owner.post(&path, json!({"ids": [key.id], "dry_run": true, "reason": reason})).refuses_field("reason");
    owner.post(&path, json!({"ids": [key.id], "dry_run": "yes"})).refuses_field("dry_run");
    let ask = json!({"ids": [key.id], "dry_run": true});
    workspace.member("org_member").post(&path, ask.clone()).problem(403, "forbidden");
    workspace.owner().without("Cookie").post(&path, ask).problem(401, "unauthenticated");
}
