use std::time::Duration;

use keyward_tests::{Answer, Key, Keyward, Value, Workspace, eventually, json, shared, time};

fn path(workspace: &Workspace<'_>, key: &Key, verb: &str) -> String {
    workspace.path(&format!("keys/{}/{verb}", key.id))
}

#[track_caller]
fn rotate(workspace: &Workspace<'_>, key: &Key, body: Value) -> String {
    let rotated = workspace.owner().post(&path(workspace, key, "rotate"), body).expect(200);
    assert_eq!(rotated.header("cache-control"), Some("no-store"), "{rotated}");
    rotated.text_at("secret")
}

#[track_caller]
fn post(workspace: &Workspace<'_>, key: &Key, verb: &str) -> Answer {
    workspace.owner().post_nothing(&path(workspace, key, verb))
}

fn which(keyward: &Keyward, secret: &str) -> Value {
    keyward.verify(json!({"key": secret}))["key"]["secret"].clone()
}

#[test]
fn cyb_7_rotating_mints_a_new_secret_and_the_old_one_stays_active_for_24_hours() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "automation"}));
    let rotated = person.post_nothing(&format!("/api/v1/me/keys/{}/rotate", key.id)).expect(200);
    let (old, new) = (&key.secret, rotated.text_at("secret"));
    assert_ne!(*old, new);
    for (secret, place) in [(old, "previous"), (&new, "current")] {
        assert_eq!(keyward.verify_code(secret), "valid");
        assert_eq!(which(keyward, secret), place);
        keyward.with_key(secret).get(&workspace.path("whoami")).expect(200);
    }
    let rotation = &rotated.body["rotation"];
    let at = |name: &str| time(&rotation[name]);
    assert_eq!(at("old_secret_expires_at").duration_since(at("started_at")).as_secs(), 24 * 3600);
    assert_eq!(rotation["old_secret_hint"], key.created.body["secret_hint"]);
    assert_ne!(rotated.body["secret_hint"], key.created.body["secret_hint"]);
}

#[test]
fn cyb_8_finish_rotation_revokes_the_old_secret() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "automation"}));
    let of = |verb: &str| format!("/api/v1/me/keys/{}/{verb}", key.id);
    let new = person.post_nothing(&of("rotate")).expect(200).text_at("secret");
    let finished = person.post_nothing(&of("rotate/finish")).expect(200);
    assert_eq!(finished.body["rotation"], json!(null));
    assert!(finished.body.get("secret").is_none(), "a secret is shown once: {finished}");
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).problem(401, "invalid_key");
    assert_eq!(keyward.verify_code(&new), "valid");
    person.post_nothing(&of("rotate/finish")).problem(409, "conflict");
}

#[test]
fn cyb_8_without_finishing_the_old_secret_stops_by_itself() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let new = rotate(&workspace, &key, json!({"overlap_seconds": 1}));
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    eventually(Duration::from_secs(2), || keyward.verify_code(&key.secret), |code| code == "revoked");
    assert_eq!(keyward.verify_code(&new), "valid");
    post(&workspace, &key, "rotate/finish").problem(409, "conflict");
    let third = rotate(&workspace, &key, json!({}));
    assert_eq!(keyward.verify_code(&third), "valid");
}

#[test]
fn cancelling_ends_the_new_secret_and_the_old_one_stays() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let new = rotate(&workspace, &key, json!({}));
    let cancelled = post(&workspace, &key, "rotate/cancel").expect(200);
    assert_eq!(cancelled.body["secret_hint"], key.created.body["secret_hint"]);
    assert_eq!(keyward.verify_code(&new), "revoked");
    assert_eq!(
        (keyward.verify_code(&key.secret), which(keyward, &key.secret)),
        ("valid".to_owned(), json!("current"))
    );
    post(&workspace, &key, "rotate/cancel").problem(409, "conflict");
}

#[test]
fn a_key_has_at_most_two_live_secrets_and_revoking_ends_both() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let new = rotate(&workspace, &key, json!({"overlap_seconds": 604_800}));
    post(&workspace, &key, "rotate").problem(409, "conflict");
    workspace.owner().delete(&workspace.path(&format!("keys/{}", key.id))).expect(204);
    for secret in [&key.secret, &new] {
        assert_eq!(keyward.verify_code(secret), "revoked");
    }
    post(&workspace, &key, "rotate").problem(409, "conflict");
}

