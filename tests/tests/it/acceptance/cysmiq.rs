use keyward_tests::{Forms, Keyward, Workspace, json, now, seconds_from_now, shared, unique};

const SCOPE: &str = "vulnerabilities:read";
const PREFIX: &str = "cys_tt_";

/// The code of a verify in one workspace.
#[track_caller]
fn code_in(keyward: &Keyward, secret: &str, workspace: &Workspace<'_>) -> String {
    let answer = keyward.verify(json!({"key": secret, "workspace": workspace.slug}));
    answer["code"].as_str().expect("a code").to_owned()
}

#[test]
fn cys_1_personal_and_workspace_keys_and_a_plain_member_manages_only_their_own() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let admin = workspace.member("admin");
    let member = workspace.member("member");

    let personal = workspace.personal_key(&member, json!({"name": "laptop", "scopes": [SCOPE]}));
    assert_eq!(personal.created.body["kind"], "personal");
    assert_eq!(personal.created.body["owner"]["id"], member.id_in(&workspace.slug));
    let created = admin.post(&workspace.path("keys"), json!({"name": "ci", "scopes": [SCOPE]})).expect(201);
    assert_eq!(created.body["kind"], "workspace");
    let of_workspace = workspace.path(&format!("keys/{}", created.text_at("id")));

    workspace.unchanged_by(|| {
        let refused = member.post(&workspace.path("keys"), json!({"name": "mine", "scopes": [SCOPE]}));
        refused.problem(403, "forbidden");
        member.delete(&of_workspace).problem(403, "forbidden");
    });
    admin.delete(&of_workspace).expect(204);
    member.delete(&format!("/api/v1/me/keys/{}", personal.id)).expect(204);
}

#[test]
fn cys_2_create_takes_name_scopes_and_expiry_and_a_personal_key_may_be_restricted() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let member = workspace.member("member");
    let expires_at = seconds_from_now(30 * 24 * 3600);

    let body = json!({"name": "CI of the shop", "scopes": [SCOPE], "expires_at": expires_at});
    let key = workspace.create_key(body);
    assert_eq!(key.created.body["name"], "CI of the shop");
    assert_eq!(key.created.body["scopes"], json!([SCOPE]));
    assert_eq!(key.created.body["expires_at"], expires_at);

    let body = json!({"name": "laptop", "scopes": [SCOPE], "expires_in_seconds": 7 * 24 * 3600,
        "workspaces": [workspace.slug]});
    let personal = workspace.personal_key(&member, body).created.body;
    assert_eq!(personal["workspaces"], json!([workspace.slug]));
    let expires: jiff::Timestamp =
        personal["expires_at"].as_str().expect("a time").parse().expect("RFC 3339");
    let ahead_s = expires.as_second() - now().as_second();
    assert!((7 * 24 * 3600 - 60..=7 * 24 * 3600).contains(&ahead_s), "expires in {ahead_s} s");
}

#[test]
fn cys_2_a_personal_key_cannot_be_restricted_to_a_workspace_out_of_reach() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let elsewhere = keyward.workspace();
    let member = workspace.member("member");
    for slug in [elsewhere.slug.as_str(), "no-such-workspace"] {
        let body = json!({"name": "laptop", "scopes": [SCOPE], "workspaces": [slug]});
        member.post("/api/v1/me/keys", body).problem(422, "validation_failed");
    }
    assert_eq!(member.get("/api/v1/me/keys").expect(200).items(), Vec::<serde_json::Value>::new());
}

#[test]
fn cys_3_an_unrestricted_personal_key_follows_its_user_into_and_out_of_workspaces() {
    let keyward = shared("cysmiq");
    let (first, later, never) = (keyward.workspace(), keyward.workspace(), keyward.workspace());
    let member = first.member("member");
    let key = first.personal_key(&member, json!({"name": "laptop", "scopes": [SCOPE]}));
    assert_eq!(key.created.body["workspaces"], json!(null));

    assert_eq!(code_in(keyward, &key.secret, &first), "valid");
    assert_eq!(code_in(keyward, &key.secret, &later), "workspace_mismatch");
    let member = later.join(&member, "member");
    assert_eq!(code_in(keyward, &key.secret, &later), "valid", "joined after the key was made");
    let own = keyward.workspace_of(&member);
    assert_eq!(code_in(keyward, &key.secret, &own), "valid", "made after the key was");
    assert_eq!(code_in(keyward, &key.secret, &never), "workspace_mismatch");

    first.remove(&member);
    assert_eq!(code_in(keyward, &key.secret, &first), "workspace_mismatch", "left");
    assert_eq!(code_in(keyward, &key.secret, &later), "valid", "still a member");
    keyward.with_key(&key.secret).get(&first.path("whoami")).problem(404, "not_found");
    keyward.with_key(&key.secret).get(&later.path("whoami")).expect(200);
}

