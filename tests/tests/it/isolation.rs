//! What lies in another workspace looks exactly like what does not exist.

use keyward_tests::{Caller, Value, Workspace, json, shared};

/// Every address of a workspace, with the method and body that would mean something to its own people.
fn requests(key_id: &str, user_id: &str) -> Vec<(&'static str, String, Option<Value>)> {
    vec![
        ("GET", String::new(), None),
        ("GET", "/keys".to_owned(), None),
        ("POST", "/keys".to_owned(), Some(json!({"name": "intruder", "scopes": ["products:read"]}))),
        ("GET", format!("/keys/{key_id}"), None),
        ("DELETE", format!("/keys/{key_id}"), None),
        ("POST", format!("/keys/{key_id}/revoke"), Some(json!({}))),
        ("GET", "/whoami".to_owned(), None),
        ("GET", "/scopes".to_owned(), None),
        ("GET", "/members".to_owned(), None),
        ("DELETE", format!("/members/{user_id}"), None),
        ("POST", "/invitations".to_owned(), Some(json!({"email": "eve@example.com", "role": "owner"}))),
        ("GET", "/plan".to_owned(), None),
    ]
}

#[track_caller]
fn looks_like_nothing(caller: &Caller, theirs: &Workspace<'_>, key_id: &str, user_id: &str) {
    for (method, rest, body) in requests(key_id, user_id) {
        let ask = |slug: &str| {
            let path = format!("/api/v1/{slug}{rest}");
            caller.try_send(method, &path, body.as_ref()).expect("an answer").problem(404, "not_found")
        };
        let (foreign, nothing) = (ask(&theirs.slug), ask("nosuchws"));
        assert_eq!(foreign.body_to_compare(), nothing.body_to_compare(), "{method} …{rest}");
        let names = |answer: &keyward_tests::Answer| -> Vec<String> {
            answer.headers.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&foreign), names(&nothing), "{method} …{rest}");
    }
}

#[test]
fn another_workspace_answers_as_one_that_does_not_exist() {
    let keyward = shared("cveium");
    let (theirs, ours) = (keyward.workspace(), keyward.workspace());
    let their_key = theirs.key_with(&["products:read"]);
    let their_owner = theirs.owner().id_in(&theirs.slug);
    let (admin, our_key) = (ours.member("owner"), ours.key_with(&["audit:read"]));
    theirs.unchanged_by(|| {
        looks_like_nothing(&admin, &theirs, &their_key.id, &their_owner);
        looks_like_nothing(&keyward.with_key(&our_key.secret), &theirs, &their_key.id, &their_owner);
    });
    assert_eq!(keyward.verify_code(&their_key.secret), "valid");
}

#[test]
fn a_key_of_another_workspace_is_not_found_under_ones_own_slug() {
    let keyward = shared("cveium");
    let (theirs, ours) = (keyward.workspace(), keyward.workspace());
    let their_key = theirs.key_with(&["products:read"]);
    let admin = ours.member("owner");
    theirs.unchanged_by(|| {
        for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/revoke")] {
            let ask = |id: &str| {
                let path = ours.path(&format!("keys/{id}{rest}"));
                let body = (method == "POST").then(|| json!({}));
                admin.try_send(method, &path, body.as_ref()).expect("an answer").problem(404, "not_found")
            };
            let nothing = ask(&format!("key_{}", "0".repeat(26)));
            assert_eq!(ask(&their_key.id).body_to_compare(), nothing.body_to_compare(), "{method} {rest}");
        }
    });
}

#[test]
fn without_any_identity_every_workspace_looks_the_same() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    for (method, rest, body) in requests("key_00000000000000000000000000", "usr_00000000000000000000000000") {
        let ask = |slug: &str| {
            let path = format!("/api/v1/{slug}{rest}");
            keyward.anonymous().try_send(method, &path, body.as_ref()).expect("an answer")
        };
        let (real, nothing) = (ask(&workspace.slug), ask("nosuchws"));
        let real = real.problem(401, "unauthenticated");
        assert_eq!(real.body_to_compare(), nothing.problem(401, "unauthenticated").body_to_compare());
    }
}

#[test]
fn a_personal_key_of_a_stranger_reaches_nothing() {
    let keyward = shared("cysmiq");
    let (theirs, ours) = (keyward.workspace(), keyward.workspace());
    let person = ours.member("member");
    let body = json!({"name": "laptop", "scopes": ["vulnerabilities:read"]});
    let key = ours.personal_key(&person, body);
    let caller = keyward.with_key(&key.secret);
    for rest in ["whoami", "keys", "members", "scopes"] {
        caller.get(&theirs.path(rest)).problem(404, "not_found");
    }
    let asked = keyward.verify(json!({"key": key.secret, "workspace": theirs.slug}));
    assert_eq!(asked["code"], "workspace_mismatch");
    assert_eq!(asked["workspace"], json!(null), "nothing of the workspace is told: {asked}");
}
