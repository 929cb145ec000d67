//! `/v1/authorize`.

use keyward_gateway::{Forwarded, Settings};

use crate::product::{
    EXPIRED, LIMITED, Node, PERSONAL, READER, REVOKED, RULED, SLOW, UNKNOWN, UNPAID, secret,
};
use crate::wire::{Answer, exchange, request};

const GET_PRODUCTS: [(&str, &str); 2] = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/api/products")];

async fn ask(node: &Node, target: &str, headers: &[(&str, &str)]) -> Answer {
    exchange(&node.address, &request("GET", target, headers)).await
}

/// With a key, and `headers` as they are.
async fn ask_with(node: &Node, key: u8, target: &str, headers: &[(&str, &str)]) -> Answer {
    let secret = secret(key);
    let mut all = vec![("X-API-Key", secret.expose())];
    all.extend_from_slice(headers);
    ask(node, target, &all).await
}

#[tokio::test]
async fn a_request_that_may_pass_says_who_it_is_from() {
    let node = Node::start().await;
    let bearer = format!("bearer {}", secret(READER).expose());
    let mut headers = vec![
        ("Authorization", bearer.as_str()),
        ("User-Agent", "curl/8"),
        ("X-Forwarded-For", "203.0.113.7"),
    ];
    headers.extend(GET_PRODUCTS);
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        let answer = exchange(&node.address, &request(method, "/v1/authorize", &headers)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
        assert!(answer.header("x-keyward-key-id").unwrap().starts_with("key_"));
        assert_eq!(answer.header("x-keyward-workspace"), Some("acme"));
        assert!(answer.header("x-keyward-subject").unwrap().starts_with("sa_"));
        assert_eq!(answer.header("x-keyward-scopes"), Some("products:read"));
        assert!(answer.header("x-request-id").is_some());
    }
    let used = node.uses().remove(0);
    assert_eq!((used.code, used.user_agent.as_deref()), ("valid", Some("curl/8")));
    assert_eq!((used.method.as_deref(), used.path.as_deref()), (Some("GET"), Some("/api/products")));
    assert_eq!(
        (used.scope.as_deref(), used.ip),
        (Some("products:read"), Some("203.0.113.7".parse().unwrap()))
    );
}

#[tokio::test]
async fn empty_values_are_set_too_and_odd_ones_are_encoded() {
    let node = Node::start().await;
    let answer = ask_with(&node, RULED, "/v1/authorize?scope=notes:%C3%A4", &[]).await;
    assert_eq!((answer.status, answer.header("x-keyward-scopes")), (200, Some("notes:%C3%A4")));
    let ruled = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/api/credentials/cy-1")];
    assert_eq!(ask_with(&node, RULED, "/v1/authorize", &ruled).await.status, 200);
    let other = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/api/credentials/prod")];
    assert_eq!(ask_with(&node, RULED, "/v1/authorize", &other).await.status, 403);
}

#[tokio::test]
async fn keys_that_do_not_work_all_look_the_same() {
    let node = Node::start().await;
    let mut bodies = Vec::new();
    for key in [UNKNOWN, REVOKED, EXPIRED] {
        let answer = ask_with(&node, key, "/v1/authorize", &GET_PRODUCTS).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid_key"));
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer realm=\"keyward\", error=\"invalid_token\""));
        let mut body = answer.json();
        body["request_id"] = "".into();
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    let answer = ask(&node, "/v1/authorize", &GET_PRODUCTS).await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthenticated"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"keyward\""));
}

#[tokio::test]
async fn cve_5_a_missing_scope_is_403_and_named() {
    let node = Node::start().await;
    let post = [("X-Forwarded-Method", "POST"), ("X-Forwarded-Uri", "/api/products")];
    let answer = ask_with(&node, READER, "/v1/authorize", &post).await;
    assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient_scope"));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"keyward\", error=\"insufficient_scope\", scope=\"products:write\"")
    );
}