#[test]
fn cys_3_a_restricted_personal_key_works_only_in_its_workspaces_and_only_while_its_user_is_there() {
    let keyward = shared("cysmiq");
    let (inside, outside) = (keyward.workspace(), keyward.workspace());
    let member = inside.member("member");
    let member = outside.join(&member, "member");
    let body = json!({"name": "laptop", "scopes": [SCOPE], "workspaces": [inside.slug]});
    let key = inside.personal_key(&member, body);

    assert_eq!(code_in(keyward, &key.secret, &inside), "valid");
    assert_eq!(code_in(keyward, &key.secret, &outside), "workspace_mismatch");
    inside.remove(&member);
    assert_eq!(code_in(keyward, &key.secret, &inside), "workspace_mismatch");
    assert_eq!(code_in(keyward, &key.secret, &outside), "workspace_mismatch");
}

#[test]
fn cys_4_the_catalogue_has_the_scope_that_reads_vulnerabilities() {
    let workspace = shared("cysmiq").workspace();
    let items = workspace.owner().get(&workspace.path("scopes")).expect(200).items();
    let scope = items.iter().find(|scope| scope["name"] == SCOPE).expect("the scope");
    assert_eq!(scope["title"], "Read vulnerabilities");
    let description = scope["description"].as_str().expect("a description").to_lowercase();
    assert!(description.contains("vulnerability lists and summary data"), "{description}");
    assert!(scope["implies"].is_array());
}

#[test]
fn cys_5_the_secret_is_shown_once_and_no_path_shows_it_again() {
    let keyward = Keyward::profile("cysmiq").env("KEYWARD_LOG", "trace").start();
    let workspace = keyward.first_workspace();
    let body = json!({"name": "ci", "scopes": [SCOPE]});
    let keys = [workspace.create_key(body.clone()), workspace.personal_key(keyward.owner(), body)];
    let lists = [workspace.path("keys"), "/api/v1/me/keys".to_owned()];

    for (key, list) in keys.iter().zip(lists) {
        let forms = Forms::of(&key.secret, PREFIX);
        assert!(forms.found_in(key.created.text.as_bytes()), "shown to its creator");
        let one = format!("{list}/{}", key.id);
        keyward.verify_code(&key.secret);
        for answer in [
            keyward.owner().get(&list).expect(200),
            keyward.owner().get(&one).expect(200),
            keyward.owner().get(&format!("{list}?search=ci")),
            keyward.with_key(&key.secret).get(&workspace.path("whoami")).expect(200),
        ] {
            assert!(answer.body.get("secret").is_none(), "{answer}");
            forms.assert_absent("an answer", answer.whole().as_bytes());
        }
        keyward.owner().delete(&one).expect(204);
        for file in std::fs::read_dir(keyward.dir()).expect("the server's folder") {
            let path = file.expect("a file").path();
            if path.is_file() {
                forms.assert_absent(&path.display().to_string(), &std::fs::read(&path).expect("its bytes"));
            }
        }
    }
}

#[test]
fn cys_6_whoami_confirms_the_key_and_its_workspace() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let member = workspace.member("member");
    let expires_at = seconds_from_now(3600 * 24);
    let body = json!({"name": "laptop", "scopes": [SCOPE], "expires_at": expires_at});
    let key = workspace.personal_key(&member, body);

    let caller = keyward.with_key(&key.secret).with("Accept", "application/json");
    let whoami = caller.get(&workspace.path("whoami")).expect(200).body;
    assert_eq!(whoami["actor"]["type"], "user");
    assert_eq!(whoami["actor"]["email"], member.email);
    assert_eq!(whoami["key"]["id"], key.id);
    assert_eq!(whoami["key"]["name"], "laptop");
    assert_eq!(whoami["key"]["kind"], "personal");
    assert_eq!(whoami["key"]["scopes"], json!([SCOPE]));
    assert_eq!(whoami["key"]["expires_at"], expires_at);
    assert_eq!(whoami["workspace"]["slug"], workspace.slug);
    assert_eq!(whoami["workspace"]["name"], workspace.name);
}

