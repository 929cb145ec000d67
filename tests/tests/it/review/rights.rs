//! Who gets more than they hold, or goes on with what they no longer have.

use keyward_tests::{Caller, Keyward, json, project_root, shared};

#[test]
fn a_key_is_not_given_the_answers_to_another_key_of_its_service_account() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let accounts = workspace.path("service-accounts");
    let bot = workspace.owner().post(&accounts, json!({"name": "bot"})).expect(201).text_at("id");
    let manages = json!([{"action": "settings.manage", "resources": []}]);
    let strong = workspace.create_key(
        json!({"name": "strong", "scopes": ["api:read"], "rules": manages, "service_account": bot}),
    );
    let weak = workspace.create_key(json!({"name": "weak", "scopes": ["api:read"], "service_account": bot}));
    let body = json!({"name": "made", "scopes": ["api:read"], "metadata": {"internal": "42"}});
    let create = |secret: &str| {
        let caller: Caller = keyward.with_key(secret).with("Idempotency-Key", "deploy-1");
        caller.post(&workspace.path("keys"), body.clone())
    };
    create(&strong.secret).expect(201);
    create(&weak.secret).problem(403, "insufficient_scope");
}

#[test]
fn a_personal_key_is_not_given_the_answers_to_the_session_of_its_owner() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let key = workspace.personal_key(workspace.owner(), json!({"name": "own", "scopes": ["api:read"]}));
    let body = json!({"email": "new@example.com", "role": "admin"});
    let invite = |asker: &Caller| {
        asker.with("Idempotency-Key", "invite-1").post(&workspace.path("invitations"), body.clone())
    };
    invite(workspace.owner()).expect(201);
    assert_eq!(invite(&keyward.with_key(&key.secret)).status, 403);
}

#[test]
fn an_owner_who_manages_no_keys_does_not_lift_the_limits_of_their_key() {
    let workspace = shared("default").workspace();
    let viewer = workspace.member("viewer");
    let limits = json!({"name": "limited", "scopes": ["api:write"], "allowed_cidrs": ["10.0.0.0/8"], "requests_per_minute": 1});
    let key = workspace.create_key(limits);
    let path = workspace.path(&format!("keys/{}", key.id));
    workspace.owner().patch(&path, json!({"owner": viewer.id_in(&workspace.slug)})).expect(200);
    viewer.patch(&path, json!({"description": "mine"})).expect(200);
    assert_eq!(viewer.patch(&path, json!({"allowed_cidrs": []})).status, 403);
    assert_eq!(viewer.patch(&path, json!({"requests_per_minute": null})).status, 403);
}

#[test]
fn a_key_with_limits_gives_its_rights_to_no_key_without_them() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let weak = workspace.key_with(&["api:read"]);
    let rules = ["settings.manage", "keys.read", "api:write"]
        .map(|action| json!({"action": action, "resources": []}));
    let limited = workspace.create_key(json!({"name": "limited", "rules": rules, "expires_in_seconds": 600,
        "allowed_cidrs": ["127.0.0.1/32"], "requests_per_minute": 100}));
    let caller = keyward.with_key(&limited.secret);
    // It cannot make such a key, so it must not make one of another either.
    let everlasting = json!({"name": "for ever", "scopes": ["api:write"]});
    caller.post(&workspace.path("keys"), everlasting).problem(422, "validation_failed");
    let path = workspace.path(&format!("keys/{}", weak.id));
    let answer = caller.patch(&path, json!({"scopes": ["api:write"]}));
    assert!(matches!(answer.status, 403 | 422), "{answer}");
}

#[test]
fn a_role_is_not_called_like_one_of_the_profile_but_for_what_nobody_sees() {
    let workspace = shared("default").workspace();
    for name in ["owner ", " owner", "owner\u{200b}", "ow\u{ad}ner", "owner\u{2028}"] {
        workspace
            .owner()
            .post(&workspace.path("roles"), json!({"name": name, "scopes": ["api:read"]}))
            .refuses_field("name");
    }
}

#[test]
fn a_plan_that_the_profile_no_longer_has_has_no_seats() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.toml");
    let text = std::fs::read_to_string(project_root().join("profiles/default.toml")).expect("the profile");
    let small = "\n[[plans]]\nname = \"small\"\ntitle = \"Small\"\napi_keys = true\nseats_max = 1\n";
    std::fs::write(&file, format!("{text}{small}")).expect("a profile of one's own");
    let mut keyward = Keyward::profile(&file.display().to_string()).start();
    let invite = |keyward: &Keyward, email: &str| {
        let workspace = keyward.first_workspace();
        workspace.owner().post(&workspace.path("invitations"), json!({"email": email, "role": "viewer"}))
    };
    keyward.first_workspace().set_plan("small");
    invite(&keyward, "one@example.com").problem(403, "plan_required");
    std::fs::write(&file, text).expect("a profile without the plan");
    keyward.restart();
    invite(&keyward, "two@example.com").problem(403, "plan_required");
}

#[test]
fn whoever_invites_somebody_does_not_learn_whether_they_have_an_account_elsewhere() {
    let keyward = Keyward::profile("default").start();
    let stranger = keyward.workspace_of(&keyward.first_workspace().member("viewer"));
    let probe = |email: &str| {
        let token = stranger.invite(email, "viewer").text_at("token");
        let body = json!({"token": token, "name": "", "password": "a wrong passphrase"});
        keyward.anonymous().post("/api/v1/invitations/accept", body).status
    };
    assert_eq!(probe("ada@example.com"), probe("nobody@example.com"));
}
