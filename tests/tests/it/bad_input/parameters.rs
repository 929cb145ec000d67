//! Parameters of addresses that nothing reads.

use keyward_tests::{json, shared};

#[test]
fn a_parameter_that_nothing_reads_is_refused_and_nothing_is_done() {
    let workspace = shared("default").workspace();
    let key = workspace.key_with(&["api:read"]);
    let owner = workspace.owner();
    let of_key = |rest: &str| workspace.path(&format!("keys/{}{rest}", key.id));
    workspace.unchanged_by(|| {
        // A dry run goes into the body: in the address it must not end a key for good.
        owner
            .post(&workspace.path("keys/bulk-revoke?dry_run=true"), json!({"ids": [key.id]}))
            .refuses_field("dry_run");
        owner.delete(&of_key("?dry_run=true")).refuses_field("dry_run");
        owner.post(&of_key("/revoke?reason=x"), json!({})).refuses_field("reason");
        owner.post(&of_key("/rotate?overlap_seconds=0"), json!({})).refuses_field("overlap_seconds");
        owner
            .post(&workspace.path("keys?name=x"), json!({"name": "x", "scopes": ["api:read"]}))
            .refuses_field("name");
        owner.patch(&of_key("?name=x"), json!({})).refuses_field("name");
    });
    for path in [
        format!("/api/v1/{}", workspace.slug),
        workspace.path("scopes"),
        workspace.path("plan"),
        workspace.path("whoami"),
    ] {
        owner.get(&format!("{path}?x=1")).refuses_field("x");
    }
    owner.get("/api/v1/me?x=1").refuses_field("x");
}

#[test]
fn null_is_refused_where_it_would_change_nothing() {
    let workspace = shared("default").workspace();
    let key =
        workspace.create_key(json!({"name": "n", "scopes": ["api:read"], "allowed_cidrs": ["10.0.0.0/8"]}));
    let path = workspace.path(&format!("keys/{}", key.id));
    for field in ["name", "owner", "scopes", "rules", "metadata", "allowed_cidrs", "service_account"] {
        workspace.owner().patch(&path, json!({field: null})).refuses_field(field);
    }
    workspace.owner().patch(&path, json!({"description": null, "requests_per_minute": null})).expect(200);
    workspace
        .owner()
        .patch(&format!("/api/v1/{}", workspace.slug), json!({"name": null}))
        .refuses_field("name");
}

#[test]
fn a_member_whose_role_is_gone_is_shown_without_the_role() {
    let workspace = shared("default").workspace();
    let role = workspace
        .owner()
        .post(&workspace.path("roles"), json!({"name": "guest", "scopes": ["api:read"]}))
        .expect(201);
    let person = workspace.member("guest");
    let shown = || {
        let members = workspace.owner().get(&workspace.path("members")).expect(200).items();
        members.into_iter().find(|member| member["email"] == person.email.as_str()).expect("the member")
    };
    assert_eq!(shown()["role_id"], role.text_at("id"));
    workspace.owner().delete(&workspace.path(&format!("roles/{}", role.text_at("id")))).expect(204);
    assert_eq!((&shown()["role"], &shown()["role_id"]), (&json!("guest"), &json!(null)));
}
