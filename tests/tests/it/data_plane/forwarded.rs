//! Which forwarded headers are believed, and from whom.

use keyward_tests::{Caller, Keyward, shared};

#[test]
fn a_repeated_forwarded_header_is_denied() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret);
    let good = gateway.with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/api/products");
    good.get("/v1/authorize").expect(200);
    for (name, again) in [
        ("X-Forwarded-Uri", "/api/products"),
        ("X-Forwarded-Uri", "/api/releases"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Method", "POST"),
    ] {
        good.with(name, again).get("/v1/authorize").refused(&[403]);
    }
}

#[test]
fn the_other_family_is_ignored() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret);
    let other =
        |caller: &Caller, uri: &str| caller.with("X-Original-Method", "GET").with("X-Original-URI", uri);
    other(&gateway, "/api/products").get("/v1/authorize").refused(&[403]);
    let forwarded = |uri: &str| gateway.with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", uri);
    other(&forwarded("/api/releases"), "/api/products").get("/v1/authorize").refused(&[403]);
    other(&forwarded("/api/products"), "/api/releases").get("/v1/authorize").expect(200);
}

#[test]
fn the_other_family_may_be_configured_instead() {
    let keyward = Keyward::profile("cveium").env("KEYWARD_DATA_PLANE__FORWARDED", "x-original").start();
    let key = keyward.workspace().key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret);
    let original = |uri: &str| gateway.with("X-Original-Method", "GET").with("X-Original-URI", uri);
    original("/api/products").get("/v1/authorize").expect(200);
    original("/api/releases").get("/v1/authorize").problem(403, "insufficient_scope");
    original("/api/products").with("X-Original-URI", "/api/products").get("/v1/authorize").refused(&[403]);
    keyward.authorize(&key.secret, "GET", "/api/products").refused(&[403]);
    let forged = original("/api/releases").with("X-Forwarded-Method", "GET");
    forged.with("X-Forwarded-Uri", "/api/products").get("/v1/authorize").refused(&[403]);
}

#[test]
fn forwarded_headers_are_believed_from_trusted_proxies_only() {
    let keyward =
        Keyward::profile("cveium").env("KEYWARD_DATA_PLANE__TRUSTED_PROXIES", "192.0.2.0/24").start();
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    keyward.authorize(&key.secret, "GET", "/api/products").refused(&[403]);
    let stranger = keyward.data().bearer(&key.secret).with("X-Forwarded-For", "203.0.113.7");
    stranger.get("/v1/authorize?scope=products:read").expect(200);
    keyward_tests::eventually(
        std::time::Duration::from_secs(1),
        || workspace.get_key(&key.id).body["last_used_ip"].clone(),
        |ip| ip == "127.0.0.1",
    );
}

#[test]
fn half_of_what_a_gateway_says_is_not_enough() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let gateway = keyward.data().bearer(&key.secret);
    gateway.with("X-Forwarded-Method", "GET").get("/v1/authorize").refused(&[403]);
    gateway.with("X-Forwarded-Uri", "/api/products").get("/v1/authorize").refused(&[403]);
    gateway.with("X-Forwarded-Method", "").with("X-Forwarded-Uri", "").get("/v1/authorize").refused(&[403]);
}
