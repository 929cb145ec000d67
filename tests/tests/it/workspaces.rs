//! `/api/v1/workspaces`, `/api/v1/{slug}` and `/api/v1/{slug}/plan`.

use keyward_tests::{json, shared, unique};

#[test]
fn a_workspace_as_it_is_made_and_read_again() {
    let keyward = shared("default");
    let slug = unique("shop");
    let made = keyward.owner().post("/api/v1/workspaces", json!({"name": "Shop", "slug": slug})).expect(201);
    assert!(made.text_at("id").starts_with("ws_"), "{made}");
    assert_eq!(made.body["name"], "Shop");
    assert_eq!(made.body["slug"], slug);
    let read = keyward.owner().get(&format!("/api/v1/{slug}")).expect(200);
    assert_eq!(read.body["id"], made.body["id"]);
    assert_eq!(read.body["name"], "Shop");
}

#[test]
fn any_user_may_make_one_and_holds_its_first_role_there() {
    for (profile, lowest, first) in [
        ("default", "viewer", "owner"),
        ("cysmiq", "member", "owner"),
        ("cybrium", "viewer", "owner"),
        ("cerby", "user", "owner"),
        ("cycloid", "org_member", "org_admin"),
    ] {
        let keyward = shared(profile);
        let person = keyward.workspace().member(lowest);
        let own = keyward.workspace_of(&person);
        let me = person.get("/api/v1/me").expect(200).body;
        let workspaces = me["workspaces"].as_array().expect("workspaces");
        let role = workspaces.iter().find(|of| of["slug"] == own.slug).map(|of| of["role"].clone());
        assert_eq!(role, Some(json!(first)), "{profile}");
    }
    shared("default")
        .anonymous()
        .post("/api/v1/workspaces", json!({"name": "x"}))
        .problem(401, "unauthenticated");
}

#[test]
fn a_slug_is_generated_or_chosen_within_bounds() {
    let owner = shared("default").owner();
    for _ in 0..4 {
        let slug = owner.post("/api/v1/workspaces", json!({"name": "Shop"})).expect(201).text_at("slug");
        assert!(
            slug.len() == 8 && slug.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()),
            "{slug}"
        );
    }
    let tag = unique("");
    let longest = format!("{:a<40}", format!("l{tag}"));
    let shortest = &three_characters(&tag);
    for slug in [longest.as_str(), shortest] {
        let made = owner.post("/api/v1/workspaces", json!({"name": "Shop", "slug": slug})).expect(201);
        assert_eq!(made.body["slug"], slug);
    }
}

/// Three characters that no other test chose.
fn three_characters(tag: &str) -> String {
    tag.chars().rev().filter(char::is_ascii_alphanumeric).take(3).collect()
}

#[test]
fn a_slug_out_of_bounds_or_reserved_is_refused() {
    let owner = shared("default").owner();
    let long = "a".repeat(41);
    for slug in
        ["", "a", "ab", &long, "Shop", "my_shop", "my shop", "shöp", "shop/x", "..", "a\u{0}bc", "shop\n"]
    {
        owner.post("/api/v1/workspaces", json!({"name": "Shop", "slug": slug})).refuses_field("slug");
    }
    for reserved in ["me", "session", "workspaces", "invitations"] {
        owner.post("/api/v1/workspaces", json!({"name": "Shop", "slug": reserved})).refuses_field("slug");
    }
}

#[test]
fn a_slug_that_is_taken_is_a_conflict_whoever_has_it() {
    let keyward = shared("default");
    let taken = keyward.workspace();
    let stranger = keyward.workspace().member("viewer");
    let body = json!({"name": "Shop", "slug": taken.slug});
    for person in [keyward.owner(), &stranger] {
        person.post("/api/v1/workspaces", body.clone()).problem(409, "conflict");
    }
    let still = keyward.owner().get(&format!("/api/v1/{}", taken.slug)).expect(200);
    assert_eq!(still.body["name"], taken.name);
}

#[test]
fn a_name_is_needed_and_has_bounds() {
    let owner = shared("default").owner();
    for name in [json!(""), json!("x".repeat(101)), json!("a\u{0}b"), json!(null), json!(7)] {
        owner.post("/api/v1/workspaces", json!({"name": name})).refuses_field("name");
    }
    owner.post("/api/v1/workspaces", json!({})).refuses_field("name");
}

#[test]
fn the_list_holds_ones_own_workspaces_alone() {
    let keyward = shared("default");
    let (mine, other) = (keyward.workspace(), keyward.workspace());
    let person = mine.member("member");
    let listed = person.get("/api/v1/workspaces").expect(200);
    assert_eq!(listed.items().len(), 1, "{listed}");
    assert_eq!(listed.items()[0]["slug"], mine.slug);
    assert_eq!(listed.body["next_cursor"], json!(null));
    other.join(&person, "viewer");
    assert_eq!(person.get("/api/v1/workspaces").expect(200).items().len(), 2);
}

#[test]
fn the_plan_is_the_operators_to_change() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace_of(keyward.owner());
    let (path, enterprise) = (workspace.path("plan"), json!({"plan": "enterprise"}));
    keyward.anonymous().put(&path, enterprise.clone()).problem(401, "unauthenticated");
    keyward.anonymous().bearer("a wrong token").put(&path, enterprise.clone()).refused(&[401]);
    workspace.owner().put(&path, enterprise.clone()).problem(403, "forbidden");
    assert_eq!(workspace.owner().get(&path).expect(200).body["plan"], "starter");

    let set = keyward.operator().put(&path, enterprise).expect(200);
    assert_eq!(set.body["plan"], "enterprise");
    keyward.operator().put(&path, json!({"plan": "gold"})).refuses_field("plan");
    keyward.operator().put(&path, json!({})).refuses_field("plan");
    keyward.operator().put("/api/v1/nosuchws/plan", json!({"plan": "pro"})).problem(404, "not_found");
    assert_eq!(workspace.owner().get(&path).expect(200).body["plan"], "enterprise");
}

#[test]
fn the_operator_credential_opens_nothing_else() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    for path in ["keys", "members", "whoami"] {
        keyward.operator().get(&workspace.path(path)).refused(&[401, 403, 404]);
    }
    keyward.operator().get("/api/v1/me").refused(&[401, 403, 404]);
}

#[test]
fn a_workspace_is_renamed_only_from_the_version_that_if_match_names_and_never_from_a_weak_one() {
    let workspace = shared("default").workspace();
    let (owner, path) = (workspace.owner(), format!("/api/v1/{}", workspace.slug));
    let etag = owner.get(&path).expect(200).header("etag").expect("an ETag").to_owned();
    let rename = |if_match: &str| {
        owner.with("If-Match", if_match).send_json("PATCH", &path, &json!({"name": "Renamed"}))
    };
    for stale in [&format!("W/{etag}"), "\"nonsense\"", "\"\""] {
        rename(stale).problem(412, "precondition_failed");
    }
    assert_eq!(owner.get(&path).expect(200).body["name"], workspace.name);
    let renamed = rename(&etag).expect(200);
    assert_eq!(renamed.body["name"], "Renamed");
    rename(&format!("W/{}", renamed.header("etag").unwrap_or_default())).problem(412, "precondition_failed");
}
