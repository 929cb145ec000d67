use std::time::{Duration, Instant};

use keyward_tests::{json, shared};

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
}

#[test]
fn headers_beyond_measure_are_431() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let whoami = workspace.path("whoami");
    let owner = workspace.owner();
    owner.with("X-Padding", &"x".repeat(64 * 1024)).get(&whoami).problem(431, "headers_too_large");
    let mut many = (**owner).clone();
    for number in 0..1_100 {
        many = many.with(&format!("X-Header-{number}"), "x");
    }
    assert_eq!(many.get(&whoami).status, 431);
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
