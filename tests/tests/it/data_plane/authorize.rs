use keyward_tests::{Answer, json, shared};

const IDENTITY: [&str; 4] =
    ["x-keyward-key-id", "x-keyward-workspace", "x-keyward-subject", "x-keyward-scopes"];

#[track_caller]
fn identity(answer: &Answer) -> [String; 4] {
    IDENTITY.map(|name| {
        let values: Vec<&str> = answer.all_headers(name).collect();
        assert_eq!(values.len(), 1, "{name} once: {answer}");
        values[0].to_owned()
    })
}

#[test]
fn allowing_names_the_key_its_workspace_subject_and_scopes() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read", "vex:read"]);
    let allowed = keyward.authorize(&key.secret, "GET", "/api/products/7").expect(200);
    let [key_id, slug, subject, scopes] = identity(&allowed);
    assert_eq!(key_id, key.id);
    assert_eq!(slug, workspace.slug);
    assert_eq!(scopes.split(' ').collect::<Vec<_>>(), ["products:read", "vex:read"]);
    let verified = keyward.verify(json!({"key": key.secret}));
    assert_eq!(json!(subject), verified["subject"]["id"], "the same subject as verify names");
}

#[test]
fn allowing_says_for_how_long_whatever_the_client_wrote_and_refusing_does_not() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let forging = keyward.data().with("X-Keyward-Usable-For-Ms", "86400000").bearer(&key.secret);
    let usable_for = |answer: &Answer| -> Vec<String> {
        answer.all_headers("x-keyward-usable-for-ms").map(str::to_owned).collect()
    };
    let of_itself = forging.get("/v1/authorize/envoy/api/products").expect(200);
    let told = forging.with("X-Forwarded-Method", "GET");
    let allowed = told.with("X-Forwarded-Uri", "/api/products").get("/v1/authorize").expect(200);
    for answer in [of_itself, allowed] {
        assert_eq!(usable_for(&answer), ["250"], "{answer}");
    }
    let refused = told.with("X-Forwarded-Uri", "/api/releases").get("/v1/authorize").expect(403);
    assert_eq!(usable_for(&refused), [] as [&str; 0]);
}

#[test]
fn all_four_headers_are_set_also_where_there_is_nothing_to_say() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let (read, one) =
        ("organization:credential:read", format!("organization:{}:credential:one", workspace.slug));
    // A key that holds nothing on everything: there is no scope to name.
    let key = workspace.create_key(json!({"name": "one", "rules": [{"action": read, "resources": [one]}]}));
    let forging = IDENTITY.iter().fold(keyward.data(), |caller, name| caller.with(name, "forged"));
    let gateway = forging.bearer(&key.secret).with("X-Forwarded-Method", "GET");
    let uri = |canonical: &str| format!("/organizations/{}/credentials/{canonical}", workspace.slug);
    let allowed = gateway.with("X-Forwarded-Uri", &uri("one")).get("/v1/authorize").expect(200);
    let [key_id, slug, subject, scopes] = identity(&allowed);
    assert_eq!((key_id, slug, scopes), (key.id, workspace.slug.clone(), String::new()));
    assert!(subject.starts_with("sa_"), "{subject}");
    gateway.with("X-Forwarded-Uri", &uri("two")).get("/v1/authorize").problem(403, "insufficient_scope");
}

#[test]
fn any_method_may_be_used_to_ask() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let gateway = keyward.data().with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/api/products");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
        let body = if matches!(method, "GET" | "HEAD") { &b""[..] } else { b"{not read" };
        gateway.bearer(&key.secret).send(method, "/v1/authorize", Some("text/plain"), body).expect(200);
        gateway.send(method, "/v1/authorize", None, b"").expect(401);
    }
}

#[test]
fn without_a_key_it_is_401_and_names_the_scheme() {
    let keyward = shared("cveium");
    let gateway = keyward.data().with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/api/products");
    let denied = gateway.get("/v1/authorize").problem(401, "unauthenticated");
    assert_eq!(denied.header("www-authenticate"), Some("Bearer realm=\"keyward\""));
    gateway.with("Cookie", "__Host-keyward_session=x").get("/v1/authorize").problem(401, "unauthenticated");
}

#[test]
fn the_gateways_own_address_may_name_workspace_and_scope() {
    let keyward = shared("cveium");
    let (workspace, other) = (keyward.workspace(), keyward.workspace());
    let key = workspace.key_with(&["products:read"]);
    let ask = |query: &str| keyward.data().bearer(&key.secret).get(&format!("/v1/authorize?{query}"));
    ask("scope=products:read").expect(200);
    ask("scope=products%3Aread").expect(200);
    ask(&format!("workspace={}&scope=products:read", workspace.slug)).expect(200);
    ask("scope=products:write").problem(403, "insufficient_scope");
    ask(&format!("workspace={}&scope=products:read", other.slug)).refused(&[403]);
    ask("workspace=nosuchws&scope=products:read").refused(&[403]);

    // What the gateway's operator wrote in the address replaces the routes table.
    let gateway = keyward.data().bearer(&key.secret);
    let original = gateway.with("X-Forwarded-Method", "POST").with("X-Forwarded-Uri", "/api/releases");
    original.get("/v1/authorize?scope=products:read").expect(200);
    // Neither scope nor a request to look up: nothing says what is needed, so nothing is allowed.
    gateway.get("/v1/authorize").refused(&[403]);
}

#[test]
fn a_gateway_address_that_says_one_thing_twice_or_something_unknown_allows_nothing() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    for query in [
        "scope=products:read&scope=vex:read",
        "scopes=products:read",
        "scope=",
        "mode=apache&scope=products:read",
    ] {
        let answer = keyward.data().bearer(&key.secret).get(&format!("/v1/authorize?{query}"));
        assert_eq!(answer.status, 403, "{query}: {answer}");
    }
}

#[test]
fn nginx_gets_only_statuses_that_it_can_pass_on() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let ask = |secret: &str, scope: &str| {
        keyward.data().bearer(secret).get(&format!("/v1/authorize?mode=nginx&scope={scope}"))
    };
    identity(&ask(&key.secret, "products:read").expect(200));
    ask(&key.secret, "products:write").problem(403, "insufficient_scope");
    ask("garbage", "products:read").problem(401, "invalid_key");
}

#[test]
fn a_personal_key_needs_a_workspace_when_it_reaches_several() {
    let keyward = shared("cysmiq");
    let (first, second) = (keyward.workspace(), keyward.workspace());
    let person = first.member("member");
    let person = second.join(&person, "member");
    let body = json!({"name": "laptop", "scopes": ["vulnerabilities:read"]});
    let key = first.personal_key(&person, body);
    let ask = |query: &str| keyward.data().bearer(&key.secret).get(&format!("/v1/authorize?{query}"));
    ask("scope=vulnerabilities:read").refused(&[403]);
    let allowed = ask(&format!("scope=vulnerabilities:read&workspace={}", second.slug)).expect(200);
    assert_eq!(allowed.header("x-keyward-workspace"), Some(second.slug.as_str()));
}

#[test]
fn a_gateway_that_passes_the_clients_query_on_is_refused() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret).with("X-Forwarded-Method", "POST");
    let client = "scope=products:read";
    let asked = gateway.with("X-Forwarded-Uri", &format!("/api/products?{client}"));
    asked.get(&format!("/v1/authorize?{client}")).problem(403, "forbidden");
    // The gateway's own words are its own.
    gateway
        .with("X-Forwarded-Uri", "/api/products?page=2")
        .get(&format!("/v1/authorize?{client}"))
        .expect(200);
}
