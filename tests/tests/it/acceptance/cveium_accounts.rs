//! What a key acts as, and what is written down of it.

use keyward_tests::{Key, Keyward, json, project_root, shared};

use crate::store::Store;

/// How many live entries of users a service account has, and how many memberships.
fn entries_of(store: &Store<'_>, service_account: &str) -> (i64, i64) {
    let users =
        "SELECT count(*) FROM users WHERE id = ?1 AND kind = 'service_account' AND deleted_at IS NULL";
    let memberships = "SELECT count(*) FROM memberships WHERE user_id = ?1";
    (store.number_about(users, service_account), store.number_about(memberships, service_account))
}

#[test]
fn cve_6_each_key_is_backed_by_a_service_account_that_is_a_user_and_a_member_of_the_workspace() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let keys = [workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"])];
    let accounts = keys.each_ref().map(|key| key.created.body["service_account"].clone());
    assert_ne!(accounts[0]["id"], accounts[1]["id"], "each key has its own");
    let store = Store::of(keyward);
    for (key, account) in keys.iter().zip(&accounts) {
        let id = account["id"].as_str().expect("an id");
        assert!(id.starts_with("sa_"), "{id}");
        assert_eq!(entries_of(&store, id), (1, 1));
        let whoami = keyward.with_key(&key.secret).get(&workspace.path("whoami")).expect(200).body;
        let actor = json!({"type": "service_account", "id": id, "name": account["name"]});
        for field in ["type", "id", "name"] {
            assert_eq!(whoami["actor"][field], actor[field], "{whoami}");
        }
        assert_eq!(keyward.verify(json!({"key": key.secret}))["subject"], actor);
    }
}

#[test]
fn cve_8_what_a_key_does_is_recorded_as_its_service_account() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let rules = json!([{"action": "settings.manage"}]);
    let body = json!({"name": "ci-pipeline-prod", "scopes": ["products:read"], "rules": rules});
    let key = workspace.create_key(body);
    let account = &key.created.body["service_account"];
    assert_eq!(account["name"], "api_ci-pipeline-prod");

    let caller = keyward.with_key(&key.secret);
    let made = caller
        .post(&workspace.path("keys"), json!({"name": "made", "scopes": ["products:read"]}))
        .expect(201);
    let id = made.text_at("id");
    assert_eq!(
        made.body["created_by"],
        json!({"type": "service_account", "id": account["id"], "name": account["name"]})
    );
    caller.delete(&workspace.path(&format!("keys/{id}"))).expect(204);
    let entries = Store::of(keyward).audit_of(&id);
    assert_eq!(
        entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(),
        ["key.created", "key.revoked"]
    );
    for entry in entries {
        assert_eq!(
            (entry.actor_type.as_str(), entry.actor_name.as_str()),
            ("service_account", "api_ci-pipeline-prod")
        );
        assert!(entry.is_by(account["id"].as_str().expect("an id")), "{entry:?}");
    }
}

/// A server whose one plan has two seats.
fn with_two_seats() -> Keyward {
    let text = std::fs::read_to_string(project_root().join("profiles/cveium.toml")).expect("the profile");
    let limited = text.replacen("api_keys = true", "api_keys = true\nseats_max = 2", 1);
    assert_ne!(limited, text, "the profile has no plan any more");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("two-seats.toml");
    std::fs::write(&file, limited).expect("a profile of one's own");
    Keyward::profile(&file.display().to_string()).start()
}

