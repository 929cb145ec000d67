//! `/api/v1/{slug}/members`, `/api/v1/{slug}/invitations` and `/api/v1/invitations/accept`.

use keyward_tests::{Answer, Caller, Keyward, json, sha256, shared, unique};

const PASSWORD: &str = "another long passphrase";

fn accept(keyward: &Keyward, token: &str) -> Answer {
    let body = json!({"token": token, "name": "Bob", "password": PASSWORD});
    keyward.anonymous().post("/api/v1/invitations/accept", body)
}

#[test]
fn an_invitation_says_all_that_the_inviter_must_pass_on() {
    let workspace = shared("default").workspace();
    let email = format!("{}@example.com", unique("bob"));
    let invitation = workspace.invite(&email, "member");
    assert_eq!(invitation.body["email"], email.as_str());
    assert_eq!(invitation.body["role"], "member");
    assert_eq!(invitation.header("cache-control"), Some("no-store"));
    assert!(invitation.text_at("expires_at").ends_with('Z'));
    assert!(invitation.text_at("token").len() >= 32, "a token that can be guessed");
    assert!(invitation.text_at("url").contains(&invitation.text_at("token")), "{invitation}");
    assert!(!invitation.text_at("id").is_empty());
}

#[test]
fn an_invitation_is_accepted_once() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let email = format!("{}@example.com", unique("bob"));
    let token = workspace.invite(&email, "member").text_at("token");
    let accepted = accept(keyward, &token).expect(201);
    assert!(accepted.header("set-cookie").is_some(), "signed in: {accepted}");

    let again = accept(keyward, &token).refused(&[404, 409, 410, 422]);
    assert!(again.header("set-cookie").is_none(), "{again}");
    keyward.sign_in(&email, PASSWORD).get(&workspace.path("whoami")).expect(200);
}

#[test]
fn a_used_invitation_does_not_let_a_removed_member_back_in() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let email = format!("{}@example.com", unique("bob"));
    let token = workspace.invite(&email, "member").text_at("token");
    accept(keyward, &token).expect(201);
    let person = keyward.sign_in(&email, PASSWORD);
    workspace.remove(&person);
    accept(keyward, &token).refused(&[404, 409, 410, 422]);
    person.get(&workspace.path("whoami")).problem(404, "not_found");
}

#[test]
fn the_log_names_a_hundred_of_the_keys_that_somebody_leaves_behind_and_counts_all() {
    let workspace = shared("default").workspace();
    let admin = workspace.member("admin");
    let key = |n: u32| json!({"name": format!("k{n}"), "sha256": sha256(&unique("left")).1, "scopes": ["api:read"]});
    let keys: Vec<_> = (0..101).map(key).collect();
    admin.post(&workspace.path("keys/import"), json!({"keys": keys})).expect(201);
    workspace.remove(&admin);
    let log = workspace.owner().get(&workspace.path("audit?action=member.removed")).expect(200).items();
    let after = &log[0]["after"];
    assert_eq!(after["keys_left_without_owner"].as_array().map(Vec::len), Some(100), "{after}");
    assert_eq!(after["keys_left_without_owner_count"], 101, "{after}");
    assert!(workspace.keys().iter().all(|key| key["owner"].is_null()));
}

#[test]
fn a_wrong_token_is_refused() {
    let keyward = shared("default");
    let good =
        keyward.workspace().invite(&format!("{}@example.com", unique("bob")), "member").text_at("token");
    let altered = format!("{}{}", &good[..good.len() - 1], if good.ends_with('0') { '1' } else { '0' });
    for token in ["", "x", altered.as_str(), &"A".repeat(5000), "\u{0}"] {
        let answer = accept(keyward, token).refused(&[401, 404, 422]);
        assert!(answer.header("set-cookie").is_none(), "{answer}");
    }
    accept(keyward, &good).expect(201);
}

#[test]
fn a_password_must_be_worth_the_name() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let token = workspace.invite(&format!("{}@example.com", unique("bob")), "member").text_at("token");
    for password in ["", "short"] {
        let body = json!({"token": token, "name": "Bob", "password": password});
        keyward.anonymous().post("/api/v1/invitations/accept", body).refuses_field("password");
    }
    accept(keyward, &token).expect(201);
}

#[test]
fn an_account_that_exists_is_not_taken_over_by_an_invitation() {
    let keyward = shared("default");
    let (first, second) = (keyward.workspace(), keyward.workspace());
    let victim = first.member("member");
    let token = second.invite(&victim.email, "member").text_at("token");
    let body = json!({"token": token, "name": "Mallory", "password": "a passphrase of somebody else"});
    let refused = keyward.anonymous().post("/api/v1/invitations/accept", body);
    refused.refused(&[401, 403, 409, 422]);
    keyward.sign_in(&victim.email, &victim.password).get(&first.path("whoami")).expect(200);
    second.join(&victim, "member").get(&second.path("whoami")).expect(200);
}

