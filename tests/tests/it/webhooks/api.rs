use keyward_tests::{Keyward, Value, json};

#[test]
fn a_webhook_is_made_read_edited_and_deleted() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("webhooks"));
    let body =
        json!({"url": "https://Hooks.Example:443/x?y=1", "description": "pager", "events": ["key.revoked"]});
    let made = owner.with("Idempotency-Key", "one").post(&path, body.clone()).expect(201);
    let again = owner.with("Idempotency-Key", "one").post(&path, body).expect(201);
    assert_eq!((&again.body["id"], &again.body["secret"]), (&made.body["id"], &Value::Null));
    assert_eq!(again.body["secret_already_shown"], true);
    let one = format!("{path}/{}", made.text_at("id"));
    assert_eq!(made.header("location"), Some(one.as_str()));
    let read = owner.get(&one).expect(200);
    assert_eq!(read.body["url"], "https://hooks.example/x?y=1");
    assert_eq!((&read.body["status"], &read.body["events"]), (&json!("active"), &json!(["key.revoked"])));
    assert!(read.body.get("secret").is_none());
    assert_eq!(owner.get(&path).expect(200).items(), vec![read.body.clone()]);
    let tag = read.header("etag").expect("a version").to_owned();
    let edit = json!({"events": null, "description": null, "disabled": true});
    let edited = owner.with("If-Match", &tag).patch(&one, edit.clone()).expect(200);
    assert_eq!((&edited.body["events"], &edited.body["status"]), (&Value::Null, &json!("disabled")));
    assert_eq!(edited.body["disabled_reason"], "asked");
    owner.with("If-Match", &tag).patch(&one, edit).problem(412, "precondition_failed");
    owner.with("If-Match", &tag).delete(&one).problem(412, "precondition_failed");
    owner.delete(&one).expect(204);
    owner.get(&one).problem(404, "not_found");
    owner.get(&format!("{one}/deliveries")).problem(404, "not_found");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("webhooks"));
    let url = "https://hooks.example/";
    owner.post(&path, json!({})).problem(422, "validation_failed");
    owner.post(&path, json!({"url": url, "events": ["key.exploded"]})).refuses_field("events[0]");
    owner
        .post(&path, json!({"url": url, "events": ["key.created", "key.created"]}))
        .refuses_field("events[1]");
    owner.post(&path, json!({"url": url, "events": []})).refuses_field("events");
    owner.post(&path, json!({"url": url, "secret": "whsec_mine"})).refuses_field("secret");
    let long = format!("{url}{}", "x".repeat(2_048));
    owner.post(&path, json!({"url": long})).refuses_field("url");
    let made = owner.post(&path, json!({"url": url})).expect(201);
    let deliveries = format!("{path}/{}/deliveries", made.text_at("id"));
    for query in ["status=lost", "type=key.exploded", "target=", "colour=red", "cursor=x"] {
        let field = query.split('=').next().unwrap_or_default();
        owner.get(&format!("{deliveries}?{query}")).refuses_field(field);
    }
    assert_eq!(
        owner.get(&format!("{deliveries}?status=failed&type=key.created")).expect(200).items().len(),
        0
    );
}

#[test]
fn a_workspace_has_so_many_webhooks_and_no_more() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("webhooks"));
    let make = || owner.post(&path, json!({"url": "https://hooks.example/"}));
    let first = make().expect(201).text_at("id");
    (1..20).for_each(|_| drop(make().expect(201)));
    make().problem(409, "conflict");
    owner.delete(&format!("{path}/{first}")).expect(204);
    make().expect(201);
    let part = owner.get(&format!("{path}?limit=15")).expect(200);
    let rest = owner.get(&format!("{path}?limit=15&cursor={}", part.text_at("next_cursor"))).expect(200);
    assert_eq!((part.items().len(), rest.items().len()), (15, 5));
}
