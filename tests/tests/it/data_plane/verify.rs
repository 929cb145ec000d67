use keyward_tests::{crc32_hex, json, shared, unique};

#[test]
fn malformed() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let wrong_checksum = format!("{}{}", &key.secret[..60], "00000000");
    for bad in [
        "",
        " ",
        "garbage",
        "cvk_",
        "\u{0}",
        "ж",
        &key.secret[..67],
        &format!("{}0", key.secret),
        &format!(" {}", key.secret),
        &format!("{}\n", key.secret),
        &key.secret.to_uppercase(),
        &key.secret.replace("cvk_", "cvx_"),
        &wrong_checksum,
        &"x".repeat(100_000),
    ] {
        let answer = keyward.verify(json!({"key": bad}));
        assert_eq!(answer["code"], "malformed", "{answer}");
        assert_eq!(answer["valid"], false);
    }
}

#[test]
fn not_found() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let body = format!("cvk_{}", "0".repeat(56));
    let unknown = format!("{body}{}", crc32_hex(&body));
    assert_eq!(keyward.verify_code(&unknown), "not_found");
    let question = json!({"key": unknown, "workspace": workspace.slug, "scopes": ["products:read"]});
    assert_eq!(keyward.verify(question)["code"], "not_found");
}

#[test]
fn revoked_and_workspace_mismatch_and_insufficient_scope() {
    let keyward = shared("cveium");
    let (workspace, other) = (keyward.workspace(), keyward.workspace());
    let key = workspace.key_with(&["products:read"]);
    let elsewhere = keyward.verify(json!({"key": key.secret, "workspace": other.slug}));
    assert_eq!((&elsewhere["valid"], &elsewhere["code"]), (&json!(false), &json!("workspace_mismatch")));
    let nowhere = keyward.verify(json!({"key": key.secret, "workspace": "nosuchws"}));
    assert_eq!(nowhere["code"], "workspace_mismatch");

    let lacking = keyward.verify(json!({"key": key.secret, "scopes": ["products:read", "products:write"]}));
    assert_eq!(lacking["code"], "insufficient_scope");
    assert_eq!(lacking["missing"], "products:write");
    assert_eq!(lacking["valid"], false);

    workspace.revoke(&key);
    let revoked = keyward.verify(json!({"key": key.secret, "workspace": other.slug, "scopes": ["x:y"]}));
    assert_eq!((&revoked["valid"], &revoked["code"]), (&json!(false), &json!("revoked")));
}

#[test]
fn all_of_scopes_and_one_of_any_scope() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read", "sboms:read"]);
    let code = |question: serde_json::Value| {
        let mut question = question;
        question["key"] = json!(key.secret);
        keyward.verify(question)["code"].as_str().expect("a code").to_owned()
    };
    assert_eq!(code(json!({"scopes": []})), "valid");
    assert_eq!(code(json!({"scopes": ["products:read", "sboms:read"]})), "valid");
    assert_eq!(code(json!({"scopes": ["products:read", "sboms:write"]})), "insufficient_scope");
    assert_eq!(code(json!({"any_scope": ["products:write", "sboms:read"]})), "valid");
    assert_eq!(code(json!({"any_scope": ["products:write", "sboms:write"]})), "insufficient_scope");
    let both = json!({"scopes": ["products:read"], "any_scope": ["vex:read", "vex:write"]});
    assert_eq!(code(both), "insufficient_scope");
    assert_eq!(code(json!({"scopes": ["no:such"]})), "insufficient_scope");
    assert_eq!(code(json!({"action": "products:read"})), "valid");
    assert_eq!(code(json!({"action": "no:such:action"})), "insufficient_scope");
}

#[test]
fn a_personal_key_that_reaches_several_workspaces_must_be_asked_about_one() {
    let keyward = shared("cysmiq");
    let (first, second) = (keyward.workspace(), keyward.workspace());
    let person = first.member("member");
    let body = json!({"name": unique("laptop"), "scopes": ["vulnerabilities:read"]});
    let key = first.personal_key(&person, body);
    let alone = keyward.verify(json!({"key": key.secret}));
    assert_eq!(alone["code"], "valid");
    assert_eq!(alone["workspace"]["slug"], first.slug, "the only one within reach");

    second.join(&person, "member");
    keyward.data().post("/v1/verify", json!({"key": key.secret})).refuses_field("workspace");
    for workspace in [&first, &second] {
        let asked = keyward.verify(json!({"key": key.secret, "workspace": workspace.slug}));
        assert_eq!(asked["workspace"]["slug"], workspace.slug);
    }
    first.remove(&person);
    assert_eq!(keyward.verify(json!({"key": key.secret}))["workspace"]["slug"], second.slug);
}