#[test]
fn cys_7_every_workspace_has_a_short_slug_shown_in_the_list() {
    let keyward = shared("cysmiq");
    let name = unique("Shop");
    let created = keyward.owner().post("/api/v1/workspaces", json!({"name": name})).expect(201);
    let slug = created.text_at("slug");
    assert_eq!(slug.len(), 8, "{slug}");
    assert!(slug.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()), "{slug}");

    let member = Workspace::of(keyward, keyward.owner(), &slug, &name).member("member");
    let listed = member.get("/api/v1/workspaces").expect(200).items();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["slug"], slug);
    assert_eq!(listed[0]["name"], name);
    member.get(&format!("/api/v1/{slug}/whoami")).expect(200);
}

#[test]
fn cys_9_a_revoked_key_is_permanently_disabled() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&[SCOPE]);
    let one = workspace.path(&format!("keys/{}", key.id));
    workspace.revoke(&key);

    let revoked = workspace.get_key(&key.id).body;
    assert_eq!(revoked["status"], "revoked");
    assert!(revoked["revoked_at"].is_string());
    assert_eq!(revoked["revoked_by"]["id"], keyward.owner().id_in(&workspace.slug));
    assert_eq!(keyward.verify_code(&key.secret), "revoked");

    // Whatever is tried, it stays revoked, since that moment and by that person.
    let owner = workspace.owner();
    for body in [json!({"status": "active"}), json!({"revoked_at": null})] {
        assert!(owner.send_json("PATCH", &one, &body).status >= 400);
        assert!(owner.put(&one, body).status >= 400);
    }
    for action in ["restore", "unrevoke", "enable"] {
        assert_eq!(owner.post(&format!("{one}/{action}"), json!({})).status, 404);
    }
    owner.delete(&one);
    assert_eq!(workspace.get_key(&key.id).body, revoked);
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
}

#[test]
fn cys_10_the_expiry_menu_is_7_30_90_180_and_365_days_and_never() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let create = |body: serde_json::Value| workspace.create_key(body).created.body;
    for days in [7, 30, 90, 180, 365] {
        let body = json!({"name": "ci", "scopes": [SCOPE], "expires_in_seconds": days * 24 * 3600});
        let key = create(body);
        let ends = keyward_tests::time(&key["expires_at"]).as_second();
        assert_eq!(ends - keyward_tests::time(&key["created_at"]).as_second(), days * 24 * 3600);
    }
    let never = create(json!({"name": "ci", "scopes": [SCOPE]}));
    assert_eq!((&never["expires_at"], &never["status"]), (&json!(null), &json!("active")));
}

#[test]
fn cys_10_sixty_requests_a_minute_a_key_then_429_with_retry_after() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let (key, other) = (workspace.key_with(&[SCOPE]), workspace.key_with(&[SCOPE]));
    let caller = keyward.with_key(&key.secret);
    let uri = format!("/api/v1/{}/vulnerabilities", workspace.slug);
    for _ in 0..20 {
        caller.get(&workspace.path("whoami")).expect(200);
        assert_eq!(code_in(keyward, &key.secret, &workspace), "valid");
        keyward.authorize(&key.secret, "GET", &uri).expect(200);
    }

    let over = [
        caller.get(&workspace.path("whoami")).problem(429, "rate_limited"),
        keyward.authorize(&key.secret, "GET", &uri).problem(429, "rate_limited"),
        keyward.data().post("/v1/verify", json!({"key": key.secret})).expect(200),
    ];
    assert_eq!((&over[2].body["valid"], &over[2].body["code"]), (&json!(false), &json!("rate_limited")));
    for answer in over {
        let seconds: u32 = answer.header("retry-after").expect("Retry-After").parse().expect("seconds");
        assert!((1..=61).contains(&seconds), "{answer}");
    }
    keyward.with_key(&other.secret).get(&workspace.path("whoami")).expect(200);
}
