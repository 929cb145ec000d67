//! Limits of plans, and what a change of plan does to what is there already.

use keyward_tests::{Answer, Value, json, unique};

use super::{a_key, code_in, key_of, keyward, plan_of, workspace_on};

/// Asserts a refusal for the plan's sake that says all of this, and nothing of that.
#[track_caller]
fn refused_for_the_plan(answer: Answer, says: &[&str], says_not: &[&str]) {
    let detail = answer.problem(403, "plan_required").text_at("detail");
    for words in says {
        assert!(detail.contains(words), "no {words:?}: {detail}");
    }
    for words in says_not {
        assert!(!detail.contains(words), "{words:?}: {detail}");
    }
}

/// The `items` of all keys but for their use, which an earlier question may still be on its way to change.
fn all_keys(workspace: &keyward_tests::Workspace<'_>) -> Vec<Value> {
    let mut keys = workspace.keys();
    for key in keys.iter_mut().filter_map(Value::as_object_mut) {
        key.retain(|field, _| !field.starts_with("last_used"));
    }
    keys
}

#[test]
fn a_plan_without_keys_names_all_that_have_them() {
    let workspace = workspace_on("starter");
    let refused = workspace.owner().post(&workspace.path("keys"), a_key());
    let says = ["Starter plan", "Team or Pro has them", "Settings → Billing"];
    refused_for_the_plan(refused, &says, &[]);
}

#[test]
fn the_number_of_keys_is_limited_and_the_refusal_names_the_plan_that_allows_more() {
    let workspace = workspace_on("team");
    let (first, _) = (key_of(&workspace), key_of(&workspace));
    let create = || workspace.owner().post(&workspace.path("keys"), a_key());
    let says = [
        "Team plan",
        "allows 2 live keys, and 2 are in use",
        "Revoke 1",
        "Pro allows more",
        "Settings → Billing",
    ];
    refused_for_the_plan(create(), &says, &["Starter", "Team or"]);

    workspace.revoke(&first);
    create().expect(201);
    refused_for_the_plan(create(), &says, &[]);
    // Personal keys are their owner's, and are not counted.
    workspace.personal_key(workspace.owner(), a_key());

    workspace.set_plan("pro");
    create().expect(201);
    refused_for_the_plan(create(), &["no plan of Parcels allows more", "Revoke 1"], &["Settings", "Upgrade"]);
}

#[test]
fn below_its_keys_after_a_downgrade_a_workspace_keeps_them_and_makes_no_new_ones() {
    let workspace = workspace_on("pro");
    let keys = [key_of(&workspace), key_of(&workspace), key_of(&workspace)];
    let before = all_keys(&workspace);
    workspace.set_plan("team");

    assert_eq!(all_keys(&workspace), before, "nothing is deleted");
    for key in &keys {
        assert_eq!(code_in(&workspace, key), "valid");
        keyward().with_key(&key.secret).get(&workspace.path("whoami")).expect(200);
    }
    let plan = workspace.owner().get(&workspace.path("plan")).expect(200).body;
    assert_eq!((&plan["usage"]["keys"], &plan["keys_max"]), (&json!(3), &json!(2)));
    let create = || workspace.owner().post(&workspace.path("keys"), a_key());
    // Pro has no room for a fourth either.
    refused_for_the_plan(create(), &["3 are in use", "Revoke 2", "no plan of Parcels allows more"], &[]);
    workspace.revoke(&keys[0]);
    refused_for_the_plan(create(), &["2 are in use", "Revoke 1", "Pro allows more"], &[]);
    workspace.revoke(&keys[1]);
    create().expect(201);
}

