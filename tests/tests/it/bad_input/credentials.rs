use keyward_tests::{json, shared};

#[test]
fn two_different_keys_at_once_are_refused() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, other) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let whoami = workspace.path("whoami");
    let both = keyward.with_key(&one.secret).api_key(&other.secret);
    both.get(&whoami).problem(400, "malformed_request");
    keyward.with_key(&one.secret).api_key("garbage").get(&whoami).problem(400, "malformed_request");
    keyward.with_key(&one.secret).bearer(&other.secret).get(&whoami).refused(&[400]);
    workspace.owner().bearer(&one.secret).api_key(&other.secret).get(&whoami).refused(&[400]);

    let gateway = keyward.data().with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/api/products");
    let both = gateway.bearer(&one.secret).api_key(&other.secret);
    both.get("/v1/authorize").problem(401, "invalid_key");
    gateway.bearer(&one.secret).bearer(&other.secret).get("/v1/authorize").refused(&[401]);
}

#[test]
fn the_same_key_in_both_headers_is_one_key() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.with_key(&key.secret).api_key(&key.secret).get(&workspace.path("whoami")).expect(200);
    let gateway = keyward.data().with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/api/products");
    gateway.bearer(&key.secret).api_key(&key.secret).get("/v1/authorize").expect(200);
}

#[test]
fn a_key_in_the_query_string_is_refused_also_beside_a_good_credential() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let callers = [keyward.anonymous(), keyward.with_key(&key.secret), (**workspace.owner()).clone()];
    for parameter in ["api_key", "access_token", "key", "token"] {
        let path = workspace.path(&format!("whoami?{parameter}={}", key.secret));
        for caller in &callers {
            let answer = caller.get(&path).problem(400, "malformed_request");
            assert!(!answer.whole().contains(&key.secret), "the answer repeats the key");
        }
        let path = format!("/v1/authorize?scope=products:read&{parameter}={}", key.secret);
        keyward.data().get(&path).refused(&[401, 403]);
        keyward.data().bearer(&key.secret).get(&path).refused(&[401, 403]);
    }
    // Keys from elsewhere have no form that could be recognized: the parameter's name is enough.
    workspace.owner().get(&workspace.path("whoami?api_key=12345")).problem(400, "malformed_request");
    workspace.unchanged_by(|| {
        let path = workspace.path(&format!("keys?api_key={}", key.secret));
        let body = json!({"name": "ci", "scopes": ["products:read"]});
        workspace.owner().post(&path, body).problem(400, "malformed_request");
    });
}

/// Every byte of it, as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn a_key_in_the_query_string_is_found_however_it_is_written() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let secret = &key.secret;
    let owner = workspace.owner();
    for query in [
        format!("api%5fkey={secret}"),
        "api%5fkey=12345".to_owned(),
        "%61pi_key=12345".to_owned(),
        "API%5FKEY=12345".to_owned(),
        "limit=5;api_key=12345".to_owned(),
        format!("search={}", percent_encoded(secret)),
        format!("search={}", secret.replace('_', "%5F")),
        format!("search=x{secret}x"),
        format!("search=Bearer%20{secret}"),
        percent_encoded(secret),
    ] {
        let answer = owner.get(&workspace.path(&format!("keys?{query}")));
        assert_eq!(answer.status, 400, "{query}: {answer}");
        let answer = answer.problem(400, "malformed_request");
        assert!(!answer.whole().contains(secret), "the answer repeats the key");
    }
}

#[test]
fn words_that_merely_begin_as_keys_do_may_be_searched_for() {
    for (profile, words) in
        [("default", ["kw_ci", "kw_", "my%20kw_ci"]), ("cveium", ["cvk_ci", "cvk_", "my%20cvk_ci"])]
    {
        let workspace = shared(profile).workspace();
        for word in words {
            let found = workspace.owner().get(&workspace.path(&format!("keys?search={word}")));
            assert_eq!(found.expect(200).items().len(), 0);
        }
    }
}

#[test]
fn a_key_in_the_address_of_the_original_request_is_refused_whatever_is_around_it() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let secret = &key.secret;
    for query in [
        format!("k=Bearer%20{secret}"),
        format!("k=Bearer+{secret}"),
        format!("a=x{secret}"),
        format!("a={secret}x"),
        format!("{secret}=1"),
        format!("a={}", percent_encoded(secret)),
    ] {
        let denied = keyward.authorize(secret, "GET", &format!("/api/products?{query}"));
        assert_eq!(denied.status, 401, "{query}: {denied}");
        denied.problem(401, "invalid_key");
    }
    keyward.authorize(secret, "GET", "/api/products?search=cvk_ci&page=2").expect(200);
}

#[test]
fn every_kind_of_bad_key_looks_the_same_to_a_stranger() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let revoked = workspace.key_with(&["products:read"]);
    workspace.revoke(&revoked);
    let body = json!({"name": "short", "scopes": ["products:read"], "expires_in_seconds": 1});
    let expired = workspace.create_key(body);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let unknown = "cvk_".to_owned() + &"0".repeat(56);
    let unknown = format!("{unknown}{}", keyward_tests::crc32_hex(&unknown));

    let whoami = workspace.path("whoami");
    let malformed = keyward.with_key("garbage").get(&whoami).problem(401, "invalid_key");
    let at_the_gateway = keyward.authorize("garbage", "GET", "/api/products").problem(401, "invalid_key");
    for bad in [&revoked.secret, &expired.secret, &unknown, &"x".repeat(4000)] {
        let answer = keyward.with_key(bad).get(&whoami).problem(401, "invalid_key");
        assert_eq!(answer.body_to_compare(), malformed.body_to_compare());
        let answer = keyward.authorize(bad, "GET", "/api/products").problem(401, "invalid_key");
        assert_eq!(answer.body_to_compare(), at_the_gateway.body_to_compare());
    }
}

#[test]
fn another_scheme_is_no_key() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    for scheme in ["Basic", "Digest", "Token"] {
        let caller = keyward.anonymous().with("Authorization", &format!("{scheme} {}", key.secret));
        caller.get(&workspace.path("whoami")).refused(&[401]);
    }
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let caller = keyward.anonymous().with("Authorization", &format!("{scheme} {}", key.secret));
        caller.get(&workspace.path("whoami")).expect(200);
    }
}

#[test]
fn the_password_of_a_proxy_beside_a_session_is_no_key() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (whoami, key) = (workspace.path("whoami"), workspace.key_with(&["products:read"]));
    for basic in ["Basic ZGV2OmRldg==", "basic eDp5"] {
        let behind_a_proxy = workspace.owner().with("Authorization", basic);
        let answer = behind_a_proxy.get(&whoami).expect(200);
        assert_eq!(answer.body["actor"]["type"], "user");
        behind_a_proxy.api_key(&key.secret).get(&whoami).expect(200);
        behind_a_proxy.api_key("garbage").get(&whoami).problem(401, "invalid_key");
        keyward.anonymous().with("Authorization", basic).get(&whoami).problem(401, "unauthenticated");
    }
    workspace.owner().bearer("garbage").get(&whoami).problem(401, "invalid_key");
}