#[tokio::test]
async fn other_denials_have_their_status() {
    let node = Node::start().await;
    for (key, target, status, code) in [
        (UNPAID, "/v1/authorize", 403, "plan_required"),
        (READER, "/v1/authorize?workspace=globex", 403, "forbidden"),
        (PERSONAL, "/v1/authorize", 403, "forbidden"),
        (LIMITED, "/v1/authorize", 403, "forbidden"),
    ] {
        let answer = ask_with(&node, key, target, &GET_PRODUCTS).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{key} {target}");
    }
    let answer = ask_with(&node, PERSONAL, "/v1/authorize?workspace=globex", &GET_PRODUCTS).await;
    assert_eq!((answer.status, answer.header("x-keyward-workspace")), (200, Some("globex")));
    let mut inside = GET_PRODUCTS.to_vec();
    inside.push(("X-Forwarded-For", "1.1.1.1, 10.1.2.3"));
    assert_eq!(ask_with(&node, LIMITED, "/v1/authorize", &inside).await.status, 200);
    let mut forged = GET_PRODUCTS.to_vec();
    forged.push(("X-Forwarded-For", "10.1.2.3, 1.1.1.1"));
    assert_eq!(ask_with(&node, LIMITED, "/v1/authorize", &forged).await.status, 403);
}

