//! A secret is in the answer to its creation and nowhere else: not in the store, its log, any log at trace level,
//! nor any other answer, in any encoding.

use keyward_tests::{Answer, Forms, Key, Keyward, Stripe, Subscription, Workspace, json};

const PREFIX: &str = "cvk_";

/// Uses the secret in every way, good and bad, that a client could; gives all answers.
fn use_it(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key) -> Vec<Answer> {
    let secret = &key.secret;
    let (owner, with_key) = (workspace.owner(), keyward.with_key(secret));
    let one = workspace.path(&format!("keys/{}", key.id));
    let mut answers = vec![
        owner.get(&workspace.path("keys")),
        owner.get(&one),
        owner.get(&workspace.path(&format!("keys?search={}", key.name()))),
        with_key.get(&workspace.path("whoami")),
        with_key.get(&workspace.path("members")),
        with_key.get("/api/v1/nosuchws/whoami"),
        with_key.send_json("PUT", &workspace.path("keys"), &json!({"secret": secret})),
        keyward.anonymous().api_key(secret).get(&workspace.path("whoami")),
        keyward.anonymous().api_key(secret).bearer(&format!("{secret}0")).get(&workspace.path("whoami")),
        keyward.anonymous().get(&workspace.path(&format!("whoami?api_key={secret}"))),
        keyward.anonymous().get(&workspace.path(&format!("whoami?other={secret}"))),
        keyward.authorize(secret, "GET", "/api/products"),
        keyward.authorize(secret, "GET", &format!("/api/products?api_key={secret}")),
        keyward.authorize(secret, "POST", "/api/products"),
        keyward.data().get(&format!("/v1/authorize?api_key={secret}")),
    ];
    answers.extend(wrongly(keyward, workspace, key));
    owner.delete(&one).expect(204);
    answers.push(with_key.get(&workspace.path("whoami")));
    answers.push(keyward.authorize(secret, "GET", "/api/products"));
    answers.push(owner.get(&one));
    answers
}

/// The secret where it does not belong: what is refused is neither repeated nor logged.
fn wrongly(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key) -> Vec<Answer> {
    let secret = &key.secret;
    let owner = workspace.owner();
    let verify = |body: serde_json::Value| keyward.data().post("/v1/verify", body);
    let mut misnamed = json!({});
    misnamed[secret] = json!(1);
    vec![
        verify(json!({"key": secret, "ip": "203.0.113.7"})),
        verify(json!({"key": secret, "scopes": ["products:write"]})),
        verify(json!({"key": secret, "colour": secret})),
        verify(json!({"key": [secret]})),
        verify(json!({"key": secret, "ip": secret})),
        verify(json!({"key": format!("{secret}{secret}")})),
        verify(misnamed.clone()),
        keyward.data().post_raw("/v1/verify", format!("{{\"key\": \"{secret}").as_bytes()),
        keyward.data().post_raw("/v1/verify", format!("{{\"key\": {secret}}}").as_bytes()),
        owner.post(&workspace.path("keys"), misnamed),
        owner.post(&workspace.path("keys"), json!({"name": "ci", "scopes": [secret]})),
        owner.post(
            &workspace.path("keys"),
            json!({"name": "ci", "scopes": ["products:read"], "expires_at": secret}),
        ),
        owner.post(
            &workspace.path("keys/import"),
            json!({"keys": [{"sha256": secret, "name": "ci", "hint": secret, "scopes": ["products:read"]}]}),
        ),
        owner.get(&workspace.path(&format!("keys/{secret}"))),
        owner.get(&format!("/api/v1/{secret}/whoami")),
        keyward.anonymous().post("/api/v1/session", json!({"email": secret, "password": secret})),
        keyward.anonymous().with("X-Request-Id", secret).get("/livez"),
    ]
}

