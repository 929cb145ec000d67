//! What bounds the keys of a workspace: the networks that they open it from, and how long they live.

use std::time::Duration;

use keyward_tests::{
    Answer, Caller, Gateway, Key, Keyward, Person, Value, Workspace, eventually, json, sha256, shared, unique,
};

const DAY: u64 = 86_400;

fn choose(caller: &Caller, workspace: &Workspace<'_>, edit: Value) -> Answer {
    caller.patch(&format!("/api/v1/{}", workspace.slug), edit)
}

fn read(workspace: &Workspace<'_>) -> Value {
    workspace.owner().get(&format!("/api/v1/{}", workspace.slug)).expect(200).body
}

/// A key of the workspace, and two of a person in it: one that is restricted to it, and one that is not.
fn one_of_each(workspace: &Workspace<'_>, person: &Person) -> [Key; 3] {
    let free = json!({"name": unique("mine"), "scopes": ["api:read"]});
    let mut restricted = free.clone();
    restricted["workspaces"] = json!([workspace.slug]);
    [workspace.any_key(), workspace.personal_key(person, restricted), workspace.personal_key(person, free)]
}

fn code_from(asked: &Caller, workspace: &Workspace<'_>, key: &Key, ip: Option<&str>) -> String {
    let mut question = json!({"key": key.secret, "workspace": workspace.slug});
    if let Some(ip) = ip {
        question["ip"] = json!(ip);
    }
    asked.post("/v1/verify", question).text_at("code")
}

#[test]
fn who_manages_the_settings_chooses_them_and_everybody_who_is_in_reads_them() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let fresh = read(&workspace);
    assert_eq!(
        (&fresh["allowed_cidrs"], &fresh["key_lifetime_days_max"]),
        (&json!([]), &Value::Null),
        "{fresh}"
    );
    let viewer = workspace.member("viewer");
    let edit = json!({"allowed_cidrs": ["10.0.0.0/8", "2001:db8::1"], "key_lifetime_days_max": 90});
    workspace.unchanged_by(|| choose(&viewer, &workspace, edit.clone()).problem(403, "forbidden"));
    let chosen = choose(&workspace.member("admin"), &workspace, edit).expect(200).body;
    assert_eq!(chosen["allowed_cidrs"], json!(["10.0.0.0/8", "2001:db8::1/128"]));
    assert_eq!(chosen["key_lifetime_days_max"], 90);
    let seen = viewer.get(&format!("/api/v1/{}", workspace.slug)).expect(200).body;
    for field in ["allowed_cidrs", "key_lifetime_days_max"] {
        assert_eq!((&read(&workspace)[field], &seen[field]), (&chosen[field], &chosen[field]));
    }
    let log = workspace.owner().get(&workspace.path("audit?action=workspace.updated")).expect(200).items();
    assert_eq!(log[0]["before"]["allowed_cidrs"], json!([]), "{log:?}");
    assert_eq!(log[0]["before"]["key_lifetime_days_max"], Value::Null);
    assert_eq!(log[0]["after"]["allowed_cidrs"], chosen["allowed_cidrs"]);
    assert_eq!(log[0]["after"]["key_lifetime_days_max"], 90);

    let renamed = choose(workspace.owner(), &workspace, json!({"name": "Other"})).expect(200).body;
    assert_eq!(renamed["key_lifetime_days_max"], 90, "what is not named stays");
    let none = json!({"allowed_cidrs": [], "key_lifetime_days_max": null});
    let cleared = choose(workspace.owner(), &workspace, none).expect(200).body;
    assert_eq!((&cleared["allowed_cidrs"], &cleared["key_lifetime_days_max"]), (&json!([]), &Value::Null));
}

#[test]
fn what_is_no_network_and_no_number_of_days_is_refused_with_its_field() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let refuses = |edit: Value, field: &str| {
        workspace.unchanged_by(|| choose(workspace.owner(), &workspace, edit).refuses_field(field))
    };
    for (bad, field) in [
        (json!(["10.0.0.0/8", "everywhere"]), "allowed_cidrs[1]"),
        (json!(["10.0.0.1/8"]), "allowed_cidrs[0]"),
        (json!(vec!["10.0.0.0/8"; 51]), "allowed_cidrs"),
        (Value::Null, "allowed_cidrs"),
    ] {
        refuses(json!({ "allowed_cidrs": bad }), field);
    }
    for bad in [json!(0), json!(3_651), json!(-1), json!(1.5), json!("30")] {
        refuses(json!({ "key_lifetime_days_max": bad }), "key_lifetime_days_max");
    }
    let both = json!({"allowed_cidrs": ["x"], "key_lifetime_days_max": 0, "grace_seconds": 301});
    let answer = choose(workspace.owner(), &workspace, both).refuses_field("grace_seconds");
    assert_eq!(answer.body["errors"].as_array().map(Vec::len), Some(3), "all at once: {answer}");
    let said = answer.to_compare();
    assert!(said.contains("give a number of days from 1 to 3650"), "{said}");
    for good in [1, 3_650] {
        choose(workspace.owner(), &workspace, json!({ "key_lifetime_days_max": good })).expect(200);
    }
}

