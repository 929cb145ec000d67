use std::time::{Duration, Instant};

use keyward_tests::{Caller, json, shared};

const MIB: usize = 1024 * 1024;

/// A good creation, made larger by white space, which JSON allows anywhere.
fn body_of(bytes: usize) -> Vec<u8> {
    let mut body = json!({"name": "ci", "scopes": ["products:read"]}).to_string().into_bytes();
    body.resize(bytes, b' ');
    body
}

#[test]
fn a_body_of_1_mib_is_read_and_one_byte_more_is_413() {
    let workspace = shared("cveium").workspace();
    let path = workspace.path("keys");
    workspace.owner().post_raw(&path, &body_of(MIB)).expect(201);
    workspace.unchanged_by(|| {
        workspace.owner().post_raw(&path, &body_of(MIB + 1)).problem(413, "payload_too_large");
        workspace.owner().post_raw(&path, &body_of(3 * MIB)).problem(413, "payload_too_large");
    });
}

/// As much of one body as fits, of that element.
fn full_of(field: &str, element: &str) -> Vec<u8> {
    let (start, end) = (format!(r#"{{"name":"ci","{field}":["#), "]}");
    let count = (MIB - start.len() - end.len()) / (element.len() + 1);
    format!("{start}{}{end}", vec![element; count].join(",")).into_bytes()
}

#[test]
fn a_body_full_of_mistakes_is_answered_quickly_and_briefly() {
    let workspace = shared("cveium").workspace();
    workspace.unchanged_by(|| {
        for (field, element) in [
            ("scopes", r#""""#),
            ("scopes", r#""products:read""#),
            ("rules", r#"{"action":"","resources":[]}"#),
            ("allowed_cidrs", r#""""#),
        ] {
            let asked = Instant::now();
            let answer = workspace.owner().post_raw(&workspace.path("keys"), &full_of(field, element));
            let took = asked.elapsed();
            let length = answer.whole().len();
            answer.refuses_field(field);
            assert!(length < 64 * 1024, "{field}: {length} bytes");
            assert!(took < Duration::from_secs(3), "{field}: {took:?}");
        }
    });
}

#[test]
fn of_many_mistakes_within_the_bounds_only_the_first_are_told() {
    let workspace = shared("cveium").workspace();
    let body = json!({"name": "ci", "scopes": vec!["no:such"; 256]});
    let answer = workspace.owner().post(&workspace.path("keys"), body).refuses_field("scopes");
    let told = answer.body["errors"].as_array().expect("errors").len();
    assert!((1..=64).contains(&told), "{told} complaints");
}

#[test]
fn a_body_in_chunks_has_the_same_limit() {
    let workspace = shared("cveium").workspace();
    let path = workspace.path("keys");
    workspace.owner().post_chunked(&path, &body_of(MIB)).expect(201);
    workspace.unchanged_by(|| {
        workspace.owner().post_chunked(&path, &body_of(MIB + 1)).problem(413, "payload_too_large");
    });
}

#[test]
fn a_length_that_is_announced_but_never_sent_is_413_at_once() {
    let workspace = shared("cveium").workspace();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: 99999999999\r\n\r\n{{",
        "/api/v1/session"
    );
    let asked = Instant::now();
    let answer = shared("cveium").anonymous().raw(request.as_bytes());
    answer.problem(413, "payload_too_large");
    assert!(asked.elapsed() < Duration::from_secs(5), "answered after {:?}", asked.elapsed());
    assert_eq!(workspace.keys().len(), 0);
}

#[test]
fn the_data_plane_has_limits_too() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let mut body = json!({"key": key.secret}).to_string().into_bytes();
    body.resize(MIB + 1, b' ');
    keyward.data().post_raw("/v1/verify", &body).problem(413, "payload_too_large");
    let huge = keyward.data().with("X-Padding", &"x".repeat(64 * 1024));
    huge.post("/v1/verify", json!({"key": key.secret})).problem(431, "headers_too_large");
    // A gateway understands few statuses, and 431 is none of them.
    huge.bearer(&key.secret).get("/v1/authorize?scope=products:read").problem(403, "forbidden");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    let asked = "/v1/authorize?scope=products:read";
    let gateway = keyward.data().bearer(&key.secret);
    with_headers(&gateway, 100).get(asked).expect(200);
    assert_eq!(with_headers(&gateway, 140).get(asked).status, 431);
}

/// The same caller with so many headers more.
fn with_headers(caller: &Caller, count: usize) -> Caller {
    (0..count).fold(caller.clone(), |caller, number| caller.with(&format!("X-Header-{number}"), "x"))
}

#[test]
fn headers_beyond_measure_are_431() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let whoami = workspace.path("whoami");
    let owner = workspace.owner();
    owner.with("X-Padding", &"x".repeat(64 * 1024)).get(&whoami).problem(431, "headers_too_large");
    assert_eq!(with_headers(owner, 140).get(&whoami).status, 431);
    with_headers(owner, 100).get(&whoami).expect(200);
    assert_eq!(owner.with("X-Padding", &"x".repeat(2 * MIB)).get(&whoami).status, 431);
    workspace.unchanged_by(|| {
        let padded = owner.with("X-Padding", &"x".repeat(64 * 1024));
        let body = json!({"name": "ci", "scopes": ["products:read"]});
        padded.post(&workspace.path("keys"), body).problem(431, "headers_too_large");
    });
}

#[test]
fn an_address_beyond_measure_is_refused() {
    let keyward = shared("cveium");
    let long = format!("/api/v1/{}/keys", "a".repeat(20_000));
    let answer = keyward.owner().get(&long);
    assert!(matches!(answer.status, 404 | 414 | 431), "{answer}");
}