#[tokio::test]
async fn cys_10_a_key_that_asks_too_often_is_429_and_hears_when_to_come_back() {
    let node = Node::start().await;
    let limits = |answer: &Answer| {
        ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| answer.header(name).map(str::to_owned))
    };
    let said = |left: &str, retry_after: Option<&str>| {
        [Some(r#""key";q=2;w=60"#), Some(left), retry_after].map(|text| text.map(str::to_owned))
    };
    let allowed = ask_with(&node, SLOW, "/v1/authorize", &GET_PRODUCTS).await;
    assert_eq!((allowed.status, limits(&allowed)), (200, said(r#""key";r=1;t=60"#, None)));
    let lacking = ask_with(&node, SLOW, "/v1/authorize?scope=products:write", &[]).await;
    assert_eq!((lacking.status, limits(&lacking)), (403, said(r#""key";r=0;t=60"#, None)));
    for _ in 0..2 {
        let over = ask_with(&node, SLOW, "/v1/authorize", &GET_PRODUCTS).await;
        assert_eq!((over.status, over.problem().as_str()), (429, "rate_limited"));
        assert_eq!(limits(&over), said(r#""key";r=0;t=60"#, Some("60")));
        let nginx = ask_with(&node, SLOW, "/v1/authorize?mode=nginx", &GET_PRODUCTS).await;
        assert_eq!((nginx.status, nginx.problem().as_str()), (403, "rate_limited"));
        assert_eq!((nginx.header("x-keyward-status"), limits(&nginx)), (Some("429"), limits(&over)));
    }
    let codes: Vec<_> = node.uses().iter().map(|used| used.code).collect();
    let over = ["rate_limited"; 4];
    assert_eq!(codes, [&["valid", "insufficient_scope"][..], &over].concat());
    let other = ask_with(&node, READER, "/v1/authorize", &GET_PRODUCTS).await;
    assert_eq!((other.status, limits(&other)), (200, [None, None, None]));
    let metrics = exchange(&node.address, &request("GET", "/metrics", &[])).await.body;
    let line = "keyward_decisions_total{door=\"authorize\",code=\"rate_limited\"} 4";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}

#[tokio::test]
async fn two_different_keys_or_one_in_the_address_are_401() {
    let node = Node::start().await;
    let (key, other) = (secret(READER), secret(RULED));
    let bearer = format!("Bearer {}", key.expose());
    let mut same = vec![("Authorization", bearer.as_str()), ("X-API-Key", key.expose())];
    same.extend(GET_PRODUCTS);
    assert_eq!(ask(&node, "/v1/authorize", &same).await.status, 200);
    let mut different = vec![("Authorization", bearer.as_str()), ("X-API-Key", other.expose())];
    different.extend(GET_PRODUCTS);
    let answer = ask(&node, "/v1/authorize", &different).await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid_key"));
    let uri = format!("/api/products?api_key={}", key.expose());
    let headers = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", uri.as_str())];
    let answer = ask_with(&node, READER, "/v1/authorize", &headers).await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid_key"));
    assert!(!answer.body.contains(key.expose()));
}

#[tokio::test]
async fn what_no_route_fits_is_403() {
    let node = Node::start().await;
    for (method, uri) in [
        ("GET", "/nowhere"),
        ("GET", "/api/Products"),
        ("get", "/api/products"),
        ("GET", "/api/products/"),
        ("GET", "/api//products"),
        ("GET", "/api/x/../products"),
        ("GET", "/api/p%72oducts"),
        ("GET", "http://x/api/products"),
        ("PUT", "/api/products"),
    ] {
        let headers = [("X-Forwarded-Method", method), ("X-Forwarded-Uri", uri)];
        let answer = ask_with(&node, READER, "/v1/authorize", &headers).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"), "{method} {uri}");
    }
    for headers in [&GET_PRODUCTS[..1], &GET_PRODUCTS[1..], &[][..]] {
        assert_eq!(ask_with(&node, READER, "/v1/authorize", headers).await.status, 403, "{headers:?}");
    }
}

#[tokio::test]
async fn forwarded_headers_are_read_from_one_family_and_once() {
    let node = Node::start().await;
    for repeated in
        [("X-Forwarded-Uri", "/api/products"), ("X-Forwarded-Method", "GET"), ("x-forwarded-for", "1.1.1.1")]
    {
        let mut headers = GET_PRODUCTS.to_vec();
        headers.extend([repeated, repeated]);
        let answer = ask_with(&node, READER, "/v1/authorize", &headers).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"), "{repeated:?}");
    }
    let original = [("X-Original-Method", "GET"), ("X-Original-URI", "/api/products")];
    assert_eq!(ask_with(&node, READER, "/v1/authorize", &original).await.status, 403, "the other family");
    let mut both = GET_PRODUCTS.to_vec();
    both.extend([("X-Original-URI", "/a"), ("X-Original-URI", "/b")]);
    assert_eq!(ask_with(&node, READER, "/v1/authorize", &both).await.status, 200, "is ignored");

    let settings = Settings { forwarded: Forwarded::XOriginal, ..Settings::default() };
    let nginx = Node::start_with(settings).await;
    assert_eq!(ask_with(&nginx, READER, "/v1/authorize", &original).await.status, 200);
    assert_eq!(ask_with(&nginx, READER, "/v1/authorize", &GET_PRODUCTS).await.status, 403);
}

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let settings = Settings { trusted_proxies: vec![], ..Settings::default() };
    let node = Node::start_with(settings).await;
    let answer = ask_with(&node, READER, "/v1/authorize", &GET_PRODUCTS).await;
    assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"));
    let mut headers = GET_PRODUCTS.to_vec();
    headers.push(("X-Forwarded-For", "10.0.0.1"));
    let answer = ask_with(&node, READER, "/v1/authorize?scope=products:read", &headers).await;
    assert_eq!(answer.status, 200, "the address itself says what is needed");
    let used = node.uses().remove(0);
    assert_eq!(
        (used.ip, used.path),
        (Some("127.0.0.1".parse().unwrap()), None),
        "its own address, nothing else"
    );
}

#[tokio::test]
async fn the_gateways_own_address_may_say_what_is_needed() {
    let node = Node::start().await;
    for (target, status) in [
        ("/v1/authorize?scope=products:read", 200),
        ("/v1/authorize?scope=products:read%20products:write", 403),
        ("/v1/authorize?scope=products:read&scope=products:write", 403),
        ("/v1/authorize?workspace=acme&scope=products:read&mode=nginx", 200),
        ("/v1/authorize?scopes=products:read", 403),
        ("/v1/authorize?scope=", 403),
        ("/v1/authorize?mode=caddy&scope=products:read", 403),
    ] {
        assert_eq!(ask_with(&node, READER, target, &[]).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn its_body_is_not_waited_for() {
    let node = Node::start().await;
    let key = secret(READER);
    let headers = [("X-API-Key", key.expose()), ("Content-Length", "100000")];
    let bytes = request("POST", "/v1/authorize?scope=products:read", &headers);
    assert_eq!(exchange(&node.address, &bytes).await.status, 200);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_403_here() {
    let node = Node::start().await;
    let long = "x".repeat(40_000);
    let answer = ask_with(&node, READER, "/v1/authorize?scope=products:read", &[("X-Long", &long)]).await;
    assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"));
}
