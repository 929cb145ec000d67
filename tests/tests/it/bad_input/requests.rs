use keyward_tests::{json, shared};

#[test]
fn a_wrong_method_is_405_and_says_which_are_allowed() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let keys = workspace.path("keys");
    for method in ["PUT", "DELETE", "PATCH", "BREW"] {
        let refused =
            workspace.owner().send_json(method, &keys, &json!({})).problem(405, "method_not_allowed");
        let allow = refused.header("allow").expect("an Allow header");
        let allowed: Vec<&str> = allow.split(',').map(str::trim).collect();
        assert!(allowed.contains(&"GET") && allowed.contains(&"POST"), "{allow}");
        assert!(!allowed.contains(&method), "{allow}");
    }
    let verify = keyward.data().get("/v1/verify").problem(405, "method_not_allowed");
    assert_eq!(verify.header("allow"), Some("POST"));
    let session = keyward.anonymous().send_json("PUT", "/api/v1/session", &json!({}));
    assert!(session.problem(405, "method_not_allowed").header("allow").is_some());
}

#[test]
fn a_wrong_type_of_body_is_415() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let keys = workspace.path("keys");
    let body = json!({"name": "ci", "scopes": ["products:read"]}).to_string();
    workspace.unchanged_by(|| {
        for content_type in [
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("application/jsonp"),
            Some("application"),
            Some("application/json; charset=latin-1"),
            Some("application/json;charset=\"utf-16\""),
            Some(""),
            None,
        ] {
            let answer = workspace.owner().send("POST", &keys, content_type, body.as_bytes());
            answer.problem(415, "unsupported_media_type");
        }
        let verify = keyward.data().send("POST", "/v1/verify", Some("text/plain"), b"{\"key\": \"x\"}");
        verify.problem(415, "unsupported_media_type");
        let sign_in = keyward.anonymous().send("POST", "/api/v1/session", Some("text/plain"), b"{}");
        sign_in.problem(415, "unsupported_media_type");
    });
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        workspace.owner().send("POST", &keys, Some(content_type), body.as_bytes()).expect(201);
    }
}

#[test]
fn a_body_that_is_compressed_is_415_also_if_it_is_not() {
    let workspace = shared("cveium").workspace();
    let keys = workspace.path("keys");
    let body = json!({"name": "ci", "scopes": ["products:read"]});
    workspace.unchanged_by(|| {
        for coding in ["gzip", "br", "deflate", "identity, gzip"] {
            let compressed = workspace.owner().with("Content-Encoding", coding);
            compressed.post(&keys, body.clone()).problem(415, "unsupported_media_type");
        }
    });
    workspace.owner().with("Content-Encoding", "identity").post(&keys, body).expect(201);
}

#[test]
fn an_address_that_leads_nowhere_is_404_for_everybody() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    for path in [
        "/nowhere",
        "/api/v1",
        "/api/v2/acme/keys",
        "/api/v1/acme/nowhere",
        "/api/v1//keys",
        "/api/v1/acme/keys/",
        "/api/v1/%00/keys",
        "/api/v1/%2e%2e/keys",
        "/api/v1/ACME/keys",
        "/api/v1/acme%2Fkeys",
        "/api/v1/%ff%fe/keys",
        "/api/v1/💥/keys",
    ] {
        let path = path.replace('💥', "%F0%9F%92%A5");
        workspace.owner().get(&path).problem(404, "not_found");
    }
    keyward.data().get("/nowhere").problem(404, "not_found");
    keyward.data().get("/api/v1/acme/keys").problem(404, "not_found");
    keyward.anonymous().get("/metrics").problem(404, "not_found");
}

#[test]
fn what_is_no_http_is_answered_or_dropped_and_the_server_lives() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    for bytes in [
        &b"\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Null: a\0b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nNo-Colon\r\n\r\n",
        b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        for listener in [keyward.anonymous(), keyward.data()] {
            if let Some(answer) = listener.try_raw_and_close(bytes) {
                assert!((400..500).contains(&answer.status), "{answer}");
            }
        }
    }
    // Before the key is used: when it was is written a moment later.
    assert_eq!(workspace.keys(), [workspace.get_key(&key.id).body]);
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn a_request_id_of_the_callers_is_not_believed_blindly() {
    let keyward = shared("cveium");
    let caller = keyward.anonymous().with("X-Request-Id", "x\" onload=\"alert(1)");
    let answer = caller.get("/livez").expect(200);
    assert!(!answer.header("x-request-id").is_some_and(|id| id.contains('"')), "{answer}");
}
