use keyward_tests::{Keyward, json, shared};

#[test]
fn method_and_path_are_those_of_the_request_itself() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let ask = |method: &str, path: &str| {
        keyward.data().bearer(&key.secret).send(method, &format!("/v1/authorize/envoy{path}"), None, b"")
    };
    let allowed = ask("GET", "/api/products?page=2").expect(200);
    assert_eq!(allowed.header("x-keyward-workspace"), Some(workspace.slug.as_str()));
    ask("DELETE", "/api/products/7").problem(403, "insufficient_scope");
    ask("GET", "/api/releases").problem(403, "insufficient_scope");
    for elsewhere in ["/", "/v1/authorize", "/no/such/route", "//api/products", "/api/%70roducts"] {
        ask("GET", elsewhere).problem(403, "forbidden");
    }
    keyward.data().get("/v1/authorize/envoy/api/products").problem(401, "unauthenticated");
    keyward.data().bearer(&key.secret).get("/v1/authorize/envoyage").problem(404, "not_found");
}

#[test]
fn the_query_is_the_clients_and_says_nothing() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let ask = |path: &str| {
        let lying = keyward.data().with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", "/api/products");
        lying.bearer(&key.secret).send("POST", &format!("/v1/authorize/envoy{path}"), None, b"")
    };
    ask("/api/products?scope=products:read").problem(403, "insufficient_scope");
    ask(&format!("/api/products?workspace={}&scope=products:read", workspace.slug))
        .problem(403, "insufficient_scope");
    ask("/api/products?mode=nginx").problem(403, "insufficient_scope");
    ask(&format!("/api/products?key={}", key.secret)).problem(401, "invalid_key");
}

#[test]
fn a_peer_that_is_not_trusted_is_not_believed_what_it_asks_about() {
    let keyward = Keyward::profile("cveium").env("KEYWARD_DATA_PLANE__TRUSTED_PROXIES", "192.0.2.1").start();
    let body = json!({"name": "ci", "scopes": ["products:read"]});
    let key = keyward.workspace().create_key(body);
    let asked = keyward.data().bearer(&key.secret).get("/v1/authorize/envoy/api/products");
    asked.problem(403, "forbidden");
}
