use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use keyward_tests::{Key, Keyward, Line, Person, Workspace, eventually, json, seconds_from_now, shared};

/// Gives a member another role.
#[track_caller]
fn change_role(workspace: &Workspace<'_>, person: &Person, role: &str) {
    let path = workspace.path(&format!("members/{}", person.id_in(&workspace.slug)));
    workspace.owner().send_json("PATCH", &path, &json!({"role": role})).expect(200);
}

#[test]
fn cyb_1_a_key_inherits_its_users_role_and_follows_every_change_of_it_at_once() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "automation"}));
    assert_eq!(key.created.body["owner"]["id"], person.id_in(&workspace.slug));
    assert_eq!((&key.created.body["scopes"], &key.created.body["rules"]), (&json!([]), &json!([])));
    let caller = keyward.with_key(&key.secret);
    let (audit, members) = (json!(["audit:read"]), workspace.path("members"));
    // What the product asks about, on both ways; then what Keyward's own permissions are worth.
    let check = |start_scan: u16, read_audit: &str, list_members: u16, manage: u16| {
        assert_eq!(keyward.authorize(&key.secret, "POST", "/v1/scans/").status, start_scan);
        let asked = keyward.verify(json!({"key": key.secret, "scopes": audit}));
        assert_eq!(asked["code"], read_audit, "{asked}");
        assert_eq!(caller.get(&members).status, list_members);
        let rename =
            caller.send_json("PATCH", &format!("/api/v1/{}", workspace.slug), &json!({"name": "Renamed"}));
        assert_eq!(rename.status, manage, "{rename}");
    };
    check(200, "insufficient_scope", 200, 403);
    change_role(&workspace, &person, "viewer");
    check(403, "insufficient_scope", 200, 403);
    change_role(&workspace, &person, "admin");
    check(200, "valid", 200, 200);
    change_role(&workspace, &person, "viewer");
    check(403, "insufficient_scope", 200, 403);
    workspace.remove(&person);
    check(403, "workspace_mismatch", 404, 404);
}

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

/// What whoever asks meanwhile knows: the newest secret that was answered, and how many have been finished away.
struct Known {
    newest: RwLock<(usize, String)>,
    finishing: AtomicUsize,
    done: AtomicBool,
}

/// Asks with the newest secret over and over; gives how often, and how often by authorize.
fn ask_until_done(keyward: &Keyward, known: &Known) -> usize {
    let data = keyward.data();
    let (mut line, mut asked) = (Line::to(&data), 0);
    while !known.done.load(Ordering::SeqCst) {
        let (number, secret) = known.newest.read().expect("no writer has panicked").clone();
        let answer = line.ask(&data, "POST", "/v1/verify", Some(&json!({"key": secret})));
        // It was not finished away before the answer came: so it was valid the whole time.
        if known.finishing.load(Ordering::SeqCst) <= number {
            assert_eq!(answer.body["code"], "valid", "secret {number}: {answer}");
            asked += 1;
        }
    }
    asked
}

#[test]
fn cyb_7_while_secrets_are_rotated_there_is_never_an_instant_without_a_valid_one() {
    const ROTATIONS: usize = 40;
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "automation", "workspaces": [workspace.slug]}));
    let known = Known {
        newest: RwLock::new((0, key.secret.clone())),
        finishing: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    };
    let of = |verb: &str| format!("/api/v1/me/keys/{}/{verb}", key.id);
    let asked: usize = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..2).map(|_| scope.spawn(|| ask_until_done(keyward, &known))).collect();
        for number in 1..=ROTATIONS {
            let secret = person.post_nothing(&of("rotate")).expect(200).text_at("secret");
            *known.newest.write().expect("no reader has panicked") = (number, secret);
            known.finishing.store(number, Ordering::SeqCst);
            person.post_nothing(&of("rotate/finish")).expect(200);
        }
        known.done.store(true, Ordering::SeqCst);
        askers.into_iter().map(|asker| asker.join().expect("an asker")).sum()
    });
    assert!(asked > ROTATIONS, "only {asked} questions");
}
