use std::time::{Duration, Instant};

use keyward_tests::{Workspace, json, shared};

fn workspace() -> Workspace<'static> {
    shared("cveium").workspace()
}

#[test]
fn what_is_not_json_is_a_malformed_request() {
    let workspace = workspace();
    let path = workspace.path("keys");
    workspace.unchanged_by(|| {
        for body in [
            &b""[..],
            b"{",
            b"nonsense",
            br#"{"name": "ci", "scopes": ["products:read"]} x"#,
            br#"{"name": "ci", "scopes": ["products:read"]}{"name": "ci", "scopes": ["products:read"]}"#,
            br#"{"name": "ci", "scopes": ["products:read"],}"#,
            b"{'name': 'ci'}",
            b"{\"name\": \"c\xffi\", \"scopes\": [\"products:read\"]}",
            b"{\"name\": \"c\0i\", \"scopes\": [\"products:read\"]}",
            b"\0",
            br#"{"name": "ci", "scopes": ["products:read"], "expires_in_seconds": 0x10}"#,
            br#"{"name": "ci", "scopes": ["products:read"], "expires_in_seconds": NaN}"#,
        ] {
            workspace.owner().post_raw(&path, body).problem(400, "malformed_request");
        }
    });
}

#[test]
fn json_of_another_shape_is_refused() {
    let workspace = workspace();
    workspace.unchanged_by(|| {
        for body in ["[]", "null", "true", "42", "\"name\"", "[{\"name\": \"ci\"}]"] {
            workspace.owner().post_raw(&workspace.path("keys"), body.as_bytes()).refused(&[400, 422]);
        }
    });
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let workspace = workspace();
    workspace.unchanged_by(|| {
        for unknown in ["nmae", "secret", "id", "status", "kind", "owner", "created_at", "revoked_at", "Name"]
        {
            let mut body = json!({"name": "ci", "scopes": ["products:read"]});
            body[unknown] = json!("x");
            workspace.owner().post(&workspace.path("keys"), body).refuses_field(unknown);
        }
        let rule =
            json!({"name": "ci", "rules": [{"action": "products:read", "resources": [], "deny": true}]});
        workspace.owner().post(&workspace.path("keys"), rule).refuses_field("rules");
    });
}

#[test]
fn a_repeated_member_is_refused_wherever_it_stands() {
    let workspace = workspace();
    workspace.unchanged_by(|| {
        for body in [
            r#"{"name": "one", "name": "two", "scopes": ["products:read"]}"#,
            r#"{"name": "ci", "scopes": ["products:read"], "scopes": ["products:write"]}"#,
            r#"{"name": "ci", "n\u0061me": "two", "scopes": ["products:read"]}"#,
            r#"{"name": "ci", "scopes": ["products:read"], "metadata": {"team": "a", "team": "b"}}"#,
            r#"{"name": "ci", "scopes": ["products:read"], "metadata": {"of": {"team": 1, "team": 1}}}"#,
            r#"{"name": "ci", "scopes": ["products:read"], "metadata": {"of": [{"team": 1, "team": 1}]}}"#,
            r#"{"name": "ci", "rules": [{"action": "products:read", "action": "products:write", "resources": []}]}"#,
        ] {
            let answer = workspace.owner().post_raw(&workspace.path("keys"), body.as_bytes());
            answer.problem(422, "validation_failed");
        }
    });
}

#[test]
fn a_field_that_is_missing_null_or_of_another_type_is_refused_by_name() {
    let workspace = workspace();
    let good = json!({"name": "ci", "scopes": ["products:read"]});
    workspace.unchanged_by(|| {
        for (field, values) in [
            ("name", vec![json!(null), json!(42), json!(true), json!(["ci"]), json!({"of": "ci"})]),
            ("scopes", vec![json!("products:read"), json!([1]), json!([null]), json!([["products:read"]])]),
            ("scopes", vec![json!({"products:read": true}), json!(true)]),
            ("rules", vec![json!("products:read"), json!(["products:read"]), json!([{}]), json!({})]),
            (
                "expires_at",
                vec![json!(1_800_000_000), json!(true), json!(["2027-01-01T00:00:00Z"]), json!({})],
            ),
            ("expires_in_seconds", vec![json!("3600"), json!(3600.5), json!(true), json!([3600]), json!({})]),
            ("description", vec![json!(42), json!(["x"]), json!({})]),
            ("metadata", vec![json!("x"), json!([]), json!(42)]),
            ("allowed_cidrs", vec![json!("10.0.0.0/8"), json!([10]), json!({})]),
        ] {
            for value in values {
                let mut body = good.clone();
                body[field] = value;
                workspace.owner().post(&workspace.path("keys"), body).refuses_field(field);
            }
        }
        workspace
            .owner()
            .post(&workspace.path("keys"), json!({"scopes": ["products:read"]}))
            .refuses_field("name");
        workspace.owner().post(&workspace.path("keys"), json!({})).refuses_field("name");
    });
}

