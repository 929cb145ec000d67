//! `Idempotency-Key`: a POST that is sent again is answered again, and not carried out again.

use std::sync::{Arc, Barrier};

use keyward_tests::{Answer, Caller, Keyward, Value, Workspace, json, shared, unique};

/// The caller, sending that key with each request.
fn under(caller: &Caller, key: &str) -> Caller {
    caller.with("Idempotency-Key", key)
}

fn new_key() -> Value {
    json!({"name": unique("ci"), "scopes": ["products:read"]})
}

/// Asserts that the second answer is the first one, given again: all of it but for what was secret.
#[track_caller]
fn assert_given_again(first: &Answer, second: &Answer, secrets: &[&str]) {
    assert_eq!(first.header("idempotency-replayed"), None, "{first}");
    assert_eq!(second.header("idempotency-replayed"), Some("true"), "{second}");
    assert_eq!(second.status, first.status, "{second}");
    for header in ["etag", "location", "content-type", "cache-control"] {
        assert_eq!(second.header(header), first.header(header), "{header}: {second}");
    }
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"), "{second}");
    let mut expected = first.body.clone();
    for name in secrets {
        assert!(first.body[name].is_string(), "no {name} the first time: {first}");
        expected[name] = Value::Null;
        expected["secret_already_shown"] = json!(true);
    }
    assert_eq!(second.body, expected);
}

#[test]
fn a_key_that_is_created_again_is_the_same_one_without_its_secret() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (owner, body) = (under(workspace.owner(), &unique("k")), new_key());
    let first = owner.post(&workspace.path("keys"), body.clone()).expect(201);
    for _ in 0..3 {
        assert_given_again(
            &first,
            &owner.post(&workspace.path("keys"), body.clone()).expect(201),
            &["secret"],
        );
    }
    assert_eq!(workspace.keys().len(), 1);
    assert_eq!(keyward.verify_code(&first.text_at("secret")), "valid");
}

#[test]
fn a_personal_key_too() {
    let workspace = shared("default").workspace();
    let (owner, key) = (workspace.owner(), unique("k"));
    let body = json!({"name": unique("mine"), "scopes": [workspace.first_scope()]});
    let [first, second] =
        [(), ()].map(|()| under(owner, &key).post("/api/v1/me/keys", body.clone()).expect(201));
    assert_given_again(&first, &second, &["secret"]);
    let search = format!("/api/v1/me/keys?search={}", body["name"].as_str().expect("a name"));
    assert_eq!(owner.get(&search).expect(200).items().len(), 1);
}

#[test]
fn a_key_is_rotated_once() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let path = workspace.path(&format!("keys/{}/rotate", key.id));
    let owner = under(workspace.owner(), &unique("k"));
    let [first, second] = [(), ()].map(|()| owner.post(&path, json!({"overlap_seconds": 600})).expect(200));
    assert_given_again(&first, &second, &["secret"]);
    // A second rotation would be refused while the first one is open: and is, under another key.
    under(workspace.owner(), &unique("k")).post(&path, json!({})).problem(409, "conflict");
    for secret in [&key.secret, &first.text_at("secret")] {
        assert_eq!(keyward.verify_code(secret), "valid");
    }
    // Without a body, and answered without a secret.
    let finish = workspace.path(&format!("keys/{}/rotate/finish", key.id));
    let owner = under(workspace.owner(), &unique("k"));
    let [first, second] = [(), ()].map(|()| owner.post_nothing(&finish).expect(200));
    assert_given_again(&first, &second, &[]);
}

#[test]
fn an_invitation_is_sent_once() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (owner, email) = (under(workspace.owner(), &unique("k")), format!("{}@example.com", unique("grace")));
    let body = json!({"email": email, "role": "member"});
    let [first, second] =
        [(), ()].map(|()| owner.post(&workspace.path("invitations"), body.clone()).expect(201));
    assert_given_again(&first, &second, &["token", "url"]);
    // A second invitation would have replaced the first.
    let accept =
        json!({"token": first.text_at("token"), "name": "Grace", "password": "a passphrase of hers"});
    keyward.anonymous().post("/api/v1/invitations/accept", accept).expect(201);
}

#[test]
fn a_workspace_is_made_once() {
    let keyward = shared("cveium");
    let owner = under(keyward.owner(), &unique("k"));
    let body = json!({"name": unique("Workspace")});
    let [first, second] = [(), ()].map(|()| owner.post("/api/v1/workspaces", body.clone()).expect(201));
    assert_given_again(&first, &second, &[]);
}

