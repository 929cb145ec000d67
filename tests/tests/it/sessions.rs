//! `/api/v1/session`, the cookie, and requests that other sites make a browser send.

use keyward_tests::{Keyward, Person, json, shared};

const COOKIE: &str = "__Host-keyward_session";
const PASSWORD: &str = "another long passphrase";

/// Somebody whom no other test signs out.
fn somebody(keyward: &Keyward) -> Person {
    keyward.workspace().member("member")
}

#[test]
fn the_cookie_is_bound_to_the_host_and_kept_from_scripts_and_other_sites() {
    let keyward = shared("cveium");
    let person = somebody(keyward);
    let credentials = json!({"email": person.email, "password": PASSWORD});
    let answer = keyward.anonymous().post("/api/v1/session", credentials).expect(200);
    let cookies: Vec<&str> = answer.all_headers("set-cookie").collect();
    assert_eq!(cookies.len(), 1, "{answer}");
    let mut parts = cookies[0].split(';').map(str::trim);
    let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("name=value");
    assert_eq!(name, COOKIE);
    assert!(value.len() >= 32, "a session that can be guessed");
    let attributes: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    for wanted in ["secure", "httponly", "path=/"] {
        assert!(attributes.iter().any(|attribute| attribute == wanted), "no {wanted}: {attributes:?}");
    }
    assert!(attributes.iter().any(|of| of == "samesite=lax" || of == "samesite=strict"), "{attributes:?}");
    assert!(!attributes.iter().any(|of| of.starts_with("domain")), "{attributes:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!answer.text.contains(value), "the body repeats the session");
}

#[test]
fn a_wrong_password_and_an_unknown_email_look_the_same() {
    let keyward = shared("cveium");
    let person = somebody(keyward);
    let sign_in = |email: &str, password: &str| {
        let answer =
            keyward.anonymous().post("/api/v1/session", json!({"email": email, "password": password}));
        assert!(answer.header("set-cookie").is_none(), "{answer}");
        answer.problem(401, "unauthenticated")
    };
    let wrong_password = sign_in(&person.email, "not the passphrase");
    let unknown = sign_in("nobody@example.com", PASSWORD);
    assert_eq!(wrong_password.body_to_compare(), unknown.body_to_compare());
    for (email, password) in [(person.email.as_str(), ""), ("", PASSWORD), ("\u{0}", "\u{0}")] {
        let answer =
            keyward.anonymous().post("/api/v1/session", json!({"email": email, "password": password}));
        answer.refused(&[401, 422]);
    }
    let endless = json!({"email": person.email, "password": "x".repeat(500_000)});
    keyward.anonymous().post("/api/v1/session", endless).refused(&[401, 422]);
}

#[test]
fn me_is_the_user_and_their_workspaces_with_role_and_slug() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let person = workspace.member("admin");
    let me = person.get("/api/v1/me").expect(200);
    assert!(me.text.contains(&person.email), "{me}");
    let workspaces = me.body["workspaces"].as_array().unwrap_or_else(|| panic!("no workspaces: {me}"));
    assert_eq!(workspaces.len(), 1, "{me}");
    assert_eq!(workspaces[0]["slug"], workspace.slug);
    assert_eq!(workspaces[0]["role"], "admin");
    keyward.anonymous().get("/api/v1/me").problem(401, "unauthenticated");
}

#[test]
fn signing_out_ends_the_session_on_the_server() {
    let keyward = shared("cveium");
    let person = somebody(keyward);
    let elsewhere = keyward.sign_in(&person.email, PASSWORD);
    let out = person.delete("/api/v1/session").expect(204);
    let cleared = out.header("set-cookie").expect("the cookie is taken back").to_ascii_lowercase();
    assert!(cleared.starts_with(&format!("{}=;", COOKIE.to_ascii_lowercase())), "{cleared}");
    assert!(cleared.contains("max-age=0") || cleared.contains("expires=thu, 01 jan 1970"), "{cleared}");
    person.get("/api/v1/me").problem(401, "unauthenticated");
    elsewhere.get("/api/v1/me").expect(200);
}

#[test]
fn a_key_does_not_sign_out_whoever_sends_it_beside_their_session() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (person, key) = (workspace.member("admin"), workspace.key_with(&["products:read"]));
    let refused = person.bearer(&key.secret).delete("/api/v1/session").problem(403, "forbidden");
    assert!(
        refused.header("set-cookie").is_none(),
        "the browser would forget a session that goes on: {refused}"
    );
    person.get("/api/v1/me").expect(200);
    keyward.with_key(&key.secret).delete("/api/v1/session").problem(403, "forbidden");
    // Without a session there is nothing to end.
    keyward.anonymous().delete("/api/v1/session").expect(204);
}

