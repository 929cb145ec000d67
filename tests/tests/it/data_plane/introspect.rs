use std::sync::OnceLock;

use keyward_tests::{Answer, Caller, Keyward, json, now, shared, unique};

const SECRET: &str = "a-secret-that-whoever-introspects-sends";
const FORM: &str = "application/x-www-form-urlencoded";

fn keyward() -> &'static Keyward {
    static SERVER: OnceLock<Keyward> = OnceLock::new();
    let start = || Keyward::profile("cveium").env("KEYWARD_DATA_PLANE__INTROSPECTION_SECRET", SECRET).start();
    SERVER.get_or_init(start)
}

fn ask(caller: &Caller, form: &str) -> Answer {
    caller.send("POST", "/oauth2/introspect", Some(FORM), form.as_bytes())
}

#[test]
fn a_key_that_works_is_told_in_the_words_of_rfc_7662() {
    let workspace = keyward().workspace();
    let body =
        json!({"name": unique("ci"), "scopes": ["products:read", "vex:read"], "expires_in_seconds": 3600});
    let key = workspace.create_key(body);
    let known = keyward().verify(json!({"key": key.secret}));
    let answer =
        ask(&keyward().data().bearer(SECRET), &format!("token={}&token_type_hint=access_token", key.secret));
    let told = answer.expect(200);
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let exp = told.body["exp"].as_i64().expect("seconds since 1970");
    assert!((3_500..3_700).contains(&(exp - now().as_second())), "{told}");
    let expected = json!({
        "active": true, "scope": "products:read vex:read", "client_id": key.id, "token_type": "Bearer", "exp": exp,
        "sub": known["subject"]["id"], "username": known["subject"]["name"], "workspace": workspace.slug,
        "usable_for_ms": 250,
    });
    assert_eq!(told.body, expected);
    assert!(!told.text.contains(&key.secret));
}

#[test]
fn whatever_does_not_work_is_exactly_inactive() {
    let workspace = keyward().workspace();
    let asker = keyward().data().bearer(SECRET);
    let inactive = |form: &str| {
        let answer = ask(&asker, form).expect(200);
        assert_eq!(answer.text, r#"{"active":false}"#, "{form}");
        let unusual = ["ratelimit", "ratelimit-policy", "retry-after", "www-authenticate"];
        assert!(!answer.headers.iter().any(|(name, _)| unusual.contains(&name.as_str())), "{answer}");
    };
    let revoked = workspace.key_with(&["products:read"]);
    workspace.revoke(&revoked);
    let near =
        json!({"name": unique("near"), "scopes": ["products:read"], "allowed_cidrs": ["203.0.113.0/24"]});
    let near = workspace.create_key(near);
    let limited = json!({"name": unique("once"), "scopes": ["products:read"], "requests_per_minute": 1});
    let limited = workspace.create_key(limited);
    assert_eq!(keyward().verify_code(&limited.secret), "valid");
    for token in ["garbage", "", "%C3%A4", &revoked.secret, &near.secret, &limited.secret] {
        inactive(&format!("token={token}"));
    }
    inactive(&format!("token={}&ip=198.51.100.7", near.secret));
    let here = ask(&asker, &format!("token={}&ip=203.0.113.7", near.secret)).expect(200);
    assert_eq!(here.body["active"], true);
    inactive(&format!("token={}&workspace=nosuchws&ip=203.0.113.7", near.secret));
}

#[test]
fn only_who_has_the_secret_may_ask() {
    let key = keyward().workspace().key_with(&["products:read"]);
    let form = format!("token={}", key.secret);
    let data = keyward().data();
    let base64 = |text: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    for authorization in [base64(&format!("gateway:{SECRET}")), base64(&format!("a%3Ab:{SECRET}"))] {
        assert_eq!(ask(&data.with("Authorization", &authorization), &form).expect(200).body["active"], true);
    }
    let refused = [
        base64("gateway:wrong"),
        base64(SECRET),
        base64(&format!("{SECRET}:")),
        "Basic !!!".to_owned(),
        "Bearer".to_owned(),
        format!("Bearer {}", key.secret),
        format!("Digest {SECRET}"),
    ];
    for authorization in refused {
        let answer = ask(&data.with("Authorization", &authorization), &form).problem(401, "unauthenticated");
        let challenges: Vec<&str> = answer.all_headers("www-authenticate").collect();
        assert_eq!(challenges, ["Bearer realm=\"keyward\"", "Basic realm=\"keyward\""]);
    }
    ask(&data, &form).problem(401, "unauthenticated");
    ask(&data.bearer(SECRET).bearer(SECRET), &form).problem(401, "unauthenticated");
    assert!(!keyward().logs().contains(&key.secret) && !keyward().logs().contains(SECRET));
}

#[test]
fn without_a_secret_whoever_reaches_the_address_may_ask_as_of_verify() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    for asker in [keyward.data(), keyward.data().bearer("any")] {
        assert_eq!(ask(&asker, &format!("token={}", key.secret)).expect(200).body["active"], true);
        assert_eq!(ask(&asker, "token=garbage").expect(200).text, r#"{"active":false}"#);
    }
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    let asker = keyward().data().bearer(SECRET);
    for (form, field) in [
        ("", "token"),
        ("token_type_hint=x", "token"),
        ("token=a&token=b", "token"),
        ("token=a&ip=here", "ip"),
        ("token=a&workspace=No%20Slug", "workspace"),
    ] {
        ask(&asker, form).refuses_field(field);
    }
    let more = "token=garbage&client_id=gateway&colour=green&colour=red";
    assert_eq!(ask(&asker, more).expect(200).text, r#"{"active":false}"#, "what is unknown is ignored");
    for form in ["token", "token=%", "token=%ff"] {
        ask(&asker, form).problem(400, "malformed_request");
    }
    asker.post("/oauth2/introspect", json!({"token": "a"})).problem(415, "unsupported_media_type");
    asker.get("/oauth2/introspect").problem(405, "method_not_allowed");
    let in_address = asker.send("POST", "/oauth2/introspect?token=a", Some(FORM), b"token=a");
    in_address.refuses_field("query");
}
