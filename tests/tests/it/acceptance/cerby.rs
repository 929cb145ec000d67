use keyward_tests::{Key, Keyward, PROFILES, Value, Workspace, json, project_root, shared};

/// The profile as it is, but for its refusal of creation through the API: no key could otherwise exist
/// before there is a page that makes one.
fn cerby_with_creation() -> Keyward {
    cerby_and("")
}

/// As [`cerby_with_creation`], with something more.
fn cerby_and(more: &str) -> Keyward {
    let path = project_root().join("profiles/cerby.toml");
    let text = std::fs::read_to_string(&path).expect("the profile");
    let opened = text.replace("create_by_api = false", "create_by_api = true");
    assert_ne!(opened, text, "{} no longer refuses creation", path.display());
    let dir = tempfile::tempdir().expect("a temporary directory");
    let copy = dir.path().join("cerby.toml");
    std::fs::write(&copy, opened + "\n" + more).expect("a profile of one's own");
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
fn cer_1_only_owners_super_admins_and_admins_may_generate_a_key() {
    let keyward = cerby_with_creation();
    let workspace = keyward.workspace();
    let body = json!({"name": "integration", "scopes": ["items:read"], "expires_in_seconds": 3600});
    for role in ["owner", "super_admin", "admin"] {
        workspace.member(role).post(&workspace.path("keys"), body.clone()).expect(201);
    }
    let user = workspace.member("user");
    workspace.unchanged_by(|| {
        user.post(&workspace.path("keys"), body.clone()).problem(403, "forbidden");
        user.post("/api/v1/me/keys", body.clone()).problem(403, "forbidden");
    });
}

/// The statuses of GET on those paths with a key of those scopes.
fn opened(keyward: &Keyward, workspace: &Workspace<'_>, scopes: &[&str], paths: &[&str]) -> Vec<u16> {
    let key = ending(workspace, json!({"scopes": scopes}));
    paths.iter().map(|path| keyward.authorize(&key.secret, "GET", path).status).collect()
}

/// A key as this profile wants them: with an end.
fn ending(workspace: &Workspace<'_>, mut body: Value) -> Key {
    (body["name"], body["expires_in_seconds"]) = (json!("integration"), json!(3600));
    workspace.create_key(body)
}

#[test]
fn cer_6_the_secret_of_a_new_key_is_saved_in_a_vault() {
    let keyward = cerby_with_creation();
    let workspace = keyward.workspace();
    let (admin, user) = (workspace.member("admin"), workspace.member("user"));
    let vault = admin.post(&workspace.path("vaults"), json!({"name": "Team"})).expect(201).text_at("id");
    let secrets = workspace.path(&format!("vaults/{vault}/secrets"));
    // The wizard still shows the secret, and hands it over; or creation is told of the vault at once.
    let shown = ending(&workspace, json!({"scopes": ["items:read"]}));
    let saved = admin.post(&secrets, json!({"name": shown.name(), "secret": shown.secret})).expect(201);
    let at_once = ending(&workspace, json!({"scopes": ["users:read"], "vault_id": vault}));
    for (key, id) in [(&shown, saved.text_at("id")), (&at_once, at_once.created.text_at("vault_secret_id"))] {
        assert_eq!(workspace.get_key(&key.id).body["status"], "active");
        let listed = admin.get(&format!("{secrets}/{id}")).expect(200);
        let opens = json!({"id": key.id, "name": key.name(), "status": "active", "secret": "current"});
        assert_eq!((&listed.body["key"], &listed.body["name"]), (&opens, &json!(key.name())), "{listed}");
        assert!(!listed.whole().contains(&key.secret), "only revealing shows it");
        let revealed = admin.post_nothing(&format!("{secrets}/{id}/reveal")).expect(200);
        assert_eq!(revealed.text_at("secret"), key.secret);
        assert_eq!(revealed.header("cache-control"), Some("no-store"));
        assert_eq!(keyward.verify_code(&revealed.text_at("secret")), "valid");
        user.get(&secrets).problem(403, "forbidden");
        user.post_nothing(&format!("{secrets}/{id}/reveal")).problem(403, "forbidden");
    }
    let log = admin.get(&workspace.path("audit?action=vault_secret.revealed")).expect(200);
    assert_eq!(log.items().len(), 2, "{log}");
    assert!(!log.whole().contains(&shown.secret) && !log.whole().contains(&at_once.secret));
}

#[test]
fn cer_9_read_items_includes_reading_accounts_and_secrets() {
    let keyward = cerby_with_creation();
    let workspace = keyward.workspace();
    let paths =
        ["/v1/items", "/v1/collections/7", "/v1/accounts", "/v1/secrets/7", "/v1/users", "/v1/activities"];
    let opened = |scope: &str| opened(&keyward, &workspace, &[scope], &paths);
    assert_eq!(opened("items:read"), [200, 200, 200, 200, 403, 403]);
    assert_eq!(opened("accounts:read"), [403, 403, 200, 403, 403, 403], "never the other way round");
    assert_eq!(opened("secrets:read"), [403, 403, 403, 200, 403, 403]);

    let key = ending(&workspace, json!({"scopes": ["items:read"]}));
    assert_eq!(key.created.body["scopes"], json!(["items:read"]), "what was given is what is shown");
    let asked =
        keyward.verify(json!({"key": key.secret, "scopes": ["items:read", "accounts:read", "secrets:read"]}));
    assert_eq!(
        (&asked["code"], &asked["scopes"]),
        (&json!("valid"), &json!(["items:read", "accounts:read", "secrets:read"]))
    );
}

#[test]
fn cer_9_an_endpoint_may_ask_for_one_of_several_scopes_or_for_all_of_several() {
    let keyward = cerby_with_creation();
    let workspace = keyward.workspace();
    let (one_of, all_of) = ("/v1/search", "/v1/accounts/7/entitlements");
    for (scopes, statuses) in [
        (&["accounts:read"][..], [200, 403]),
        (&["secrets:read"], [200, 403]),
        (&["integrations:read"], [403, 403]),
        (&["accounts:read", "integrations:read"], [200, 200]),
        (&["items:read", "integrations:read"], [200, 200]),
        (&["secrets:read", "integrations:read"], [200, 403]),
        (&["users:read", "activities:read"], [403, 403]),
    ] {
        assert_eq!(opened(&keyward, &workspace, scopes, &[one_of, all_of]), statuses, "{scopes:?}");
    }
    let key = ending(&workspace, json!({"scopes": ["accounts:read"]}));
    let ask = |question: Value| {
        let mut question = question;
        question["key"] = json!(key.secret);
        keyward.verify(question)
    };
    assert_eq!(ask(json!({"any_scope": ["users:read", "accounts:read"]}))["code"], "valid");
    let lacking = ask(json!({"scopes": ["accounts:read", "users:read"]}));
    assert_eq!((&lacking["code"], &lacking["missing"]), (&json!("insufficient_scope"), &json!("users:read")));
    assert_eq!(ask(json!({"any_scope": ["users:read", "secrets:read"]}))["code"], "insufficient_scope");
}

#[test]
fn cer_9_scopes_narrow_and_never_widen() {
    let role = "[[roles]]\nname = \"accountant\"\ntitle = \"Accountant\"\nrules = [\"settings.manage\", \"accounts:read\"]\n";
    let keyward = cerby_and(role);
    let (workspace, elsewhere) = (keyward.workspace(), keyward.workspace());
    // Whoever makes a key gives it no more than they hold themselves, not by an inclusion either.
    let accountant = workspace.member("accountant");
    let create = |scope: &str| {
        let body = json!({"name": "integration", "scopes": [scope], "expires_in_seconds": 3600});
        accountant.post(&workspace.path("keys"), body)
    };
    workspace.unchanged_by(|| {
        for wider in ["items:read", "secrets:read", "users:read"] {
            create(wider).problem(403, "forbidden");
        }
    });
    create("accounts:read").expect(201);
    // Nor does any scope reach further than the key itself.
    let key = ending(&workspace, json!({"rules": [{"action": "**"}]}));
    keyward.with_key(&key.secret).get(&elsewhere.path("members")).problem(404, "not_found");
    let question = json!({"key": key.secret, "workspace": elsewhere.slug, "scopes": ["items:read"]});
    assert_eq!(keyward.verify(question)["code"], "workspace_mismatch");
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
