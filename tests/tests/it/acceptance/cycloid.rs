use std::collections::BTreeSet;
use std::time::Duration;

use keyward_tests::{Key, Keyward, Value, Workspace, eventually, json, shared, unique};

/// A key of those rules, each an action with the resources that it is narrowed to.
#[track_caller]
fn with_policies(workspace: &Workspace<'_>, policies: &[(&str, &[&str])]) -> Key {
    let rules: Vec<Value> = policies
        .iter()
        .map(|(action, resources)| json!({"action": action, "resources": resources}))
        .collect();
    workspace.create_key(json!({"name": unique("automation"), "rules": rules}))
}

/// The status that a gateway gets for a request of the product's API in that workspace.
fn status(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key, method: &str, rest: &str) -> u16 {
    let uri = format!("/organizations/{}/{rest}", workspace.slug);
    let answer = keyward.authorize(&key.secret, method, &uri);
    if answer.status == 403 {
        answer.problem(403, "insufficient_scope").status
    } else {
        answer.expect(200).status
    }
}

#[test]
fn cyc_1_a_key_creates_a_project_triggers_a_pipeline_and_sends_events_with_permissions_of_its_own() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let calls = [
        ("POST", "projects", "organization:project:create"),
        ("POST", "pipelines/nightly/trigger", "organization:pipeline:trigger"),
        ("POST", "projects/shop/pipelines/nightly/trigger", "organization:pipeline:trigger"),
        ("POST", "events", "organization:event:create"),
    ];
    let actions: BTreeSet<&str> = calls.iter().map(|(_, _, action)| *action).collect();
    let automation =
        with_policies(&workspace, &actions.iter().map(|action| (*action, &[][..])).collect::<Vec<_>>());
    for (method, rest, action) in calls {
        assert_eq!(status(keyward, &workspace, &automation, method, rest), 200, "{rest}");
        assert_eq!(keyward.verify(json!({"key": automation.secret, "action": action}))["code"], "valid");
        // Each by its own permission and by no other.
        let others: Vec<_> =
            actions.iter().filter(|other| **other != action).map(|other| (*other, &[][..])).collect();
        let without = with_policies(&workspace, &others);
        assert_eq!(status(keyward, &workspace, &without, method, rest), 403, "{rest}");
        let asked = keyward.verify(json!({"key": without.secret, "action": action}));
        assert_eq!((&asked["code"], &asked["missing"]), (&json!("insufficient_scope"), &json!(action)));
    }
    for (method, rest) in
        [("GET", "projects"), ("DELETE", "projects/shop"), ("GET", "events"), ("POST", "credentials")]
    {
        assert_eq!(status(keyward, &workspace, &automation, method, rest), 403, "{method} {rest}");
    }
}

#[test]
fn cyc_2_create_takes_a_name_an_optional_description_and_policies_for_single_actions() {
    let workspace = shared("cycloid").workspace();
    let policies = [
        ("organization:project:create", "POST", "projects"),
        ("organization:credential:delete", "DELETE", "credentials/aws"),
        ("organization:role:read", "GET", "roles"),
    ];
    let rules: Vec<Value> =
        policies.iter().map(|(action, ..)| json!({"action": action, "resources": []})).collect();
    let body = json!({"name": "automation", "description": "Sets projects up", "rules": rules});
    let key = workspace.create_key(body).created.body;
    assert_eq!((&key["name"], &key["description"]), (&json!("automation"), &json!("Sets projects up")));
    assert_eq!((&key["rules"], &key["scopes"]), (&json!(rules), &json!([])));
    let without = workspace.create_key(json!({"name": "no description", "rules": rules}));
    assert_eq!(without.created.body["description"], json!(null));
    for (action, method, rest) in policies {
        let single = with_policies(&workspace, &[(action, &[])]);
        for (other, method_of_other, rest_of_other) in policies {
            let expected = if other == action { 200 } else { 403 };
            assert_eq!(
                status(shared("cycloid"), &workspace, &single, method_of_other, rest_of_other),
                expected
            );
        }
        assert_eq!(status(shared("cycloid"), &workspace, &without, method, rest), 200);
    }
    workspace.unchanged_by(|| {
        let none = json!({"name": "no policies", "rules": []});
        workspace.owner().post(&workspace.path("keys"), none).problem(422, "validation_failed");
        let nameless = json!({"rules": rules});
        workspace.owner().post(&workspace.path("keys"), nameless).refuses_field("name");
    });
}

#[test]
fn cyc_3_a_policy_narrowed_to_some_credentials_refuses_all_others_with_403() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let of = |canonical: &str| format!("organization:{}:credential:{canonical}", workspace.slug);
    let resources = [of("aws"), of("gcp")];
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    let key = with_policies(&workspace, &[("organization:credential:read", &resources)]);
    for (method, rest, expected) in [
        ("GET", "credentials/aws", 200),
        ("GET", "credentials/gcp", 200),
        ("GET", "credentials/azure", 403),
        ("GET", "credentials/aws2", 403),
        ("GET", "credentials/AWS", 403),
        // All of them at once is more than the two.
        ("GET", "credentials", 403),
        ("DELETE", "credentials/aws", 403),
        ("GET", "projects/aws", 403),
    ] {
        assert_eq!(status(keyward, &workspace, &key, method, rest), expected, "{method} {rest}");
    }
    let ask = |resource: Value| {
        let question =
            json!({"key": key.secret, "action": "organization:credential:read", "resource": resource});
        keyward.verify(question)["code"].clone()
    };
    assert_eq!(ask(json!(of("aws"))), "valid");
    assert_eq!(ask(json!(of("azure"))), "insufficient_scope");
    assert_eq!(ask(json!("organization:another:credential:aws")), "insufficient_scope");
    assert_eq!(ask(Value::Null), "insufficient_scope", "a question about all of them");
}