#[test]
fn a_cookie_that_is_no_session_is_none() {
    let keyward = shared("cveium");
    for value in ["", "x", "../../etc/passwd", &"A".repeat(43), &"A".repeat(4000), "%00"] {
        let caller = keyward.anonymous().with("Cookie", &format!("{COOKIE}={value}"));
        caller.get("/api/v1/me").problem(401, "unauthenticated");
    }
    let person = somebody(keyward);
    let renamed = person.with("Cookie", "other=1").get("/api/v1/me").expect(200);
    assert!(renamed.text.contains(&person.email));
}

#[test]
fn an_unsafe_request_with_a_session_must_prove_that_it_is_of_the_same_origin() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let browser = workspace.owner().without_proof_of_origin();
    let own = format!("http://{}", keyward.control_addr());
    let (path, body) = (workspace.path("keys"), json!({"name": "ci", "scopes": ["products:read"]}));
    workspace.unchanged_by(|| {
        for refused in [
            browser.clone(),
            browser.with("Sec-Fetch-Site", "cross-site"),
            browser.with("Sec-Fetch-Site", "same-site"),
            browser.with("Sec-Fetch-Site", "nonsense"),
            browser.with("Sec-Fetch-Site", "none"),
            browser.with("Sec-Fetch-Site", "none").with("Origin", "http://evil.example"),
            browser.with("Sec-Fetch-Site", "cross-site").with("Origin", &own),
            browser.with("Origin", "https://evil.example"),
            browser.with("Origin", "null"),
            browser.with("Origin", &format!("{own}.evil.example")),
            browser.with("Origin", &own.replace("http://", "https://evil.example/")),
        ] {
            refused.post(&path, body.clone()).problem(403, "forbidden");
        }
    });
    browser.with("Origin", &own).post(&path, body.clone()).expect(201);
    browser.with("Sec-Fetch-Site", "same-origin").post(&path, body.clone()).expect(201);
    let key =
        browser.with("Sec-Fetch-Site", "same-origin").with("Origin", &own).post(&path, body).expect(201);

    let one = workspace.path(&format!("keys/{}", key.text_at("id")));
    browser.delete(&one).problem(403, "forbidden");
    browser.with("Sec-Fetch-Site", "cross-site").delete("/api/v1/session").problem(403, "forbidden");
    assert_eq!(workspace.get_key(&key.text_at("id")).body["status"], "active");
}

#[test]
fn reading_needs_no_proof_and_a_key_needs_none_either() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let browser = workspace.owner().without_proof_of_origin();
    browser.get(&workspace.path("whoami")).expect(200);
    browser.with("Sec-Fetch-Site", "cross-site").get(&workspace.path("keys")).expect(200);
    let key = workspace.key_with(&["vulnerabilities:read"]);
    let from_afar = keyward.with_key(&key.secret).with("Sec-Fetch-Site", "cross-site");
    from_afar.get(&workspace.path("whoami")).expect(200);
}

#[test]
fn another_site_cannot_sign_somebody_in() {
    let keyward = shared("cveium");
    let person = somebody(keyward);
    let credentials = json!({"email": person.email, "password": PASSWORD});
    let from_afar = keyward.anonymous().with("Sec-Fetch-Site", "cross-site");
    from_afar.post("/api/v1/session", credentials.clone()).problem(403, "forbidden");
    let from_afar = keyward.anonymous().with("Origin", "https://evil.example");
    from_afar.post("/api/v1/session", credentials).problem(403, "forbidden");
}

#[test]
fn over_plain_http_off_loopback_signing_in_is_refused_and_says_why() {
    let keyward = shared("cveium");
    let person = somebody(keyward);
    let body = json!({"email": person.email, "password": PASSWORD}).to_string();
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: keyward.example.com\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = keyward.anonymous().raw(request.as_bytes()).refused(&[400, 403]);
    assert!(answer.text_at("detail").contains("HTTPS"), "{answer}");
    assert!(answer.header("set-cookie").is_none(), "{answer}");
}

#[test]
fn an_https_address_in_the_settings_makes_no_plain_request_safe() {
    let url = "https://keyward.example.com";
    let keyward = Keyward::profile("cveium").env("KEYWARD_SERVER__PUBLIC_URL", url).start();
    let owner = keyward.owner();
    let body = json!({"email": owner.email, "password": owner.password}).to_string();
    let sign_in = |more: &str| {
        let request = format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: keyward.example.com\r\nConnection: close\r\n{more}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        keyward.anonymous().raw(request.as_bytes())
    };
    for plain in ["", "X-Forwarded-Proto: http\r\n", "X-Forwarded-Proto: https, http\r\n"] {
        let refused = sign_in(plain).problem(403, "forbidden");
        assert!(refused.text_at("detail").contains("HTTPS"), "{refused}");
        assert!(refused.header("set-cookie").is_none(), "{refused}");
    }
    // The proxy is on this machine, and trusted without a word.
    let signed_in = sign_in("X-Forwarded-Proto: https\r\n").expect(200);
    assert!(signed_in.header("set-cookie").is_some(), "{signed_in}");
}