#[test]
fn keys_are_revoked_once_each_with_the_same_receipt() {
    let workspace = shared("cveium").workspace();
    let keys: Vec<_> = (0..3).map(|_| workspace.key_with(&["products:read"])).collect();
    let owner = under(workspace.owner(), &unique("k"));
    let body = json!({"ids": [keys[0].id, "nonsense", keys[1].id]});
    let path = workspace.path("keys/bulk-revoke");
    let [first, second] = [(), ()].map(|()| owner.post(&path, body.clone()).expect(200));
    assert_given_again(&first, &second, &[]);
    let path = workspace.path(&format!("keys/{}/revoke?wait=propagated", keys[2].id));
    let [first, second] = [(), ()].map(|()| owner.post_nothing(&path).expect(200));
    assert_given_again(&first, &second, &[]);
    assert!(workspace.keys().iter().all(|key| key["status"] == "revoked"));
    // Nothing is left to be done, and so nothing is written: that is an answer as well.
    let again = under(workspace.owner(), &unique("k"));
    let [first, second] =
        [(), ()].map(|()| again.post(&workspace.path("keys/bulk-revoke"), body.clone()).expect(200));
    assert_given_again(&first, &second, &[]);
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    let workspace = shared("cveium").workspace();
    let (owner, body) = (under(workspace.owner(), &unique("k")), new_key());
    owner.post(&workspace.path("keys"), body.clone()).expect(201);
    for other in [new_key(), json!({})] {
        owner.post(&workspace.path("keys"), other).refuses_field("Idempotency-Key");
    }
    owner.post(&workspace.path("keys?other=1"), body).refuses_field("other");
    assert_eq!(workspace.keys().len(), 1);
}

#[test]
fn the_same_key_is_another_one_for_another_actor_and_on_another_route() {
    let keyward = shared("cveium");
    let (workspace, other) = (keyward.workspace(), keyward.workspace());
    let (key, body) = (unique("k"), new_key());
    let admin = workspace.member("admin");
    let answers = [
        under(workspace.owner(), &key).post(&workspace.path("keys"), body.clone()).expect(201),
        under(&admin, &key).post(&workspace.path("keys"), body.clone()).expect(201),
        under(workspace.owner(), &key).post(&other.path("keys"), body.clone()).expect(201),
    ];
    let secrets: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.text_at("secret")).collect();
    assert_eq!(secrets.len(), 3);
    assert_eq!((workspace.keys().len(), other.keys().len()), (2, 1));
    // The actor counts, not the session.
    let same_person = keyward.sign_in(&workspace.owner().email, &workspace.owner().password);
    let again = under(&same_person, &key).post(&workspace.path("keys"), body);
    assert_given_again(&answers[0], &again, &["secret"]);
}

#[test]
fn what_was_refused_may_be_mended_under_the_same_key() {
    let workspace = shared("cveium").workspace();
    let owner = under(workspace.owner(), &unique("k"));
    let keys = workspace.path("keys");
    owner.post(&keys, json!({"name": "ci", "scopes": ["no:such"]})).refuses_field("scopes");
    owner.post_raw(&keys, b"{").problem(400, "malformed_request");
    owner.send("POST", &keys, Some("text/plain"), b"{}").problem(415, "unsupported_media_type");
    let body = new_key();
    let first = owner.post(&keys, body.clone()).expect(201);
    assert_given_again(&first, &owner.post(&keys, body).expect(201), &["secret"]);
}

#[test]
fn who_no_longer_reaches_the_workspace_gets_no_answer_of_it() {
    let workspace = shared("cveium").workspace();
    let (admin, key, body) = (workspace.member("admin"), unique("k"), new_key());
    let create = || under(&admin, &key).post(&workspace.path("keys"), body.clone());
    let first = create().expect(201);
    workspace.remove(&admin);
    create().problem(404, "not_found");
    workspace.join(&admin, "member");
    assert_given_again(&first, &create().expect(201), &["secret"]);
}

#[test]
fn of_many_at_once_one_is_carried_out() {
    let workspace = shared("cveium").workspace();
    for _ in 0..5 {
        let before = workspace.keys().len();
        let (owner, body) = (under(workspace.owner(), &unique("k")), new_key());
        let answers = all_at_once(&owner, &workspace, &body, 20);
        let firsts: Vec<_> = answers.iter().filter(|answer| answer.body["secret"].is_string()).collect();
        assert_eq!(firsts.len(), 1, "{firsts:?}");
        for answer in &answers {
            match answer.status {
                201 => assert_eq!(answer.body["id"], firsts[0].body["id"], "{answer}"),
                _ => drop(answer.clone().problem(409, "conflict")),
            }
        }
        assert_eq!(workspace.keys().len(), before + 1);
        assert_given_again(firsts[0], &owner.post(&workspace.path("keys"), body).expect(201), &["secret"]);
    }
}

fn all_at_once(caller: &Caller, workspace: &Workspace<'_>, body: &Value, count: usize) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(count));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|_| {
                let start = Arc::clone(&start);
                scope.spawn(move || {
                    start.wait();
                    caller.post(&workspace.path("keys"), body.clone())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    })
}

