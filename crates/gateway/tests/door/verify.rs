//! `POST /v1/verify`.

use serde_json::{Value, json};

use crate::product::{
    EXPIRED, LIMITED, Node, PERSONAL, READER, REVOKED, RULED, SLOW, UNKNOWN, UNPAID, secret,
};
use crate::wire::{Answer, exchange, question, request};

async fn ask(node: &Node, body: &Value) -> Answer {
    exchange(&node.address, &question(&body.to_string())).await
}

#[expect(clippy::needless_pass_by_value, reason = "reads better with json!() in place")]
fn about(key: u8, more: Value) -> Value {
    let mut body = json!({"key": secret(key).expose()});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn code(node: &Node, body: &Value) -> String {
    let answer = ask(node, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json().as_object().unwrap().len(), 10, "{answer:?}");
    answer.json()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_that_may_is_answered_with_everything_about_it() {
    let node = Node::start().await;
    let answer = ask(&node, &about(READER, json!({"scopes": ["products:read"], "workspace": "acme"}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
    let body = answer.json();
    let key_id = body["key"]["id"].as_str().unwrap();
    assert!(key_id.starts_with("key_"));
    assert_eq!(
        body,
        json!({
            "valid": true, "code": "valid",
            "key": {"id": key_id, "name": "key 1", "kind": "workspace", "secret": "current"},
            "workspace": {"id": body["workspace"]["id"], "slug": "acme"},
            "subject": {"type": "service_account", "id": body["subject"]["id"], "name": "api_ci"},
            "scopes": ["products:read"], "expires_at": null, "missing": null,
            "epoch": 42, "usable_for_ms": 250
        })
    );
}

#[tokio::test]
async fn every_denial_has_its_code() {
    let node = Node::start().await;
    for (body, expected) in [
        (json!({"key": "x"}), "malformed"),
        (json!({"key": ""}), "malformed"),
        (json!({"key": "ä\n"}), "malformed"),
        (json!({"key": "x".repeat(2000)}), "malformed"),
        (about(UNKNOWN, json!({})), "not_found"),
        (about(REVOKED, json!({})), "revoked"),
        (about(EXPIRED, json!({})), "expired"),
        (about(READER, json!({"workspace": "globex"})), "workspace_mismatch"),
        (about(PERSONAL, json!({"workspace": "unpaid"})), "workspace_mismatch"),
        (about(READER, json!({"scopes": ["products:read", "products:write"]})), "insufficient_scope"),
        (about(READER, json!({"action": "no:such:thing"})), "insufficient_scope"),
        (about(READER, json!({"any_scope": ["products:write", "x"]})), "insufficient_scope"),
        (about(READER, json!({"any_scope": ["products:write", "products:read"]})), "valid"),
        (about(LIMITED, json!({})), "ip_not_allowed"),
        (about(LIMITED, json!({"ip": "11.0.0.1"})), "ip_not_allowed"),
        (about(LIMITED, json!({"ip": "::ffff:10.0.0.1"})), "valid"),
        (about(UNPAID, json!({})), "plan_required"),
        (about(RULED, json!({"action": "credential:read", "resource": "credential:cy-1"})), "valid"),
        (about(RULED, json!({"action": "credential:read"})), "insufficient_scope"),
        (about(PERSONAL, json!({"workspace": "globex", "scopes": null, "ip": null})), "valid"),
    ] {
        assert_eq!(code(&node, &body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn cys_10_a_limited_key_is_answered_with_what_it_has_left() {
    let node = Node::start().await;
    let ask_slow = || async { ask(&node, &about(SLOW, json!({"scopes": ["products:read"]}))).await };
    for (code, left, retry_after) in [
        ("valid", r#""key";r=1;t=60"#, None),
        ("valid", r#""key";r=0;t=60"#, None),
        ("rate_limited", r#""key";r=0;t=60"#, Some("60")),
        ("rate_limited", r#""key";r=0;t=60"#, Some("60")),
    ] {
        let answer = ask_slow().await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (200, Some(code)));
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""key";q=2;w=60"#));
        assert_eq!((answer.header("ratelimit"), answer.header("retry-after")), (Some(left), retry_after));
        assert_eq!(answer.json()["key"]["name"], "key 8");
    }
    for (key, more) in [(READER, json!({})), (UNKNOWN, json!({})), (SLOW, json!({"workspace": "globex"}))] {
        let answer = ask(&node, &about(key, more)).await;
        assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
    }
}

#[tokio::test]
async fn a_denied_key_that_is_known_is_named_and_an_unknown_one_is_not() {
    let node = Node::start().await;
    let known = ask(&node, &about(REVOKED, json!({}))).await.json();
    assert_eq!((&known["key"]["name"], &known["workspace"]["slug"]), (&json!("key 3"), &json!("acme")));
    assert_eq!(known["valid"], false);
    let missing = ask(&node, &about(READER, json!({"any_scope": ["a", "b"]}))).await.json();
    assert_eq!(missing["missing"], "a b");
    let unknown = ask(&node, &about(UNKNOWN, json!({}))).await.json();
    assert_eq!(
        (&unknown["key"], &unknown["subject"], &unknown["workspace"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn the_routes_table_decides_where_the_question_names_a_request_and_no_scope() {
    let node = Node::start().await;
    for (more, expected) in [
        (json!({"method": "GET", "path": "/api/products?page=2"}), "valid"),
        (json!({"method": "GET", "path": "/api/either"}), "valid"),
        (json!({"method": "POST", "path": "/api/products"}), "insufficient_scope"),
        // What the question says itself outweighs the table.
        (json!({"method": "DELETE", "path": "/nowhere", "scopes": ["products:read"]}), "valid"),
        (
            json!({"method": "GET", "path": "/api/products", "scopes": ["products:write"]}),
            "insufficient_scope",
        ),
        (json!({"method": "GET", "path": "/api//products"}), "insufficient_scope"),
        (json!({"method": "GET"}), "insufficient_scope"),
        (json!({"path": "/api/products"}), "insufficient_scope"),
        (json!({"method": "GET", "path": "/w/acme/products"}), "valid"),
        (json!({"method": "GET", "path": "/w/globex/products"}), "workspace_mismatch"),
        (json!({"method": "GET", "path": "/w/acme/products", "workspace": "globex"}), "workspace_mismatch"),
    ] {
        assert_eq!(code(&node, &about(READER, more.clone())).await, expected, "{more}");
    }
    let path = |name: &str| json!({"method": "GET", "path": format!("/api/credentials/{name}")});
    assert_eq!(code(&node, &about(RULED, path("cy-1"))).await, "valid");
    assert_eq!(code(&node, &about(RULED, path("prod"))).await, "insufficient_scope");
    let no_route = ask(&node, &about(READER, json!({"method": "GET", "path": "/nowhere"}))).await.json();
    assert_eq!(no_route["missing"], Value::Null);
}

#[tokio::test]
async fn bad_questions_say_which_field() {
    let node = Node::start().await;
    let many: Vec<String> = (0..101).map(|n| format!("s:{n}")).collect();
    for (body, field, code) in [
        (json!({}), "key", "required"),
        (json!({"key": 7}), "key", "invalid"),
        (about(READER, json!({"scope": "x"})), "scope", "unknown_field"),
        (about(READER, json!({"scopes": "products:read"})), "scopes", "invalid"),
        (about(READER, json!({"scopes": [1]})), "scopes[0]", "invalid"),
        (about(READER, json!({"scopes": many})), "scopes", "too_large"),
        (about(READER, json!({"scopes": ["a", ""]})), "scopes[1]", "too_small"),
        (about(READER, json!({"any_scope": ["x".repeat(201)]})), "any_scope[0]", "too_large"),
        (about(READER, json!({"any_scope": []})), "any_scope", "too_small"),
        (about(READER, json!({"action": ""})), "action", "too_small"),
        (about(READER, json!({"action": "a", "resource": "x".repeat(513)})), "resource", "too_large"),
        (about(READER, json!({"ip": "10.0.0.0/8"})), "ip", "invalid"),
        (about(READER, json!({"workspace": "Not A Slug"})), "workspace", "invalid"),
        (about(READER, json!({"method": "x".repeat(33)})), "method", "too_large"),
        (about(READER, json!({"path": "x".repeat(8193)})), "path", "too_large"),
        (about(PERSONAL, json!({})), "workspace", "required"),
    ] {
        let answer = ask(&node, &body).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (422, "validation_failed"),
            "{body} {answer:?}"
        );
        let error = &answer.json()["errors"][0];
        assert_eq!((error["field"].as_str(), error["code"].as_str()), (Some(field), Some(code)), "{body}");
        assert!(!answer.body.contains(secret(READER).expose()));
    }
    let twice = format!(r#"{{"key":"{0}","key":"{0}"}}"#, secret(READER).expose());
    let answer = exchange(&node.address, &question(&twice)).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (422, &json!("duplicate_field")));
}

#[tokio::test]
async fn what_is_no_question_is_told_so() {
    let node = Node::start().await;
    for body in ["", "{", "{\"key\":\"x\"} {}", "\u{feff}{}"] {
        let answer = exchange(&node.address, &question(body)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_request"), "{body:?}");
    }
    let long = format!("{{\"key\":\"{}\"}}", "x".repeat(1024 * 1024));
    let answer = exchange(&node.address, &question(&long)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (413, "payload_too_large"));
    for types in [&[][..], &["text/plain"], &["application/jsonx"], &["application/json", "text/plain"]] {
        let mut headers = vec![("Content-Length", "2")];
        headers.extend(types.iter().map(|t| ("Content-Type", *t)));
        let mut bytes = request("POST", "/v1/verify", &headers);
        bytes.extend_from_slice(b"{}");
        let answer = exchange(&node.address, &bytes).await;
        assert_eq!((answer.status, answer.problem().as_str()), (415, "unsupported_media_type"), "{types:?}");
    }
    let answer = exchange(&node.address, &request("GET", "/v1/verify", &[])).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let node = Node::start().await;
    let body = about(READER, json!({})).to_string();
    let (first, second) = body.split_at(9);
    let headers = [("Content-Type", "application/json; charset=utf-8"), ("Transfer-Encoding", "chunked")];
    let mut bytes = request("POST", "/v1/verify", &headers);
    for piece in [first, second] {
        bytes.extend_from_slice(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(exchange(&node.address, &bytes).await.json()["valid"], true);
}

#[tokio::test]
async fn uses_of_known_keys_are_recorded_without_the_secret() {
    let node = Node::start().await;
    let key = secret(READER);
    let more = json!({
        "scopes": ["products:read"], "ip": "203.0.113.7", "method": "GET",
        "path": format!("/api/products?key={}", key.expose())
    });
    ask(&node, &about(READER, more)).await;
    ask(&node, &about(READER, json!({"action": key.expose(), "path": format!("/{}", key.expose())}))).await;
    ask(&node, &about(UNKNOWN, json!({}))).await;
    let uses = node.uses();
    assert_eq!(uses.len(), 2, "an unknown key has no log");
    assert_eq!((uses[0].code, uses[0].scope.as_deref()), ("valid", Some("products:read")));
    assert_eq!(uses[0].ip, Some("203.0.113.7".parse().unwrap()));
    assert_eq!((uses[0].method.as_deref(), uses[0].path.as_deref()), (Some("GET"), Some("/api/products")));
    assert_eq!((uses[1].code, uses[1].ip), ("insufficient_scope", None));
    assert!(!format!("{uses:?}").contains(key.expose()));
}