#[test]
fn cve_9_service_accounts_are_no_members_and_take_no_seats() {
    let keyward = with_two_seats();
    let workspace = keyward.first_workspace();
    let keys: Vec<_> = (0..5).map(|_| workspace.key_with(&["products:read"])).collect();
    // The owner has one of two seats, and five keys have none.
    workspace.member("admin");
    let full = json!({"email": "eve@example.com", "role": "member"});
    workspace.owner().post(&workspace.path("invitations"), full).problem(403, "plan_required");
    for key in &keys {
        workspace.revoke(key);
        assert!(workspace.get_key(&key.id).body["service_account"].is_object());
    }

    let members = workspace.owner().get(&workspace.path("members")).expect(200);
    assert_eq!(members.items().len(), 2, "{members}");
    assert!(!members.text.contains("sa_") && !members.text.contains("api_"), "{members}");
    let more = workspace.key_with(&["products:read"]);
    let account = more.created.body["service_account"]["id"].as_str().expect("an id").to_owned();
    for id in [account.replacen("sa_", "usr_", 1), account] {
        let path = workspace.path(&format!("members/{id}"));
        workspace.owner().send_json("PATCH", &path, &json!({"role": "admin"})).problem(404, "not_found");
        workspace.owner().delete(&path).problem(404, "not_found");
    }
    assert_eq!(keyward.verify_code(&more.secret), "valid");
}

#[test]
fn cve_10_revoking_deletes_the_service_account_and_past_audit_entries_keep_their_attribution() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let body =
        json!({"name": "deployer", "scopes": ["products:read"], "rules": [{"action": "settings.manage"}]});
    let key = workspace.create_key(body);
    let account = key.created.body["service_account"]["id"].as_str().expect("an id");
    let made = keyward
        .with_key(&key.secret)
        .post(&workspace.path("keys"), json!({"name": "made", "scopes": ["products:read"]}));
    let made = made.expect(201).text_at("id");
    let store = Store::of(keyward);
    assert_eq!(entries_of(&store, account), (1, 1));

    workspace.revoke(&key);
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).problem(401, "invalid_key");
    keyward.authorize(&key.secret, "GET", "/api/products").problem(401, "invalid_key");
    assert_eq!(entries_of(&store, account), (0, 0), "its service account is gone");

    let own = store.audit_of(&key.id);
    let last = own.last().expect("entries");
    assert_eq!((last.action.as_str(), last.actor_type.as_str()), ("key.revoked", "user"));
    assert!(last.is_by(&workspace.owner().id_in(&workspace.slug)), "{last:?}");
    let past = store.audit_of(&made);
    assert_eq!(past[0].actor_name, "api_deployer");
    assert!(past[0].is_by(account), "{:?}", past[0]);
    assert_eq!(workspace.get_key(&made).body["created_by"]["name"], "api_deployer");
    // The name is free again, and the new key of that name is another.
    let again = workspace.create_key(json!({"name": "deployer", "scopes": ["products:read"]}));
    assert_eq!(again.created.body["service_account"]["name"], "api_deployer");
    assert_ne!(again.created.body["service_account"]["id"], account);
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
}

#[test]
fn cve_13_all_creations_and_revocations_of_keys_are_in_the_audit_log() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let keys: Vec<_> = (0..4).map(|_| workspace.key_with(&["sboms:read"])).collect();
    let (path, owner) = (|key: &Key| workspace.path(&format!("keys/{}", key.id)), workspace.owner());
    // Each way to revoke.
    owner.delete(&path(&keys[0])).expect(204);
    owner.post(&format!("{}/revoke", path(&keys[1])), json!({"reason": "leaked"})).expect(200);
    let body = json!({"ids": [keys[2].id, keys[3].id], "reason": "leaked"});
    owner.post(&workspace.path("keys/bulk-revoke"), body).expect(200);
    // Again changes nothing, and is not written down as if it had.
    owner.delete(&path(&keys[0])).expect(204);

    let (store, owner_id) = (Store::of(keyward), owner.id_in(&workspace.slug));
    for (at, key) in keys.iter().enumerate() {
        let entries = store.audit_of(&key.id);
        let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["key.created", "key.revoked"], "key {at}");
        assert!(entries.iter().all(|entry| entry.is_by(&owner_id)));
        assert_eq!(entries[0].after["name"], key.name());
        assert_eq!(entries[0].after["scopes"], json!(["sboms:read"]));
        assert_eq!(entries[1].before["revoked_at"], json!(null));
        assert!(entries[1].after["revoked_at"].is_string());
        assert_eq!(entries[1].after["reason"], if at == 0 { json!(null) } else { json!("leaked") });
    }
}