#[test]
fn the_overlap_has_bounds_and_none_ends_the_old_secret_at_once() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    workspace.unchanged_by(|| {
        for overlap in [json!(604_801), json!(-1), json!("1"), json!(1.5)] {
            let body = json!({"overlap_seconds": overlap});
            workspace.owner().post(&path(&workspace, &key, "rotate"), body).refuses_field("overlap_seconds");
        }
    });
    rotate(&workspace, &key, json!({"overlap_seconds": 0}));
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
}

#[test]
fn the_overlap_never_outlives_the_key() {
    let workspace = shared("cveium").workspace();
    let key =
        workspace.create_key(json!({"name": "ci", "scopes": ["products:read"], "expires_in_seconds": 3600}));
    let rotated = workspace.owner().post(&path(&workspace, &key, "rotate"), json!({})).expect(200);
    assert_eq!(rotated.body["rotation"]["old_secret_expires_at"], key.created.body["expires_at"]);
}

#[test]
fn the_list_shows_when_the_old_secret_was_last_used() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let new = rotate(&workspace, &key, json!({}));
    keyward.verify(json!({"key": new}));
    let listed = || workspace.keys().remove(0);
    eventually(Duration::from_secs(1), listed, |key| key["last_used_at"].is_string());
    assert_eq!(listed()["rotation"]["old_secret_last_used_at"], json!(null));
    keyward.verify(json!({"key": key.secret}));
    eventually(Duration::from_secs(1), listed, |key| key["rotation"]["old_secret_last_used_at"].is_string());
}

#[test]
fn a_rotation_survives_a_restart() {
    let mut keyward = Keyward::profile("cveium").start();
    let (finished, open) = {
        let workspace = keyward.workspace();
        let (finished, open) = (workspace.any_key(), workspace.any_key());
        rotate(&workspace, &finished, json!({}));
        post(&workspace, &finished, "rotate/finish").expect(200);
        rotate(&workspace, &open, json!({}));
        (finished, open)
    };
    keyward.restart();
    assert_eq!(keyward.verify_code(&finished.secret), "revoked", "it never becomes unknown");
    assert_eq!(keyward.verify_code(&open.secret), "valid");
}

#[test]
fn only_those_who_manage_the_key_rotate_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let member = workspace.member("member");
    let stranger = keyward.workspace().member("admin");
    for verb in ["rotate", "rotate/finish", "rotate/cancel"] {
        let path = path(&workspace, &key, verb);
        member.post_nothing(&path).problem(403, "forbidden");
        stranger.post_nothing(&path).problem(404, "not_found");
        keyward.with_key(&key.secret).post_nothing(&path).problem(403, "insufficient_scope");
    }
    assert_eq!(which(keyward, &key.secret), "current");
}

#[test]
fn cer_1_a_profile_that_gives_out_secrets_in_its_web_app_only_rotates_nothing_through_the_api() {
    let workspace = shared("cerby").workspace();
    let path = workspace.path("keys/key_00000000000000000000000000/rotate");
    workspace.owner().post_nothing(&path).problem(403, "forbidden");
}

#[test]
fn nobody_gets_a_secret_that_opens_more_than_they_hold() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let wide = workspace.create_key(json!({"name": "wide", "rules": [{"action": "**"}]}));
    let manager = workspace.create_key(json!({
        "name": "manager", "rules": [{"action": "settings.manage"}], "scopes": ["api:read"],
        "expires_in_seconds": 3600, "allowed_cidrs": ["127.0.0.0/8"],
    }));
    let by_manager =
        |key: &Key| keyward.with_key(&manager.secret).post_nothing(&path(&workspace, key, "rotate"));
    by_manager(&wide).problem(403, "forbidden");
    let endless = workspace.key_with(&["api:read"]);
    by_manager(&endless).refuses_field("expires_at");
    let body = json!({"name": "unlimited", "scopes": ["api:read"], "expires_in_seconds": 60});
    by_manager(&workspace.create_key(body)).refuses_field("allowed_cidrs");
    let within = json!({
        "name": "within", "scopes": ["api:read"], "expires_in_seconds": 60, "allowed_cidrs": ["127.0.0.1"],
    });
    by_manager(&workspace.create_key(within)).expect(200);
    workspace.member("admin").post_nothing(&path(&workspace, &wide, "rotate")).problem(403, "forbidden");
}