#[test]
fn a_planted_secret_is_found_nowhere() {
    let mut keyward = Keyward::profile("cveium").env("KEYWARD_LOG", "trace").start();
    let key = {
        let workspace = keyward.first_workspace();
        // Under a key of its own, so that its answer is kept to be given again.
        let asker = workspace.owner().with("Idempotency-Key", "planted");
        let body = json!({"name": "planted", "scopes": ["products:read"]});
        let created = asker.post(&workspace.path("keys"), body.clone()).expect(201);
        let key = Key { id: created.text_at("id"), secret: created.text_at("secret"), created };
        let forms = Forms::of(&key.secret, PREFIX);
        assert!(forms.found_in(key.created.text.as_bytes()), "the search finds it where it is");
        let again = asker.post(&workspace.path("keys"), body).expect(201);
        assert_eq!(again.body["id"], key.id.as_str());
        forms.assert_absent("the answer that is given again", again.whole().as_bytes());
        for answer in use_it(&keyward, &workspace, &key) {
            forms.assert_absent(
                &format!("the answer to a request: {}", answer.status),
                answer.whole().as_bytes(),
            );
        }
        key
    };
    let forms = Forms::of(&key.secret, PREFIX);
    search_files(&keyward, &forms);
    keyward.restart();
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
    keyward.terminate();
    search_files(&keyward, &forms);
}

#[test]
fn secrets_that_are_answered_or_asked_under_an_idempotency_key_are_not_kept() {
    let mut keyward = Keyward::profile("cveium").env("KEYWARD_LOG", "trace").start();
    let secrets = {
        let workspace = keyward.first_workspace();
        let once = |key: &str, path: &str, body: serde_json::Value| {
            let asker = workspace.owner().with("Idempotency-Key", key);
            let [first, again] = [(), ()].map(|()| asker.post(&workspace.path(path), body.clone()));
            assert_eq!(first.status, again.status, "{again}");
            (first, again)
        };
        let (created, _) = once("a", "keys", json!({"name": "ci", "scopes": ["products:read"]}));
        let (id, secret) = (created.text_at("id"), created.text_at("secret"));
        let (rotated, again) = once("b", &format!("keys/{id}/rotate"), json!({}));
        let new_secret = rotated.text_at("secret");
        Forms::of(&new_secret, PREFIX)
            .assert_absent("the answer that is given again", again.whole().as_bytes());
        let (invited, again) =
            once("c", "invitations", json!({"email": "grace@example.com", "role": "member"}));
        let token = invited.text_at("token");
        Forms::of(&token, "kwinvite_")
            .assert_absent("the answer that is given again", again.whole().as_bytes());
        // Where they do not belong: as the key itself, in an address, in a body, and in what an answer repeats.
        once(&secret, "keys", json!({"name": "misnamed", "scopes": ["products:read"]}));
        once("d", &format!("keys/{secret}/rotate"), json!({"secret": secret}));
        let (repeated, _) = once("e", "keys/bulk-revoke", json!({"ids": [secret, token]}));
        assert!(repeated.text.contains(&secret), "{repeated}");
        [(secret, PREFIX), (new_secret, PREFIX), (token, "kwinvite_")]
    };
    let forms: Vec<Forms> = secrets.iter().map(|(secret, prefix)| Forms::of(secret, prefix)).collect();
    for forms in &forms {
        search_files(&keyward, forms);
    }
    keyward.terminate();
    for forms in &forms {
        search_files(&keyward, forms);
    }
}

#[test]
fn a_key_that_somebody_put_into_the_user_agent_is_not_kept() {
    let mut keyward = Keyward::profile("cveium").env("KEYWARD_LOG", "trace").start();
    let (key, foreign) = {
        let workspace = keyward.first_workspace();
        let key = workspace.key_with(&["products:read"]);
        // A token as another product writes them.
        let foreign = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
        for agent in ["ordinary-agent/1.0", &format!("curl/8 ({})", key.secret), &key.secret, foreign] {
            act_as(&keyward, &workspace, &key, agent);
        }
        (key, foreign)
    };
    // A refused sign-in is written down beside its answer: the end of the server is after that.
    keyward.terminate();
    search_files(&keyward, &Forms::of(&key.secret, PREFIX));
    let mut ordinary = false;
    for entry in std::fs::read_dir(keyward.dir()).expect("the server's folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).unwrap_or_default();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(foreign), "a foreign token was kept");
        ordinary |= holds("ordinary-agent/1.0");
    }
    if keyward.database().is_some() {
        assert!(!keyward.store_holds(foreign), "a foreign token was kept");
        ordinary |= keyward.store_holds("ordinary-agent/1.0");
    }
    assert!(ordinary, "the search finds a user agent where it is kept");
}

