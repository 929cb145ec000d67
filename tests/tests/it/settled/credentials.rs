//! How a key is presented, and what a bad one is answered.

use std::time::Duration;

use keyward_tests::{Answer, Caller, Keyward, PROFILES, Workspace, crc32_hex, eventually, json, shared};

/// The profiles whose keys the API gives out.
fn profiles() -> impl Iterator<Item = &'static Keyward> {
    PROFILES.iter().filter(|profile| **profile != "cerby").map(|profile| shared(profile))
}

/// The data plane, asked about a request that needs the workspace's first scope.
fn authorize(keyward: &Keyward, workspace: &Workspace<'_>, with: impl Fn(&Caller) -> Caller) -> Answer {
    let scope = workspace.first_scope();
    with(&keyward.data()).get(&format!("/v1/authorize?workspace={}&scope={scope}", workspace.slug))
}

#[test]
fn settled_1_both_headers_are_accepted_in_every_profile_and_two_different_keys_are_refused() {
    for keyward in profiles() {
        let workspace = keyward.workspace();
        let (key, other) = (workspace.any_key(), workspace.any_key());
        let whoami = workspace.path("whoami");
        let good: [&dyn Fn(&Caller) -> Caller; 3] =
            [&|caller| caller.bearer(&key.secret), &|caller| caller.api_key(&key.secret), &|caller| {
                caller.bearer(&key.secret).api_key(&key.secret)
            }];
        for with in good {
            assert_eq!(with(&keyward.anonymous()).get(&whoami).expect(200).body["key"]["id"], key.id);
            let allowed = authorize(keyward, &workspace, with).expect(200);
            assert_eq!(allowed.header("x-keyward-key-id"), Some(key.id.as_str()));
        }
        for second in [other.secret.as_str(), "garbage", ""] {
            for (first, second) in [(key.secret.as_str(), second), (second, key.secret.as_str())] {
                let both = |caller: &Caller| caller.bearer(first).api_key(second);
                let refused = both(&keyward.anonymous()).get(&whoami);
                let status = if first.is_empty() { 401 } else { 400 };
                assert_eq!(refused.status, status, "{refused}");
                authorize(keyward, &workspace, both).problem(401, "invalid_key");
            }
        }
    }
}

#[test]
fn settled_1_a_key_in_the_query_string_is_refused_on_both_planes() {
    for keyward in profiles() {
        let workspace = keyward.workspace();
        let key = workspace.any_key();
        let whoami = workspace.path("whoami");
        for query in ["api_key", "key", "access_token", "q"].map(|name| format!("{name}={}", key.secret)) {
            for caller in [keyward.anonymous(), keyward.with_key(&key.secret), (**workspace.owner()).clone()]
            {
                let refused = caller.get(&format!("{whoami}?{query}")).problem(400, "malformed_request");
                assert!(!refused.whole().contains(&key.secret), "the answer repeats the key");
            }
            let own = format!("/v1/authorize?workspace={}&{query}", workspace.slug);
            keyward.data().bearer(&key.secret).get(&own).refused(&[401, 403]);
            keyward.data().get(&own).refused(&[401, 403]);
            keyward
                .authorize(&key.secret, "GET", &format!("/api/things?{query}"))
                .problem(401, "invalid_key");
        }
    }
}

#[test]
fn settled_2_missing_malformed_unknown_expired_and_revoked_keys_are_401_and_look_the_same() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let revoked = workspace.key_with(&["products:read"]);
    workspace.revoke(&revoked);
    let body = json!({"name": "short", "scopes": ["products:read"], "expires_in_seconds": 1});
    let expired = workspace.create_key(body);
    eventually(Duration::from_secs(3), || keyward.verify_code(&expired.secret), |code| code == "expired");
    let unknown = format!("cvk_{}", "0".repeat(56));
    let unknown = format!("{unknown}{}", crc32_hex(&unknown));
    let whoami = workspace.path("whoami");

    let mut seen = Vec::new();
    for bad in ["garbage", "cvk_", &unknown, &expired.secret, &revoked.secret] {
        let at_control = keyward.with_key(bad).get(&whoami).problem(401, "invalid_key");
        let at_gateway = keyward.authorize(bad, "GET", "/api/products").problem(401, "invalid_key");
        seen.push((at_control.to_compare(), at_gateway.to_compare()));
    }
    assert!(seen.iter().all(|answers| *answers == seen[0]), "{seen:#?}");
    // Who presents nothing knows that; it says no more than that.
    for missing in [keyward.anonymous().get(&whoami), keyward.data().get("/v1/authorize?scope=products:read")]
    {
        let missing = missing.problem(401, "unauthenticated");
        assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"keyward\""));
    }
}

#[test]
fn settled_2_a_good_key_without_the_right_is_403_and_names_the_missing_scope() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let named = |denied: Answer, scope: &str| {
        let denied = denied.problem(403, "insufficient_scope");
        let challenge = denied.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{denied}");
        assert!(denied.text_at("detail").contains(scope), "{denied}");
    };
    named(keyward.authorize(&key.secret, "DELETE", "/api/vex/7"), "vex:write");
    named(keyward.with_key(&key.secret).get(&workspace.path("members")), "members.read");
    let asked = keyward.verify(json!({"key": key.secret, "scopes": ["products:read", "vex:write"]}));
    assert_eq!((&asked["code"], &asked["missing"]), (&json!("insufficient_scope"), &json!("vex:write")));
}
