//! People who may do nothing for a while: in a workspace (`PATCH …/members/{user_id}`), or anywhere
//! (`PATCH /api/v1/users/{user_id}`).

use keyward_tests::{json, shared};

#[test]
fn a_suspended_member_and_their_keys_do_nothing_in_that_workspace_and_go_on_in_others() {
    let keyward = shared("default");
    let (here, there) = (keyward.workspace(), keyward.workspace());
    let person = here.member("member");
    there.join(&person, "member");
    let key = here.personal_key(&person, json!({"name": "own", "scopes": ["api:read"]}));
    let ask = |slug: &str| keyward.verify(json!({"key": key.secret, "workspace": slug}))["code"].clone();
    let path = here.path(&format!("members/{}", person.id_in(&here.slug)));

    let suspended = here.owner().patch(&path, json!({"suspended": true})).expect(200);
    assert!(suspended.body["suspended_at"].is_string(), "{suspended}");
    assert_eq!((ask(&here.slug), ask(&there.slug)), (json!("workspace_mismatch"), json!("valid")));
    person.get(&here.path("whoami")).problem(404, "not_found");
    keyward.with_key(&key.secret).get(&here.path("whoami")).problem(404, "not_found");
    person.get(&there.path("whoami")).expect(200);
    assert!(!person.get("/api/v1/me").expect(200).text.contains(&here.slug));

    let resumed = here.owner().patch(&path, json!({"suspended": false})).expect(200);
    assert!(resumed.body["suspended_at"].is_null(), "{resumed}");
    assert_eq!((ask(&here.slug), ask(&there.slug)), (json!("valid"), json!("valid")));
    person.get(&here.path("whoami")).expect(200);
}

#[test]
fn nobody_suspends_themselves_the_last_owner_or_somebody_above_them() {
    let workspace = shared("default").workspace();
    let (admin, other) = (workspace.member("admin"), workspace.member("owner"));
    let of = |id: &str| workspace.path(&format!("members/{id}"));
    let owner = workspace.owner().id_in(&workspace.slug);
    admin.patch(&of(&owner), json!({"suspended": true})).problem(403, "forbidden");
    workspace.owner().patch(&of(&owner), json!({"suspended": true})).problem(409, "conflict");
    let other = of(&other.id_in(&workspace.slug));
    workspace.owner().patch(&other, json!({"suspended": true})).expect(200);
    // Who is suspended does not count as an owner who is left.
    workspace.owner().patch(&of(&owner), json!({"role": "admin"})).problem(409, "conflict");
    workspace.owner().patch(&other, json!({"suspended": false})).expect(200);
    workspace.owner().patch(&of(&owner), json!({"role": "admin"})).expect(200);
}

#[test]
fn a_member_is_edited_in_the_version_that_was_read_only() {
    let workspace = shared("default").workspace();
    let member = workspace.member("member");
    let path = workspace.path(&format!("members/{}", member.id_in(&workspace.slug)));
    let suspended = workspace.owner().patch(&path, json!({"suspended": true, "role": "viewer"})).expect(200);
    assert_eq!(suspended.body["role"], "viewer");
    let with = |tag: &str| workspace.owner().with("If-Match", tag);
    with("\"viewer\"").patch(&path, json!({"suspended": false})).problem(412, "precondition_failed");
    with(suspended.header("etag").unwrap()).patch(&path, json!({"suspended": false})).expect(200);
}

#[test]
fn the_operator_suspends_somebody_everywhere() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "own", "scopes": ["api:read"]}));
    let path = format!("/api/v1/users/{}", person.id_in(&workspace.slug));
    let suspended = keyward.operator().patch(&path, json!({"suspended": true})).expect(200);
    assert!(suspended.body["suspended_at"].is_string(), "{suspended}");
    assert_eq!(suspended.body["email"], person.email.as_str());
    person.get("/api/v1/me").problem(401, "unauthenticated");
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).problem(401, "invalid_key");
    assert_eq!(keyward.verify(json!({"key": key.secret}))["valid"], false);
    let sign_in = json!({"email": person.email, "password": person.password});
    keyward.anonymous().post("/api/v1/session", sign_in).refused(&[401]);

    keyward.operator().patch(&path, json!({"suspended": false})).expect(200);
    person.get("/api/v1/me").expect(200);
    assert_eq!(keyward.verify(json!({"key": key.secret}))["code"], "valid");
    assert!(keyward.operator().get(&path).expect(200).body["suspended_at"].is_null());
}

#[test]
fn only_the_operator_sees_and_suspends_people() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["api:read"]);
    let path = format!("/api/v1/users/{}", workspace.owner().id_in(&workspace.slug));
    keyward.anonymous().get(&path).problem(401, "unauthenticated");
    workspace.owner().get(&path).problem(403, "forbidden");
    workspace.owner().patch(&path, json!({"suspended": true})).problem(403, "forbidden");
    keyward.with_key(&key.secret).patch(&path, json!({"suspended": true})).problem(403, "forbidden");
    keyward.operator().get("/api/v1/users/usr_01ktbbgefxfaevzcbehh3z7cjz").problem(404, "not_found");
    keyward.operator().patch("/api/v1/users/nobody", json!({})).problem(404, "not_found");
}