/// Signs in well and badly, creates and revokes a key, and uses one, as that program.
fn act_as(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key, agent: &str) {
    let anonymous = keyward.anonymous().with("User-Agent", agent);
    let owner = workspace.owner();
    let sign_in = json!({"email": owner.email, "password": owner.password});
    anonymous.post("/api/v1/session", sign_in).expect(200);
    anonymous.post("/api/v1/session", json!({"email": owner.email, "password": "wrong"})).expect(401);
    let person = owner.with("User-Agent", agent);
    let made = person.post(&workspace.path("keys"), json!({"name": "ci", "scopes": ["products:read"]}));
    let id = made.expect(201).text_at("id");
    person.delete(&workspace.path(&format!("keys/{id}"))).expect(204);
    anonymous.bearer(&key.secret).get(&workspace.path("whoami")).expect(200);
    let gateway = keyward.data().with("User-Agent", agent).bearer(&key.secret);
    gateway.get("/v1/authorize?scope=products:read").expect(200);
}

#[track_caller]
fn search_files(keyward: &Keyward, forms: &Forms) {
    let mut searched = Vec::new();
    for entry in std::fs::read_dir(keyward.dir()).expect("the server's folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            forms.assert_absent(&name, &bytes);
            searched.push(name);
        }
    }
    if keyward.database().is_some() {
        forms.assert_absent("the database", &keyward.store_bytes());
        searched.push("keyward.sqlite".to_owned());
    }
    for expected in ["keyward.sqlite", "stdout.log", "stderr.log"] {
        assert!(searched.iter().any(|name| name == expected), "{expected} was not searched: {searched:?}");
    }
}

#[test]
fn passwords_sessions_invitations_and_the_deployments_secrets_are_in_no_log_and_not_in_the_store() {
    let webhook_secret = "whsec_of_the_test_of_leaks_0123456789";
    let keyward = Keyward::profile("cybrium")
        .env("KEYWARD_LOG", "trace")
        .env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", webhook_secret)
        .start();
    let workspace = keyward.first_workspace();
    workspace.set_plan("pro");
    let (stripe, forger) =
        (Stripe::new(&keyward, webhook_secret), Stripe::new(&keyward, "whsec_of_a_forger"));
    let event = Subscription::of(&workspace.slug, "enterprise").event("created", 0);
    forger.deliver(&event).expect(400);
    stripe.tell(&event, "applied");
    let token = workspace.invite("bob@example.com", "member").text_at("token");
    let body = json!({"token": token, "name": "Bob", "password": "bob's own passphrase"});
    let accepted = keyward.anonymous().post("/api/v1/invitations/accept", body).expect(201);
    let session =
        accepted.header("set-cookie").and_then(|cookie| cookie.split([';', '=']).nth(1)).expect("a cookie");
    let wrong = json!({"email": "bob@example.com", "password": "bob's wrong passphrase"});
    keyward.anonymous().post("/api/v1/session", wrong).expect(401);
    keyward.sign_in("bob@example.com", "bob's own passphrase");

    let kept = "a secret that somebody put into a vault";
    let (owner, vaults) = (workspace.owner().with("Idempotency-Key", "kept"), workspace.path("vaults"));
    let vault = owner.post(&vaults, json!({"name": "Team"})).expect(201).text_at("id");
    let secrets = format!("{vaults}/{vault}/secrets");
    let in_vault = owner.post(&secrets, json!({"name": "kept", "secret": kept})).expect(201).text_at("id");
    owner.post_nothing(&format!("{secrets}/{in_vault}/reveal")).expect(200);

    let planted = [
        ("the secret of a vault", kept),
        ("the invitation's token", token.as_str()),
        ("the session", session),
        ("a password", "bob's own passphrase"),
        ("a wrong password", "bob's wrong passphrase"),
        ("the owner's password", &keyward.owner().password),
        ("the operator's token", keyward.operator_token()),
        ("the webhook's secret", webhook_secret),
    ];
    for entry in std::fs::read_dir(keyward.dir()).expect("the server's folder") {
        let path = entry.expect("an entry").path();
        let bytes = if path.is_file() { std::fs::read(&path).expect("a file") } else { Vec::new() };
        for (what, text) in planted {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{what} is in {}", path.display());
        }
    }
    for (what, text) in planted.into_iter().filter(|_| keyward.database().is_some()) {
        assert!(!keyward.store_holds(text), "{what} is in the database");
    }
}
