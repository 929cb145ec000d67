//! What an invitation is worth: only people make one, and it is worth what its maker may give when it is accepted.

use std::time::Duration;

use keyward_tests::{Answer, Keyward, Person, Workspace, eventually, json, shared, unique};

const PASSWORD: &str = "another long passphrase";

fn accept(keyward: &Keyward, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "name": "Bob", "password": password});
    keyward.anonymous().post("/api/v1/invitations/accept", body)
}

fn somebody_new() -> String {
    format!("{}@example.com", unique("eve"))
}

#[track_caller]
fn invite(workspace: &Workspace<'_>, by: &Person, email: &str, role: &str) -> String {
    let body = json!({"email": email, "role": role});
    by.post(&workspace.path("invitations"), body).expect(201).text_at("token")
}

#[track_caller]
fn change_role(workspace: &Workspace<'_>, person: &Person, role: &str) {
    let path = workspace.path(&format!("members/{}", person.id_in(&workspace.slug)));
    workspace.owner().send_json("PATCH", &path, &json!({"role": role})).expect(200);
}

#[track_caller]
fn worth_nothing(keyward: &Keyward, token: &str) {
    let refused = accept(keyward, token, PASSWORD).problem(404, "not_found");
    assert!(refused.header("set-cookie").is_none(), "{refused}");
}

#[test]
fn a_personal_key_invites_nobody_though_it_acts_with_the_role_of_an_owner() {
    let workspace = shared("cybrium").workspace();
    let key = workspace.any_key();
    let (path, body) = (workspace.path("invitations"), json!({"email": somebody_new(), "role": "viewer"}));
    shared("cybrium").with_key(&key.secret).post(&path, body.clone()).problem(403, "forbidden");
    workspace.owner().post(&path, body).expect(201);
}

#[test]
fn an_invitation_by_somebody_who_was_removed_is_worth_nothing() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let admin = workspace.member("admin");
    let tokens = ["admin", "viewer"].map(|role| invite(&workspace, &admin, &somebody_new(), role));
    let other = keyward.workspace().member("member");
    let to_an_account = invite(&workspace, &admin, &other.email, "member");
    let back_door = somebody_new();
    let to_themselves = invite(&workspace, &admin, &back_door, "admin");
    workspace.remove(&admin);
    for token in tokens.iter().chain([&to_an_account, &to_themselves]) {
        worth_nothing(keyward, token);
    }
    let credentials = json!({"email": back_door, "password": PASSWORD});
    keyward.anonymous().post("/api/v1/session", credentials).problem(401, "unauthenticated");
    other.get(&workspace.path("whoami")).problem(404, "not_found");
    assert_eq!(workspace.owner().get(&workspace.path("members")).expect(200).items().len(), 1);
}

#[test]
fn an_invitation_is_worth_what_its_maker_may_give_when_it_is_accepted() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let maker = workspace.member("owner");
    let invite = |role: &str| invite(&workspace, &maker, &somebody_new(), role);
    let [as_owner, as_admin, as_viewer, again_as_viewer] = ["owner", "admin", "viewer", "viewer"].map(invite);

    change_role(&workspace, &maker, "admin");
    worth_nothing(keyward, &as_owner);
    accept(keyward, &as_admin, PASSWORD).expect(201);

    change_role(&workspace, &maker, "member");
    worth_nothing(keyward, &as_viewer);
    change_role(&workspace, &maker, "admin");
    accept(keyward, &as_viewer, PASSWORD).expect(201);
    accept(keyward, &again_as_viewer, PASSWORD).expect(201);
}

#[test]
fn a_wrong_password_of_an_account_that_exists_is_401_and_does_not_use_the_invitation_up() {
    let keyward = shared("default");
    let (first, second) = (keyward.workspace(), keyward.workspace());
    let person = first.member("member");
    let token = second.invite(&person.email, "member").text_at("token");
    for wrong in ["a passphrase of somebody else", &"x".repeat(1000)] {
        let refused = accept(keyward, &token, wrong).problem(401, "unauthenticated");
        assert!(refused.header("set-cookie").is_none(), "{refused}");
    }
    // What could be no password is told before anybody looks whether there is an account.
    for wrong in ["", "short", &"x".repeat(5000)] {
        accept(keyward, &token, wrong).refuses_field("password");
    }
    person.get(&second.path("whoami")).problem(404, "not_found");
    accept(keyward, &token, &person.password).expect(201);
    person.get(&second.path("whoami")).expect(200);
}