#[test]
fn keys_open_a_workspace_from_its_networks_only_whichever_door_asks() {
    let keyward = shared("default");
    let (workspace, other) = (keyward.workspace(), keyward.workspace());
    let person = workspace.member("admin");
    other.join(&person, "admin");
    let keys = one_of_each(&workspace, &person);
    let networks = json!({"allowed_cidrs": ["203.0.113.0/24", "2001:db8::/32"]});
    choose(workspace.owner(), &workspace, networks).expect(200);
    let data = keyward.data();
    for key in &keys {
        for inside in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"] {
            assert_eq!(code_from(&data, &workspace, key, Some(inside)), "valid", "{inside}");
        }
        for outside in [Some("198.51.100.7"), Some("2001:db9::1"), None] {
            assert_eq!(code_from(&data, &workspace, key, outside), "ip_not_allowed", "{outside:?}");
        }
        let path = workspace.path("whoami");
        let from = |ip: &str| keyward.with_key(&key.secret).with("X-Forwarded-For", ip).get(&path);
        from("203.0.113.9").expect(200);
        for outside in ["198.51.100.7", "2001:db9::1", "unknown"] {
            let answer = from(outside).problem(403, "forbidden");
            assert_eq!(answer.body["detail"], "the API key may not be used from this network");
        }
        let authorize = |ip: &str| {
            let gateway = data.with("X-Forwarded-For", ip);
            gateway
                .bearer(&key.secret)
                .get(&format!("/v1/authorize?scope=api:read&workspace={}", workspace.slug))
                .status
        };
        assert_eq!((authorize("203.0.113.9"), authorize("198.51.100.7")), (200, 403));
    }
    let question = |ip: &str| json!({"key": keys[0].secret, "ip": ip});
    let batch = json!({"questions": [question("203.0.113.9"), question("198.51.100.7")]});
    let answers = data.post("/v1/verify/batch", batch).expect(200).whole();
    assert!(answers.contains("\"valid\"") && answers.contains("ip_not_allowed"), "{answers}");

    assert_eq!(
        code_from(&data, &other, &keys[2], Some("198.51.100.7")),
        "valid",
        "another workspace is open"
    );
    let seen = |ip: &str| {
        let answer = keyward.with_key(&keys[2].secret).with("X-Forwarded-For", ip).get("/api/v1/workspaces");
        answer.expect(200).items().iter().map(|of| of["slug"].clone()).collect::<Vec<_>>()
    };
    assert!(seen("203.0.113.9").contains(&json!(workspace.slug)));
    assert_eq!(seen("198.51.100.7"), [json!(other.slug)], "nor is it told of from elsewhere");
    assert!(read(&workspace)["slug"] == json!(workspace.slug), "whoever is signed in is not limited");

    choose(workspace.owner(), &workspace, json!({"allowed_cidrs": []})).expect(200);
    for key in &keys {
        assert_eq!(code_from(&data, &workspace, key, Some("198.51.100.7")), "valid");
    }
}

#[test]
fn a_node_goes_by_the_networks_of_a_workspace_as_soon_as_it_hears_of_them() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.workspace();
    let keys = one_of_each(&workspace, &workspace.member("admin"));
    let before = json!({"allowed_cidrs": ["203.0.113.0/24"]});
    choose(workspace.owner(), &workspace, before).expect(200);
    let node = Gateway::start("edge", "default", &[format!("http://{}", keyward.feed_addr())]);
    let code = |key: &Key, ip| code_from(&node.data(), &workspace, key, Some(ip));
    let soon = Duration::from_secs(20);
    for key in &keys {
        eventually(soon, || code(key, "203.0.113.9"), |code| code == "valid");
        assert_eq!(code(key, "198.51.100.7"), "ip_not_allowed", "the snapshot told it");
    }
    choose(workspace.owner(), &workspace, json!({"allowed_cidrs": ["198.51.100.0/24"]})).expect(200);
    for key in &keys {
        eventually(soon, || code(key, "198.51.100.7"), |code| code == "valid");
        assert_eq!(code(key, "203.0.113.9"), "ip_not_allowed", "and the change");
    }
}

