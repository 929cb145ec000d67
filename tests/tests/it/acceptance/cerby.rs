use keyward_tests::{Keyward, PROFILES, Workspace, json, project_root, shared};

/// The profile as it is, but for its refusal of creation through the API: no key could otherwise exist
/// before there is a page that makes one.
fn cerby_with_creation() -> Keyward {
    let path = project_root().join("profiles/cerby.toml");
    let text = std::fs::read_to_string(&path).expect("the profile");
    let opened = text.replace("create_by_api = false", "create_by_api = true");
    assert_ne!(opened, text, "{} no longer refuses creation", path.display());
    let dir = tempfile::tempdir().expect("a temporary directory");
    let copy = dir.path().join("cerby.toml");
    std::fs::write(&copy, opened).expect("a profile of one's own");
    Keyward::profile(&copy.display().to_string()).start()
}

#[test]
fn cer_1_the_profile_refuses_creation_through_the_api() {
    let keyward = shared("cerby");
    let workspace = keyward.workspace();
    let body = json!({"name": "integration", "scopes": ["items:read"]});
    workspace.unchanged_by(|| {
        for role in ["super_admin", "admin", "user"] {
            let person = workspace.member(role);
            person.post(&workspace.path("keys"), body.clone()).problem(403, "forbidden");
        }
        let refused = workspace.owner().post(&workspace.path("keys"), body).problem(403, "forbidden");
        assert!(refused.text_at("detail").to_lowercase().contains("web app"), "{refused}");
    });
    workspace.owner().post("/api/v1/me/keys", json!({"name": "mine"})).problem(403, "forbidden");
}

#[test]
fn cer_8_the_x_api_key_header_authenticates_in_every_profile() {
    for profile in PROFILES.iter().filter(|profile| **profile != "cerby") {
        let keyward = shared(profile);
        the_header_authenticates(keyward, &keyward.workspace());
    }
    let keyward = cerby_with_creation();
    the_header_authenticates(&keyward, &keyward.workspace());
}

#[track_caller]
fn the_header_authenticates(keyward: &Keyward, workspace: &Workspace<'_>) {
    let key = workspace.any_key();
    let whoami = keyward.anonymous().api_key(&key.secret).get(&workspace.path("whoami")).expect(200);
    assert_eq!(whoami.body["key"]["id"], key.id);
    let asked = format!("/v1/authorize?workspace={}&scope={}", workspace.slug, workspace.first_scope());
    let allowed = keyward.data().api_key(&key.secret).get(&asked).expect(200);
    assert_eq!(allowed.header("x-keyward-key-id"), Some(key.id.as_str()));

    let unknown = keyward.anonymous().api_key("not-a-key").get(&workspace.path("whoami"));
    unknown.problem(401, "invalid_key");
    keyward.data().api_key("not-a-key").get(&asked).problem(401, "invalid_key");
}