#[test]
fn an_answer_survives_a_restart_and_is_there_for_whoever_hung_up() {
    let mut keyward = Keyward::profile("cveium").start();
    let (key, body) = (unique("k"), new_key());
    let first = {
        let workspace = keyward.first_workspace();
        under(workspace.owner(), &key).post(&workspace.path("keys"), body.clone()).expect(201)
    };
    keyward.restart();
    let workspace = keyward.first_workspace();
    let again = under(workspace.owner(), &key).post(&workspace.path("keys"), body).expect(201);
    assert_given_again(&first, &again, &["secret"]);

    // Asked, and not waited for.
    for _ in 0..20 {
        let (owner, body) = (under(workspace.owner(), &unique("k")), new_key());
        hang_up(&owner, &workspace.path("keys"), &body);
        let id = keyward_tests::eventually(
            std::time::Duration::from_secs(5),
            || owner.post(&workspace.path("keys"), body.clone()),
            |answer| answer.status == 201,
        );
        let found = workspace
            .owner()
            .get(&workspace.path(&format!("keys?search={}", body["name"].as_str().expect("a name"))));
        assert_eq!(found.items().len(), 1, "{id}");
    }
}

/// Sends a request and goes away.
fn hang_up(caller: &Caller, path: &str, body: &Value) {
    use std::io::Write as _;
    let body = body.to_string();
    let headers: String = ["Cookie", "Sec-Fetch-Site", "Idempotency-Key"]
        .map(|name| format!("{name}: {}\r\n", caller.header(name).expect("a header")))
        .concat();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    caller.connect().write_all(request.as_bytes()).expect("it is sent");
}

#[test]
fn a_key_that_is_none_is_refused_by_name() {
    let workspace = shared("cveium").workspace();
    let (owner, keys) = (workspace.owner(), workspace.path("keys"));
    workspace.unchanged_by(|| {
        for bad in ["", "two words", "ключ", &"k".repeat(256)] {
            under(owner, bad).post(&keys, new_key()).refuses_field("Idempotency-Key");
        }
        under(&under(owner, "a"), "b").post(&keys, new_key()).refuses_field("Idempotency-Key");
    });
    under(owner, &format!("{:~<255}", unique("k"))).post(&keys, new_key()).expect(201);
}

#[test]
fn what_is_refused_without_the_header_is_refused_the_same_with_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let owner = workspace.owner();
    let (keys, elsewhere) = (workspace.path("keys"), "/api/v1/nosuchws/keys");
    let long = vec![b' '; 1024 * 1024 + 1];
    let callers = [
        keyward.anonymous(),
        keyward.with_key("cvk_none"),
        owner.without_proof_of_origin(),
        (*workspace.member("member")).clone(),
        (**owner).clone(),
    ];
    workspace.unchanged_by(|| {
        for caller in callers {
            // The last one may create keys, so only what is wrong in itself is asked.
            let asked: [(&str, &str, &[u8]); 6] = [
                ("POST", elsewhere, b"{\"name\":\"a\"}"),
                ("POST", &keys, b"{\"colour\":1}"),
                ("POST", &keys, b"{"),
                ("POST", &keys, &long),
                ("POST", "/api/v1/me", b"{}"),
                ("PUT", &keys, b"{}"),
            ];
            for (method, path, body) in asked {
                let without = caller.send(method, path, Some("application/json"), body);
                let with = under(&caller, &unique("k")).send(method, path, Some("application/json"), body);
                assert_eq!(with.status, without.status, "{with}");
                assert_eq!(with.body_to_compare(), without.body_to_compare());
                assert_eq!(with.header("www-authenticate"), without.header("www-authenticate"));
            }
        }
    });
}

#[test]
fn who_is_nobody_yet_has_no_keys() {
    let keyward = shared("cveium");
    let (ada, key) = (keyward.workspace().member("admin"), unique("k"));
    let body = json!({"email": ada.email, "password": ada.password});
    let arriving = under(&keyward.anonymous(), &key);
    for _ in 0..2 {
        let answer = arriving.post("/api/v1/session", body.clone()).expect(200);
        assert_eq!(answer.header("idempotency-replayed"), None);
        assert!(answer.header("set-cookie").is_some(), "each signs in anew");
    }
    // Also where a session is there already, which ends then.
    let both = under(&ada, &key).post("/api/v1/session", body).expect(200);
    assert!(both.header("set-cookie").is_some());
    arriving.post("/api/v1/session", json!({"email": ada.email, "password": "wrong"})).expect(401);
}

#[test]
fn other_methods_do_not_look_at_the_header() {
    let workspace = shared("cveium").workspace();
    let key = workspace.key_with(&["products:read"]);
    let (owner, path) = (under(workspace.owner(), &unique("k")), workspace.path(&format!("keys/{}", key.id)));
    for name in ["one", "two"] {
        assert_eq!(owner.send_json("PATCH", &path, &json!({"name": name})).expect(200).body["name"], name);
    }
    owner.get(&path).expect(200);
}