#[test]
fn no_key_is_made_or_imported_that_lives_longer_than_its_workspace_allows() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    choose(workspace.owner(), &workspace, json!({"key_lifetime_days_max": 30})).expect(200);
    let scope = workspace.first_scope();
    let body = |end: Option<u64>, more: &[(&str, Value)]| {
        let mut body = json!({"name": unique("bounded"), "scopes": [scope]});
        if let Some(seconds) = end {
            body["expires_in_seconds"] = json!(seconds);
        }
        for (field, value) in more {
            body[*field] = value.clone();
        }
        body
    };
    let restricted = [("workspaces", json!([workspace.slug]))];
    let owner = workspace.owner();
    let keys = workspace.path("keys");
    workspace.unchanged_by(|| {
        for end in [None, Some(30 * DAY + 60)] {
            let answer = owner.post(&keys, body(end, &[])).refuses_field("expires_at");
            assert!(answer.to_compare().contains("keys of this workspace live at most 30 days"), "{answer}");
            owner.post("/api/v1/me/keys", body(end, &restricted)).refuses_field("expires_at");
        }
        let foreign = |end: Option<&str>| {
            let mut key = json!({"sha256": sha256(&unique("s")).1, "name": unique("old"), "scopes": [scope]});
            if let Some(end) = end {
                key["expires_at"] = json!(end);
            }
            key
        };
        let import = json!({"keys": [foreign(Some("2020-01-01T00:00:00Z")), foreign(None)]});
        owner.post(&workspace.path("keys/import"), import).refuses_field("keys[1].expires_at");
    });
    owner.post(&keys, body(Some(30 * DAY), &[])).expect(201);
    owner.post("/api/v1/me/keys", body(Some(30 * DAY), &restricted)).expect(201);
    owner.post("/api/v1/me/keys", body(None, &[])).expect(201);
}

#[test]
fn a_key_that_lives_too_long_keeps_its_end_and_gets_neither_a_new_secret_nor_more() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let scope = workspace.first_scope();
    let body = json!({"name": "old", "scopes": [scope], "allowed_cidrs": ["10.0.0.0/8"],
        "requests_per_minute": 60});
    let old = workspace.create_key(body.clone());
    let mut mine = body;
    mine["workspaces"] = json!([workspace.slug]);
    let mine = workspace.personal_key(workspace.owner(), mine);
    choose(workspace.owner(), &workspace, json!({"key_lifetime_days_max": 30})).expect(200);
    let owner = workspace.owner();
    for path in [workspace.path(&format!("keys/{}", old.id)), format!("/api/v1/me/keys/{}", mine.id)] {
        workspace.unchanged_by(|| {
            let answer = owner.post(&format!("{path}/rotate"), json!({})).refuses_field("expires_at");
            let said = answer.to_compare();
            assert!(said.contains("live at most 30 days from now on, and this one has no end"), "{said}");
            for more in [
                json!({"rules": [{"action": "audit:read", "resources": []}]}),
                json!({"allowed_cidrs": []}),
                json!({"allowed_cidrs": ["10.0.0.0/8", "192.0.2.0/24"]}),
                json!({"requests_per_minute": 61}),
                json!({"requests_per_minute": null}),
            ] {
                owner.patch(&path, more).refuses_field("expires_at");
            }
        });
        let less = json!({"name": "older", "allowed_cidrs": ["10.1.0.0/16"], "requests_per_minute": 6});
        let edited = owner.patch(&path, less).expect(200).body;
        assert_eq!((&edited["name"], &edited["expires_at"]), (&json!("older"), &Value::Null));
        choose(owner, &workspace, json!({"key_lifetime_days_max": null})).expect(200);
        owner.post(&format!("{path}/rotate"), json!({})).expect(200);
        choose(owner, &workspace, json!({"key_lifetime_days_max": 30})).expect(200);
    }
}

#[test]
fn a_workspace_that_the_owner_of_a_restricted_key_has_left_still_bounds_its_next_secret() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let [_, key, _] = one_of_each(&workspace, &person);
    choose(workspace.owner(), &workspace, json!({"key_lifetime_days_max": 30})).expect(200);
    workspace.remove(&person);
    let path = format!("/api/v1/me/keys/{}", key.id);
    // Otherwise the key would be back with a new secret and without an end as soon as its owner is.
    person.post(&format!("{path}/rotate"), json!({})).refuses_field("expires_at");
    person.patch(&path, json!({"name": "still mine"})).expect(200);
    choose(workspace.owner(), &workspace, json!({"key_lifetime_days_max": null})).expect(200);
    person.post(&format!("{path}/rotate"), json!({})).expect(200);
}