#[test]
fn a_bad_invitation_is_refused() {
    let workspace = shared("default").workspace();
    let invite = |email: &str, role: &str| {
        workspace.owner().post(&workspace.path("invitations"), json!({"email": email, "role": role}))
    };
    for email in
        ["", "bob", "bob@", "@example.com", "bob\n@example.com", "bob\u{0}@example.com", "a b@example.com"]
    {
        invite(email, "member").refuses_field("email");
    }
    for role in ["", "emperor", "MEMBER", "member\u{0}"] {
        invite("bob@example.com", role).refuses_field("role");
    }
}

#[test]
fn a_plain_member_neither_invites_nor_removes() {
    for (profile, role) in
        [("cysmiq", "member"), ("cveium", "member"), ("cerby", "user"), ("default", "viewer")]
    {
        let workspace = shared(profile).workspace();
        let (person, other) = (workspace.member(role), workspace.member(role));
        let body = json!({"email": "eve@example.com", "role": role});
        person.post(&workspace.path("invitations"), body).problem(403, "forbidden");
        let id = other.id_in(&workspace.slug);
        person.delete(&workspace.path(&format!("members/{id}"))).problem(403, "forbidden");
        other.get(&workspace.path("whoami")).expect(200);
    }
}

#[test]
fn nobody_invites_to_a_role_above_their_own() {
    let workspace = shared("default").workspace();
    let admin = workspace.member("admin");
    let body = json!({"email": "eve@example.com", "role": "owner"});
    admin.post(&workspace.path("invitations"), body).problem(403, "forbidden");
}

#[test]
fn the_members_are_listed_with_their_roles_and_a_key_is_none_of_them() {
    let workspace = shared("cveium").workspace();
    let admin = workspace.member("admin");
    workspace.key_with(&["products:read"]);
    let members = workspace.owner().get(&workspace.path("members")).expect(200).items();
    let mut roles: Vec<&str> = members.iter().filter_map(|member| member["role"].as_str()).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["admin", "owner"]);
    assert!(members.iter().any(|member| member["email"] == admin.email.as_str()), "{members:?}");
}

#[test]
fn a_removed_member_is_out_at_once_with_their_personal_keys() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let body = json!({"name": "laptop", "scopes": ["vulnerabilities:read"]});
    let key = workspace.personal_key(&person, body);
    let question = json!({"key": key.secret, "workspace": workspace.slug});
    assert_eq!(keyward.verify(question.clone())["code"], "valid");

    workspace.remove(&person);
    assert_eq!(keyward.verify(question)["code"], "workspace_mismatch");
    person.get(&workspace.path("whoami")).problem(404, "not_found");
    person.get("/api/v1/me").expect(200);
    let kept = person.get("/api/v1/me/keys").expect(200).items();
    assert_eq!(kept.len(), 1, "the key is theirs still");
}

#[test]
fn the_last_of_the_first_role_cannot_be_removed() {
    let workspace = shared("default").workspace();
    let owner_id = workspace.owner().id_in(&workspace.slug);
    let path = workspace.path(&format!("members/{owner_id}"));
    workspace.owner().delete(&path).problem(409, "conflict");
    workspace.owner().get(&workspace.path("whoami")).expect(200);
}

#[test]
fn removing_nobody_is_not_found() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let elsewhere = keyward.workspace();
    let stranger = elsewhere.member("member").id_in(&elsewhere.slug);
    for id in [stranger.as_str(), "usr_00000000000000000000000000", "nonsense"] {
        workspace.owner().delete(&workspace.path(&format!("members/{id}"))).problem(404, "not_found");
    }
}

#[test]
fn a_members_role_is_changed_only_from_the_version_that_if_match_names() {
    let workspace = shared("default").workspace();
    let person = workspace.member("member");
    let path = workspace.path(&format!("members/{}", person.id_in(&workspace.slug)));
    let give = |caller: &Caller, role: &str| caller.send_json("PATCH", &path, &json!({"role": role}));
    let owner = workspace.owner();
    let viewer = give(owner, "viewer").expect(200).header("etag").expect("an ETag").to_owned();
    for stale in ["\"nonsense\"", "\"\"", &format!("W/{viewer}")] {
        give(&owner.with("If-Match", stale), "admin").problem(412, "precondition_failed");
    }
    let promoted = give(&owner.with("If-Match", &viewer), "admin").expect(200);
    assert_eq!(promoted.body["role"], "admin");
    assert!(promoted.header("etag").is_some_and(|etag| etag != viewer), "{promoted}");
    give(&owner.with("If-Match", &viewer), "member").problem(412, "precondition_failed");
    give(&owner.with("If-Match", "*"), "member").expect(200);
}
