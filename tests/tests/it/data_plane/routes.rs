//! The routes table, of the cveium profile where nothing else is said.

use keyward_tests::{Key, Keyward, json, shared};

/// A key that holds everything but one scope is refused where that scope is needed, and only there.
struct Held {
    all: Key,
    nothing_of_it: Key,
}

fn keyward() -> &'static Keyward {
    shared("cveium")
}

fn held(scope: &str) -> Held {
    let workspace = keyward().workspace();
    let items = workspace.owner().get(&workspace.path("scopes")).expect(200).items();
    let names: Vec<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    let others: Vec<&str> = names.iter().copied().filter(|name| *name != scope).collect();
    Held { all: workspace.key_with(&names), nothing_of_it: workspace.key_with(&others) }
}

#[track_caller]
fn needs(held: &Held, scope: &str, method: &str, uri: &str) {
    keyward().authorize(&held.all.secret, method, uri).expect(200);
    let denied =
        keyward().authorize(&held.nothing_of_it.secret, method, uri).problem(403, "insufficient_scope");
    let challenge = denied.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{method} {uri}: {challenge}");
}

#[test]
fn collections_are_read_and_written_with_or_without_an_id() {
    for noun in ["products", "releases", "sboms", "dispositions", "vex"] {
        let read = format!("{noun}:read");
        let held_read = held(&read);
        needs(&held_read, &read, "GET", &format!("/api/{noun}"));
        needs(&held_read, &read, "GET", &format!("/api/{noun}/42"));
        let write = format!("{noun}:write");
        let held_write = held(&write);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            needs(&held_write, &write, method, &format!("/api/{noun}"));
            needs(&held_write, &write, method, &format!("/api/{noun}/42"));
        }
    }
}

#[test]
fn what_is_only_read_and_what_is_triggered() {
    for noun in ["vulnerabilities", "disclosures", "compliance", "audit"] {
        let scope = format!("{noun}:read");
        needs(&held(&scope), &scope, "GET", &format!("/api/{noun}"));
    }
    needs(&held("cve:trigger"), "cve:trigger", "POST", "/api/cve-scan");
}

#[test]
fn the_query_of_the_original_request_does_not_matter() {
    let held = held("products:read");
    for query in ["?page=2", "?", "?next=/api/releases", "?a=//b&c=../d"] {
        needs(&held, "products:read", "GET", &format!("/api/products{query}"));
    }
}

#[test]
fn a_request_that_matches_no_route_is_denied_even_to_a_key_that_holds_everything() {
    let all = held("products:read").all.secret;
    for (method, uri) in [
        ("GET", "/"),
        ("GET", "/api"),
        ("GET", "/api/unknown"),
        ("GET", "/api/products/42/parts"),
        ("GET", "/api/products/"),
        ("GET", "/v2/api/products"),
        ("GET", "/api/cve-scan"),
        ("POST", "/api/vulnerabilities"),
        ("GET", "/api/vulnerabilities/42/x"),
        ("BREW", "/api/products"),
        ("get", "/api/products"),
        ("GET ", "/api/productsX"),
        ("GET", "/API/products"),
        ("GET", "/api/Products"),
        ("GET", "api/products"),
        ("GET", ""),
    ] {
        let denied = keyward().authorize(&all, method, uri);
        assert_eq!(denied.status, 403, "{method} {uri}: {denied}");
    }
}

#[test]
fn a_path_that_another_reader_might_understand_differently_is_denied() {
    let all = held("products:read").all.secret;
    for uri in [
        "/api/products/../releases",
        "/api/./products",
        "/api/products/.",
        "/api/products/..",
        "/../api/products",
        "//api/products",
        "/api//products",
        "/api/products//",
        "/api/products//42",
        "/api/%70roducts",
        "/api/products/%34%32",
        "/api/products/%2e%2e",
        "/api/products/%2E",
        "/api/products/%2e%2e/releases",
        "/api/products/a%7Eb",
        "/api/products/a%2Fb",
        "/api/products/..;x/releases",
        "/api/products/%zz",
        "/api/products/%",
        "/api/products/%4",
        "/api/products/4 2",
        "/api/products\\42",
        "/api/products/\u{1}",
    ] {
        let denied = keyward().authorize(&all, "GET", uri);
        assert!(matches!(denied.status, 400 | 403), "{uri}: {denied}");
        assert!(denied.header("x-keyward-key-id").is_none_or(str::is_empty), "{uri}: {denied}");
    }
}

#[test]
fn a_path_whose_dots_only_some_servers_would_find_is_denied() {
    let all = held("products:read").all.secret;
    keyward().authorize(&all, "GET", "/api/products/42;v=1").expect(200);
    keyward().authorize(&all, "GET", "/api/products/a%20b").expect(200);
    for uri in [
        "/api/products/..%3b",
        "/api/products/..%3Bx",
        "/api/products/%20..",
        "/api/products/..%20",
        "/api/products/..%09",
        "/api/products/.%0d",
        "/api/products/%252e%252e",
        "/api/products/%25%32%65",
        "/api/products/%c0%ae%c0%ae",
        "/api/products/%ff",
        "/api/products/;x",
        "/api/products/%3bx",
        "/api/products/%20",
    ] {
        let denied = keyward().authorize(&all, "GET", uri);
        assert_eq!(denied.status, 403, "{uri}: {denied}");
        assert!(denied.header("x-keyward-key-id").is_none_or(str::is_empty), "{uri}: {denied}");
    }
}

#[test]
fn a_parameter_that_would_make_another_resource_of_it_is_denied_also_to_a_key_that_holds_everything() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let (slug, read) = (&workspace.slug, "organization:credential:read");
    let narrow = |resource: &str| {
        workspace.create_key(json!({"name": "n", "rules": [{"action": read, "resources": [resource]}]}))
    };
    let keys = [
        workspace.key_with(&[read]),
        narrow("organization:*:credential:*"),
        narrow(&format!("organization:{slug}:**")),
        narrow(&format!("organization:{slug}:credential:*-public")),
    ];
    for key in &keys {
        let good = format!("/organizations/{slug}/credentials/prod-public");
        keyward.authorize(&key.secret, "GET", &good).expect(200);
        for uri in [
            "/organizations/main/credentials/prod-public",
            "/organizations/main:x/credentials/y",
            "/organizations/main:credential/credentials/prod-public",
            "/organizations/main/credentials/x:credential:prod-public",
            "/organizations/main/credentials/prod;-public",
            "/organizations/main;x/credentials/prod-public",
        ] {
            let uri = if uri.ends_with("main/credentials/prod-public") {
                uri.to_owned()
            } else {
                uri.replace("main", slug)
            };
            let denied = keyward.authorize(&key.secret, "GET", &uri);
            assert_eq!(denied.status, 403, "{uri}: {denied}");
        }
    }
}
