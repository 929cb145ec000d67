//! Keys that may be used from some networks only, at the control plane.

use keyward_tests::{Caller, Key, Keyward, Workspace, json, shared, unique};

/// A personal key of its own person, limited to those networks, and the person's workspace.
fn limited(keyward: &'static Keyward, networks: &[&str]) -> (Workspace<'static>, Key, Key) {
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": unique("limited"), "allowed_cidrs": networks}));
    let other = workspace.personal_key(&person, json!({"name": unique("other")}));
    (workspace, key, other)
}

fn from(keyward: &Keyward, key: &Key, forwarded_for: &str) -> Caller {
    keyward.with_key(&key.secret).with("X-Forwarded-For", forwarded_for)
}

#[test]
fn a_key_is_refused_from_elsewhere_on_every_address_also_where_no_workspace_is_named() {
    let keyward = shared("cybrium");
    let (workspace, key, other) = limited(keyward, &["203.0.113.0/24"]);
    let reads = ["/api/v1/me".to_owned(), "/api/v1/me/keys".to_owned(), "/api/v1/workspaces".to_owned()];
    let others = format!("/api/v1/me/keys/{}", other.id);
    for caller in [keyward.with_key(&key.secret), from(keyward, &key, "198.51.100.7")] {
        for path in reads.iter().chain([&others, &workspace.path("whoami")]) {
            caller.get(path).problem(403, "forbidden");
        }
        caller.delete(&others).problem(403, "forbidden");
        caller.post_nothing(&format!("{others}/revoke")).problem(403, "forbidden");
    }
    assert_eq!(keyward.verify_code(&other.secret), "valid", "it could end another key");

    let inside = from(keyward, &key, "203.0.113.9");
    for path in reads.iter().chain([&others, &workspace.path("whoami")]) {
        inside.get(path).expect(200);
    }
    inside.delete(&others).expect(204);
    assert_eq!(keyward.verify_code(&other.secret), "revoked");
}

#[test]
fn a_forwarded_address_counts_with_its_port_or_brackets_and_an_unreadable_one_is_nowhere() {
    let keyward = shared("cybrium");
    // The proxy itself is within the networks: where it cannot say who asks, that must not count.
    let networks = ["203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8"];
    let (_, key, _) = limited(keyward, &networks);
    let ask = |forwarded_for: &str| from(keyward, &key, forwarded_for).get("/api/v1/me");
    for inside in [
        "203.0.113.9",
        "203.0.113.9:4711",
        "2001:db8::1",
        "[2001:db8::1]",
        "[2001:db8::1]:4711",
        "198.51.100.7, 203.0.113.9:4711",
    ] {
        let answer = ask(inside);
        assert_eq!(answer.status, 200, "{inside}: {answer}");
    }
    for outside in [
        "198.51.100.7",
        "198.51.100.7:4711",
        "[2001:db9::1]",
        "203.0.113.9, 198.51.100.7",
        "unknown",
        "203.0.113.9, unknown",
        "_hidden",
        "",
        "203.0.113.9:99999",
    ] {
        let answer = ask(outside);
        assert_eq!(answer.status, 403, "{outside:?}: {answer}");
        answer.problem(403, "forbidden");
    }
    keyward.with_key(&key.secret).get("/api/v1/me").expect(200);
}

#[test]
fn a_key_creates_only_keys_of_its_own_networks_or_smaller_ones_and_none_that_outlives_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let manages = json!([{"action": "settings.manage", "resources": []}]);
    let maker = workspace.create_key(json!({"name": "maker", "scopes": ["products:read"], "rules": manages,
        "allowed_cidrs": ["127.0.0.0/8", "10.1.0.0/16"], "expires_in_seconds": 3600}));
    let create = |networks: &[&str], more: &[(&str, u32)]| {
        let mut body =
            json!({"name": unique("child"), "scopes": ["products:read"], "allowed_cidrs": networks});
        for (field, value) in more {
            body[*field] = json!(value);
        }
        keyward.with_key(&maker.secret).post(&workspace.path("keys"), body)
    };
    let shorter = [("expires_in_seconds", 1800)];
    workspace.unchanged_by(|| {
        for wider in [
            &[][..],
            &["0.0.0.0/0"],
            &["126.0.0.0/7"],
            &["10.2.0.0/16"],
            &["127.0.0.0/8", "203.0.113.0/24"],
            &["::/0"],
        ] {
            create(wider, &shorter).refuses_field("allowed_cidrs");
        }
        create(&["127.0.0.0/8"], &[]).refuses_field("expires_at");
        create(&["127.0.0.0/8"], &[("expires_in_seconds", 7200)]).refuses_field("expires_at");
    });
    for same_or_smaller in
        [&["127.0.0.0/8"][..], &["10.1.7.0/24", "127.0.0.1"], &["127.0.0.0/8", "10.1.0.0/16"]]
    {
        create(same_or_smaller, &shorter).expect(201);
    }
    assert_eq!(workspace.keys().len(), 4);
}

#[test]
fn a_key_does_not_edit_its_own_networks_or_anothers_beyond_its_own() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let manages =
        json!([{"action": "settings.manage", "resources": []}, {"action": "keys.read", "resources": []}]);
    let maker = workspace.create_key(json!({"name": "maker", "scopes": ["products:read"], "rules": manages,
        "allowed_cidrs": ["127.0.0.0/8"]}));
    let path = workspace.path(&format!("keys/{}", maker.id));
    let edit = |networks: &[&str]| {
        keyward.with_key(&maker.secret).send_json("PATCH", &path, &json!({"allowed_cidrs": networks}))
    };
    workspace.unchanged_by(|| {
        for wider in [&[][..], &["0.0.0.0/0"], &["127.0.0.0/8", "203.0.113.0/24"]] {
            edit(wider).refuses_field("allowed_cidrs");
        }
    });
    edit(&["127.0.0.0/16"]).expect(200);
}