#[test]
fn cyc_7_deleting_a_key_revokes_it_and_until_then_its_recent_use_is_shown() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    let shown = || workspace.get_key(&key.id).body;
    assert_eq!((&shown()["last_used_at"], &shown()["last_used_ip"]), (&json!(null), &json!(null)));
    keyward.verify(json!({"key": key.secret, "ip": "203.0.113.7"}));
    eventually(Duration::from_secs(1), shown, |key| {
        key["last_used_at"].is_string() && key["last_used_ip"] == "203.0.113.7"
    });
    workspace.owner().delete(&workspace.path(&format!("keys/{}", key.id))).expect(204);
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
    assert_eq!((&shown()["status"], &shown()["last_used_ip"]), (&json!("revoked"), &json!("203.0.113.7")));
}

#[test]
fn cyc_9_the_list_shows_all_keys_of_the_organization() {
    let keyward = shared("cycloid");
    let (workspace, elsewhere) = (keyward.workspace(), keyward.workspace());
    let admin = workspace.member("org_admin");
    let body = json!({"name": "the admin's", "rules": [{"action": "organization:project:read"}]});
    let theirs = admin.post(&workspace.path("keys"), body).expect(201).text_at("id");
    let (active, revoked) = (workspace.any_key(), workspace.any_key());
    workspace.revoke(&revoked);
    elsewhere.any_key();
    // Everybody who may look sees all of them, whoever made them and whatever has become of them.
    for person in [workspace.owner(), &admin, &workspace.member("org_member")] {
        let listed = person.get(&workspace.path("keys")).expect(200).items();
        let ids: BTreeSet<&str> = listed.iter().filter_map(|key| key["id"].as_str()).collect();
        assert_eq!(ids, BTreeSet::from([theirs.as_str(), &active.id, &revoked.id]));
    }
}

#[test]
fn cyc_10_stars_stay_inside_one_segment_and_two_of_them_cross_segments() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let may = |rule: (&str, &[&str]), action: &str, resource: Value| {
        let key = with_policies(&workspace, &[rule]);
        let question = json!({"key": key.secret, "action": action, "resource": resource});
        match keyward.verify(question)["code"].as_str() {
            Some("valid") => true,
            Some("insufficient_scope") => false,
            other => panic!("{rule:?} {action}: {other:?}"),
        }
    };
    let read = "organization:credential:read";
    for (pattern, action, expected) in [
        ("organization:credential:*", read, true),
        ("organization:*:read", read, true),
        ("organization:cred*:re*", read, true),
        ("organization:*", read, false),
        ("*:read", read, false),
        ("**", read, true),
        ("organization:**", read, true),
        ("organization:credential:**", read, true),
        ("organization:credential:read:**", read, false),
        ("organization:credential:*", "organization:project:read", false),
    ] {
        assert_eq!(may((pattern, &[]), action, Value::Null), expected, "{pattern} for {action}");
    }
    for (pattern, resource, expected) in [
        ("organization:acme:credential:cy-*", "organization:acme:credential:cy-prod", true),
        ("organization:acme:credential:cy-*", "organization:acme:credential:prod", false),
        ("organization:acme:credential:*", "organization:acme:credential:a:b", false),
        ("organization:*:credential:aws", "organization:acme:credential:aws", true),
        ("organization:acme:**", "organization:acme:credential:aws", true),
        ("organization:acme:**", "organization:acme", false),
        ("organization:acme:**", "organization:other:credential:aws", false),
    ] {
        assert_eq!(may((read, &[pattern]), read, json!(resource)), expected, "{pattern} for {resource}");
    }
}

#[test]
fn cyc_10_rules_only_allow_and_add_up() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let (read, delete) = ("organization:credential:read", "organization:credential:delete");
    let key = with_policies(
        &workspace,
        &[
            (read, &["organization:*:credential:aws"]),
            (read, &["organization:*:credential:gcp"]),
            (delete, &["organization:*:credential:aws"]),
        ],
    );
    for (method, rest, expected) in [
        ("GET", "credentials/aws", 200),
        ("GET", "credentials/gcp", 200),
        ("DELETE", "credentials/aws", 200),
        ("DELETE", "credentials/gcp", 403),
    ] {
        assert_eq!(status(keyward, &workspace, &key, method, rest), expected, "{method} {rest}");
    }
    // A narrow rule beside a wide one takes nothing away from it: without resources means on all.
    let wide = with_policies(&workspace, &[(read, &["organization:*:credential:aws"]), (read, &[])]);
    assert_eq!(status(keyward, &workspace, &wide, "GET", "credentials/azure"), 200);
    assert_eq!(status(keyward, &workspace, &wide, "GET", "credentials"), 200);
    workspace.unchanged_by(|| {
        for rule in
            [json!({"action": read, "effect": "deny"}), json!({"action": read, "resources": null, "not": []})]
        {
            let body = json!({"name": "denies", "rules": [rule]});
            workspace.owner().post(&workspace.path("keys"), body).problem(422, "validation_failed");
        }
    });
}