#[test]
fn a_question_that_makes_no_sense_is_422() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]).secret;
    let ask = |question: serde_json::Value| keyward.data().post("/v1/verify", question);
    ask(json!({})).refuses_field("key");
    for bad in [json!(null), json!(7), json!([key]), json!({"secret": key})] {
        ask(json!({"key": bad})).refuses_field("key");
    }
    for (field, value) in [
        ("colour", json!("green")),
        ("workspace", json!(7)),
        ("scopes", json!("products:read")),
        ("any_scope", json!({})),
        ("ip", json!("999.1.1.1")),
        ("ip", json!("203.0.113.7/24")),
        ("ip", json!("")),
        ("action", json!(["products:read"])),
    ] {
        let mut question = json!({"key": key});
        question[field] = value;
        ask(question).refuses_field(field);
    }
    let twice = format!(r#"{{"key": "{key}", "key": "{key}"}}"#);
    keyward.data().post_raw("/v1/verify", twice.as_bytes()).refused(&[422]);
    keyward.data().post_raw("/v1/verify", b"{").problem(400, "malformed_request");
}

#[test]
fn a_question_beyond_the_bounds_or_about_nothing_that_is_done_is_422() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]).secret;
    let ask = |mut question: serde_json::Value| {
        question["key"] = json!(key);
        keyward.data().post("/v1/verify", question)
    };
    ask(json!({"action": "products:read", "resource": "x".repeat(513)})).refuses_field("resource");
    ask(json!({"action": "products:read", "resource": "x".repeat(512)})).expect(200);
    for field in ["scopes", "any_scope"] {
        ask(json!({field: vec!["products:read"; 33]})).refuses_field(field);
        assert_eq!(ask(json!({field: vec!["products:read"; 32]})).expect(200).body["code"], "valid");
    }
    for more in [json!({}), json!({"scopes": []}), json!({"method": "GET", "path": "/api/products"})] {
        let mut question = more;
        question["resource"] = json!("product:1");
        ask(question).refuses_field("resource");
    }
    ask(json!({"scopes": ["products:read"], "resource": "product:1"})).expect(200);
}

#[test]
fn half_of_a_request_matches_no_route_and_beside_scopes_it_is_for_the_log_alone() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]).secret;
    let code = |mut question: serde_json::Value| {
        question["key"] = json!(key);
        keyward.verify(question)["code"].as_str().expect("a code").to_owned()
    };
    assert_eq!(code(json!({"method": "GET", "path": "/api/products"})), "valid");
    for half in [json!({"path": "/api/products"}), json!({"method": "GET"})] {
        assert_eq!(code(half.clone()), "insufficient_scope", "{half}");
        let mut with_scope = half;
        with_scope["scopes"] = json!(["products:read"]);
        assert_eq!(code(with_scope.clone()), "valid", "{with_scope}");
    }
    let both = json!({"method": "DELETE", "path": "/nowhere", "scopes": ["products:read"]});
    assert_eq!(code(both), "valid");
    let both = json!({"method": "GET", "path": "/api/products", "scopes": ["products:write"]});
    assert_eq!(code(both), "insufficient_scope");
}

#[test]
fn a_key_in_the_address_of_a_question_is_refused() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]).secret;
    for query in [format!("key={key}"), key.clone(), format!("a=x{key}"), key.replace('_', "%5f")] {
        let answer = keyward.data().post(&format!("/v1/verify?{query}"), json!({"key": key}));
        let answer = answer.problem(400, "malformed_request");
        assert!(!answer.whole().contains(&key), "the answer repeats the key");
    }
    // Nothing reads another parameter either, and whoever sends one means something by it.
    keyward.data().post("/v1/verify?scope=products:write", json!({"key": key})).refuses_field("query");
}

#[test]
fn the_answer_names_the_secret_that_was_used_and_how_long_it_may_be_used() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let first = keyward.verify(json!({"key": key.secret}));
    assert_eq!(first["key"]["secret"], "current");
    assert_eq!(first["usable_for_ms"], 250);
    workspace.key_with(&["products:read"]);
    let later = keyward.verify(json!({"key": key.secret}));
    assert!(later["epoch"].as_u64() > first["epoch"].as_u64(), "each change advances the epoch");
}