#[test]
fn several_mistakes_are_named_at_once() {
    let workspace = workspace();
    let body = json!({"name": "", "scopes": ["no:such"], "expires_in_seconds": 0});
    let answer = workspace.owner().post(&workspace.path("keys"), body);
    answer.refuses_field("name").refuses_field("scopes").refuses_field("expires_in_seconds");
}

#[test]
fn nesting_without_end_is_refused_and_the_server_lives() {
    let workspace = workspace();
    let path = workspace.path("keys");
    workspace.unchanged_by(|| {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [200, 100_000] {
                let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                workspace.owner().post_raw(&path, nested.as_bytes()).refused(&[400, 422]);
                let inside =
                    format!(r#"{{"name":"ci","scopes":["products:read"],"metadata":{{"a":{nested}}}}}"#);
                workspace.owner().post_raw(&path, inside.as_bytes()).refused(&[400, 422]);
                let unclosed = open.repeat(depth);
                workspace.owner().post_raw(&path, unclosed.as_bytes()).refused(&[400, 422]);
            }
        }
    });
}

#[test]
fn the_other_bodies_are_read_as_strictly() {
    let workspace = workspace();
    let (owner, anonymous) = (workspace.owner(), shared("cveium").anonymous());
    for path in ["/api/v1/workspaces".to_owned(), workspace.path("invitations")] {
        owner.post_raw(&path, b"{").problem(400, "malformed_request");
        owner.post(&path, json!({"colour": "green"})).refuses_field("colour");
        owner.post(&path, json!({})).problem(422, "validation_failed");
    }
    for path in ["/api/v1/session", "/api/v1/invitations/accept"] {
        anonymous.post_raw(path, b"{").problem(400, "malformed_request");
        anonymous.post(path, json!({"colour": "green"})).refuses_field("colour");
        anonymous.post_raw(path, br#"{"email": "a@example.com", "email": "b@example.com"}"#).refused(&[422]);
    }
}

/// Every address that takes a body from somebody who is known.
fn taking_a_body(workspace: &Workspace<'_>) -> Vec<(&'static str, String)> {
    let (key, user) = ("key_00000000000000000000000000", "usr_00000000000000000000000000");
    vec![
        ("POST", "/api/v1/workspaces".to_owned()),
        ("PATCH", format!("/api/v1/{}", workspace.slug)),
        ("PUT", workspace.path("plan")),
        ("POST", workspace.path("invitations")),
        ("PATCH", workspace.path(&format!("members/{user}"))),
        ("POST", workspace.path("keys")),
        ("POST", workspace.path("keys/bulk-revoke")),
        ("PATCH", workspace.path(&format!("keys/{key}"))),
        ("PATCH", format!("/api/v1/me/keys/{key}")),
        ("POST", workspace.path(&format!("keys/{key}/revoke"))),
        ("POST", workspace.path(&format!("keys/{key}/rotate"))),
        ("POST", "/api/v1/me/keys".to_owned()),
        ("POST", "/api/v1/me/keys/bulk-revoke".to_owned()),
        ("POST", format!("/api/v1/me/keys/{key}/revoke")),
        ("POST", format!("/api/v1/me/keys/{key}/rotate")),
    ]
}

#[test]
fn a_stranger_hears_401_whatever_the_body_is() {
    let workspace = workspace();
    let stranger = shared("cveium").anonymous();
    for (method, path) in taking_a_body(&workspace) {
        for (content_type, body) in [
            (Some("application/json"), &b"{"[..]),
            (Some("application/json"), br#"{"colour": "green"}"#),
            (Some("application/json"), b"[]"),
            (Some("text/plain"), b"hello"),
            (None, b"hello"),
        ] {
            let answer = stranger.send(method, &path, content_type, body);
            assert_eq!(answer.status, 401, "{content_type:?} {answer}");
            answer.problem(401, "unauthenticated");
        }
    }
}

#[test]
fn a_stranger_is_answered_before_the_body_is_sent() {
    let workspace = workspace();
    for (method, path) in taking_a_body(&workspace) {
        for announced in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 {announced}\r\n\r\n"
            );
            let asked = Instant::now();
            let answer = shared("cveium").anonymous().raw(head.as_bytes());
            answer.problem(401, "unauthenticated");
            assert!(asked.elapsed() < Duration::from_secs(3), "{method} {path}: after {:?}", asked.elapsed());
        }
    }
}