#[test]
fn settled_8_after_a_downgrade_keys_stop_on_both_planes_and_after_an_upgrade_they_work_again() {
    let workspace = workspace_on("team");
    let owner = workspace.owner();
    let of_workspace = key_of(&workspace);
    let of_person = workspace.personal_key(
        owner,
        json!({"name": unique("key"), "scopes": ["parcels:read"], "workspaces": [workspace.slug]}),
    );
    let whoami = workspace.path("whoami");
    let parcels = format!("/{}/parcels", workspace.slug);
    let before = all_keys(&workspace);
    for (plan, works) in
        [("team", true), ("starter", false), ("pro", true), ("starter", false), ("team", true)]
    {
        workspace.set_plan(plan);
        for key in [&of_workspace, &of_person] {
            let on_control_plane = keyward().with_key(&key.secret).get(&whoami);
            let at_gateway = keyward().authorize(&key.secret, "GET", &parcels);
            if works {
                assert_eq!(code_in(&workspace, key), "valid", "{plan}");
                on_control_plane.expect(200);
                at_gateway.expect(200);
            } else {
                assert_eq!(code_in(&workspace, key), "plan_required", "{plan}");
                refused_for_the_plan(on_control_plane, &["Team or Pro has them", "Settings → Billing"], &[]);
                at_gateway.problem(403, "plan_required");
            }
        }
        assert_eq!(all_keys(&workspace), before, "nothing is deleted on {plan}");
    }
}

#[test]
fn seats_are_people_and_promises_alone_and_the_refusal_names_the_plan_that_has_more() {
    let workspace = workspace_on("team");
    // Each is backed by a service account.
    let (_, _) = (key_of(&workspace), key_of(&workspace));
    let invite = || {
        let body = json!({"email": format!("{}@example.com", unique("bob")), "role": "clerk"});
        workspace.owner().post(&workspace.path("invitations"), body)
    };
    let usage = || workspace.owner().get(&workspace.path("plan")).expect(200).body["usage"].clone();
    assert_eq!(usage(), json!({"keys": 2, "seats": 1}));
    let email = format!("{}@example.com", unique("bob"));
    let open = workspace.invite(&email, "clerk").text_at("token");
    refused_for_the_plan(
        invite(),
        &[
            "Team plan",
            "2 seats",
            "2 are taken, 1 of them by open invitations",
            "Pro has more",
            "Settings → Billing",
        ],
        &["Starter"],
    );
    let accept = json!({"token": open, "name": "Bob", "password": "another long passphrase"});
    keyward().anonymous().post("/api/v1/invitations/accept", accept).expect(201);
    assert_eq!(usage(), json!({"keys": 2, "seats": 2}));
    refused_for_the_plan(invite(), &["2 are taken; Pro has more"], &["open invitations"]);

    workspace.set_plan("pro");
    let third = workspace.member("clerk");
    refused_for_the_plan(invite(), &["no plan of Parcels has more"], &["Settings", "Upgrade"]);
    workspace.remove(&third);
    invite().expect(201);
}

#[test]
fn below_its_members_after_a_downgrade_a_workspace_keeps_them_and_takes_no_new_ones() {
    let workspace = workspace_on("pro");
    let bob = workspace.member("clerk");
    let carol = format!("{}@example.com", unique("carol"));
    let open = workspace.invite(&carol, "clerk").text_at("token");
    workspace.set_plan("team");

    let accept = || {
        let body = json!({"token": open, "name": "Carol", "password": "another long passphrase"});
        keyward().anonymous().post("/api/v1/invitations/accept", body)
    };
    refused_for_the_plan(accept(), &["2 seats", "2 are taken; Pro has more"], &[]);
    bob.get(&workspace.path("whoami")).expect(200);
    workspace.set_plan("pro");
    accept().expect(201);
    workspace.set_plan("team");
    let plan = workspace.owner().get(&workspace.path("plan")).expect(200).body;
    assert_eq!((&plan["usage"]["seats"], &plan["seats_max"]), (&json!(3), &json!(2)));
    bob.get(&workspace.path("whoami")).expect(200);
}

#[test]
fn the_plan_is_shown_with_its_limits_to_everybody_there_and_to_the_operator() {
    let workspace = workspace_on("team");
    let key = key_of(&workspace);
    let clerk = workspace.member("clerk");
    let expected = json!({
        "plan": "team", "title": "Team", "api_keys": true, "keys_max": 2, "seats_max": 2, "requests_per_minute": null,
        "usage": {"keys": 1, "seats": 2},
    });
    let path = workspace.path("plan");
    for answer in [
        workspace.owner().get(&path),
        clerk.get(&path),
        keyward().with_key(&key.secret).get(&path),
        keyward().operator().get(&path),
        keyward().operator().put(&path, json!({"plan": "team"})),
    ] {
        assert_eq!(answer.expect(200).body, expected);
    }
    let stranger = workspace_on("team").member("clerk");
    stranger.get(&path).problem(404, "not_found");
    assert_eq!(plan_of(&workspace), "team");
}
