use std::time::Duration;

use keyward_tests::{Key, eventually, json, seconds_from_now, shared};

#[test]
fn cyb_2_keys_are_refused_on_starter_with_the_way_to_upgrade_and_work_after_it() {
    let keyward = shared("cybrium");
    let owner = keyward.owner();
    let workspace = keyward.workspace_of(owner);
    let person = workspace.member("admin");
    let body = json!({"name": "automation", "workspaces": [workspace.slug]});

    let plan = workspace.owner().get(&workspace.path("plan")).expect(200);
    assert_eq!(plan.body["plan"], "starter");
    let refused = person.post("/api/v1/me/keys", body.clone()).problem(403, "plan_required");
    let detail = refused.text_at("detail");
    for words in ["Pro", "Settings → Billing"] {
        assert!(detail.contains(words), "no `{words}`: {detail}");
    }
    assert_eq!(person.get("/api/v1/me/keys").expect(200).items().len(), 0);

    for plan in ["pro", "enterprise"] {
        workspace.set_plan(plan);
        let key = workspace.personal_key(&person, body.clone());
        assert_eq!(keyward.verify_code(&key.secret), "valid");
    }
}

#[test]
fn cyb_2_after_a_downgrade_keys_stop_and_after_an_upgrade_they_work_again() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "automation"}));
    assert_eq!(keyward.verify_code(&key.secret), "valid");

    workspace.set_plan("starter");
    assert_eq!(keyward.verify_code(&key.secret), "plan_required");
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).problem(403, "plan_required");
    assert_eq!(person.get("/api/v1/me/keys").expect(200).items().len(), 1, "nothing is deleted");

    workspace.set_plan("enterprise");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn cyb_3_create_takes_a_name_and_an_optional_expiry_and_inherits_instead_of_scopes() {
    let workspace = shared("cybrium").workspace();
    let person = workspace.member("member");
    let expires_at = seconds_from_now(90 * 24 * 3600);
    let key = workspace.personal_key(&person, json!({"name": "nightly scan", "expires_at": expires_at}));
    assert_eq!(key.created.body["expires_at"], expires_at);
    assert_eq!(key.created.body["kind"], "personal");
    let without = workspace.personal_key(&person, json!({"name": "nightly scan"}));
    assert_eq!(without.created.body["expires_at"], json!(null));
}

#[test]
fn cyb_5_the_secret_goes_in_the_authorization_header() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    assert!(key.secret.starts_with("cbr_live_"), "another prefix: {}…", &key.secret[..9]);
    let caller = keyward.anonymous().with("Authorization", &format!("Bearer {}", key.secret));
    let whoami = caller.get(&workspace.path("whoami")).expect(200);
    assert_eq!(whoami.body["key"]["id"], key.id);
}

#[test]
fn cyb_6_the_surface_and_its_openapi_document_are_published_and_need_no_other_host() {
    let keyward = shared("cybrium");
    let page = keyward.anonymous().get("/api/docs/").expect(200);
    assert!(page.header("content-type").is_some_and(|of| of.starts_with("text/html")), "{page}");
    let document = keyward.anonymous().get("/api/docs/openapi.json").expect(200).body;
    let paths = document["paths"].as_object().expect("paths");
    for path in ["/api/v1/me/keys", "/api/v1/{slug}/keys", "/api/v1/{slug}/whoami", "/api/v1/session"] {
        assert!(paths.contains_key(path), "{path} is not documented; these are: {:?}", paths.keys());
    }
}

#[test]
fn cyb_9_revoking_needs_authorisation() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let (person, colleague) = (workspace.member("member"), workspace.member("member"));
    let key = workspace.personal_key(&person, json!({"name": "automation"}));

    colleague.delete(&format!("/api/v1/me/keys/{}", key.id)).problem(404, "not_found");
    let by_slug = colleague.delete(&workspace.path(&format!("keys/{}", key.id)));
    assert!(matches!(by_slug.status, 403 | 404), "{by_slug}");
    keyward.anonymous().delete(&format!("/api/v1/me/keys/{}", key.id)).problem(401, "unauthenticated");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn cyb_9_revoking_is_immediate_and_irreversible_and_consumers_get_401() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let Key { id, secret, .. } = workspace.personal_key(&person, json!({"name": "automation"}));
    keyward.with_key(&secret).get(&workspace.path("whoami")).expect(200);

    person.delete(&format!("/api/v1/me/keys/{id}")).expect(204);
    keyward.with_key(&secret).get(&workspace.path("whoami")).problem(401, "invalid_key");
    let asked = format!("/v1/authorize?workspace={}", workspace.slug);
    keyward.data().bearer(&secret).get(&asked).problem(401, "invalid_key");
    assert_eq!(keyward.verify_code(&secret), "revoked");

    workspace.set_plan("enterprise");
    assert_eq!(keyward.verify_code(&secret), "revoked", "no change of plan brings it back");
}

#[test]
fn cyb_11_a_key_shows_when_and_from_where_it_was_last_used() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "automation"}));
    keyward.verify(json!({"key": key.secret, "workspace": workspace.slug, "ip": "203.0.113.7"}));
    eventually(
        Duration::from_secs(1),
        || person.get(&format!("/api/v1/me/keys/{}", key.id)).expect(200).body,
        |key| key["last_used_ip"] == "203.0.113.7" && key["last_used_at"].is_string(),
    );
}