#[test]
fn a_wrong_password_at_an_invitation_is_written_down_as_one_at_sign_in_is() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.first_workspace();
    let person = workspace.member("viewer");
    let token = keyward.workspace().invite(&person.email, "viewer").text_at("token");
    let [accepting, signing_in] = ["accepting-agent/1.0", "signing-in-agent/1.0"];
    let body = json!({"token": token, "name": "Bob", "password": "a passphrase of somebody else"});
    let guessing = keyward.anonymous().with("User-Agent", accepting);
    guessing.post("/api/v1/invitations/accept", body).problem(401, "unauthenticated");
    let body = json!({"email": person.email, "password": "a passphrase of somebody else"});
    let guessing = keyward.anonymous().with("User-Agent", signing_in);
    guessing.post("/api/v1/session", body).problem(401, "unauthenticated");
    // The audit log has no address yet. A refusal is kept with the program that was refused.
    for agent in [signing_in, accepting] {
        eventually(Duration::from_secs(5), || is_stored(&keyward, agent), |is_stored| *is_stored);
    }
}

fn is_stored(keyward: &Keyward, text: &str) -> bool {
    keyward.store_holds(text)
}

#[test]
fn an_open_invitation_is_listed_without_its_link_and_withdrawn() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("invitations"));
    let (email, other) = (somebody_new(), somebody_new());
    let token = invite(&workspace, owner, &email, "viewer");
    invite(&workspace, owner, &other, "member");
    let listed = owner.get(&path).expect(200);
    assert!(!listed.whole().contains(&token), "{listed}");
    let one = listed.items().into_iter().find(|item| item["email"] == email).expect("the invitation");
    let name = owner.get("/api/v1/me").expect(200).body["name"].clone();
    assert_eq!((&one["role"], &one["invited_by"]), (&json!("viewer"), &name));
    let part = owner.get(&format!("{path}?limit=1")).expect(200);
    let rest = owner.get(&format!("{path}?limit=1&cursor={}", part.text_at("next_cursor"))).expect(200);
    assert_ne!(part.items()[0]["id"], rest.items()[0]["id"]);
    let withdraw = format!("{path}/{}", one["id"].as_str().expect("an id"));
    workspace.member("viewer").delete(&withdraw).problem(403, "forbidden");
    owner.delete(&withdraw).expect(204);
    owner.delete(&withdraw).problem(404, "not_found");
    worth_nothing(keyward, &token);
    assert_eq!(owner.get(&path).expect(200).items().len(), 1);
    let log = owner.get(&workspace.path("audit?action=invitation.withdrawn")).expect(200);
    assert_eq!(log.items()[0]["before"]["email"], email.as_str(), "{log}");
}

#[test]
fn nobody_replaces_or_withdraws_an_invitation_that_gives_more_than_they_hold() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (owner, admin) = (workspace.owner(), workspace.member("admin"));
    let (email, path) = (somebody_new(), workspace.path("invitations"));
    let made = owner.post(&path, json!({"email": email, "role": "owner"})).expect(201);
    admin.post(&path, json!({"email": email, "role": "viewer"})).problem(403, "forbidden");
    admin.delete(&format!("{path}/{}", made.text_at("id"))).problem(403, "forbidden");
    accept(keyward, &made.text_at("token"), PASSWORD).expect(201);
    // What they may give themselves they may replace, whoever made it.
    let email = somebody_new();
    let first = invite(&workspace, owner, &email, "member");
    let second = invite(&workspace, &admin, &email, "viewer");
    worth_nothing(keyward, &first);
    accept(keyward, &second, PASSWORD).expect(201);
}
