use std::time::Duration;

use keyward_tests::{Value, eventually, json, shared};

use super::{store, vault};

#[test]
fn a_person_is_shown_the_secret_and_it_is_written_down_first() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let secrets = vault(&workspace);
    let secret = "two lines\nand ünicode";
    let kept = store(&workspace, &secrets, secret);
    assert!(!kept.whole().contains("ünicode") && kept.body["key"].is_null(), "{kept}");
    let one = format!("{secrets}/{}", kept.text_at("id"));
    assert_eq!(kept.header("location"), Some(one.as_str()));
    let asker = workspace.owner().with("Idempotency-Key", "show");
    let first = asker.post_nothing(&format!("{one}/reveal")).expect(200);
    let again = asker.post_nothing(&format!("{one}/reveal")).expect(200);
    assert_eq!((first.text_at("secret").as_str(), first.header("cache-control")), (secret, Some("no-store")));
    assert_eq!((&again.body["secret"], &again.body["secret_already_shown"]), (&Value::Null, &json!(true)));
    let log = workspace.owner().get(&workspace.path("audit?limit=2")).expect(200);
    let [shown, stored] = [0, 1].map(|at| log.items()[at].clone());
    assert_eq!(
        (&shown["action"], &stored["action"]),
        (&json!("vault_secret.revealed"), &json!("vault_secret.stored"))
    );
    assert_eq!(shown["target"], kept.body["id"]);
    assert_eq!(shown["actor"]["name"], workspace.owner().get("/api/v1/me").expect(200).body["name"]);
    assert!(!log.whole().contains("ünicode"), "{log}");
    // A vault of the same workspace is not the one that it is in.
    let other = vault(&workspace);
    workspace
        .owner()
        .post_nothing(&format!("{other}/{}/reveal", kept.text_at("id")))
        .problem(404, "not_found");
}

#[test]
fn a_key_is_never_shown_a_secret_whatever_it_may_do() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let secrets = vault(&workspace);
    let all = workspace.create_key(json!({"name": "all", "rules": [{"action": "**"}]}));
    let caller = keyward.with_key(&all.secret);
    // It may put one there, and see that it is there.
    let kept =
        caller.post(&secrets, json!({"name": "build", "secret": "of the build"})).expect(201).text_at("id");
    caller.get(&format!("{secrets}/{kept}")).expect(200);
    caller.post_nothing(&format!("{secrets}/{kept}/reveal")).problem(403, "forbidden");
    let personal =
        workspace.personal_key(workspace.owner(), json!({"name": "laptop", "rules": [{"action": "**"}]}));
    let personal = keyward.with_key(&personal.secret);
    personal.post_nothing(&format!("{secrets}/{kept}/reveal")).problem(403, "forbidden");
    let log = workspace.owner().get(&workspace.path("audit?action=vault_secret.revealed")).expect(200);
    assert_eq!(log.items().len(), 0);
}

#[test]
fn nobody_is_shown_the_secret_of_a_key_that_may_more_than_they() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (owner, secrets) = (workspace.owner(), vault(&workspace));
    let body = json!({"name": "keeper", "rules": [{"action": "vaults.*"}], "scopes": ["api:read"]});
    owner.post(&workspace.path("roles"), body).expect(201);
    let keeper = workspace.member("keeper");
    let (reads, writes) = (workspace.key_with(&["api:read"]), workspace.key_with(&["api:read", "api:write"]));
    let reveal = |secret: &str| {
        let kept = store(&workspace, &secrets, secret).text_at("id");
        keeper.post_nothing(&format!("{secrets}/{kept}/reveal"))
    };
    assert_eq!(reveal(&reads.secret).expect(200).text_at("secret"), reads.secret);
    let refused = reveal(&writes.secret).problem(403, "forbidden");
    assert!(refused.text_at("detail").contains("api:write"), "{refused}");
}

#[test]
fn a_secret_stays_and_says_what_has_become_of_its_key() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (owner, secrets) = (workspace.owner(), vault(&workspace));
    let key = workspace.key_with(&["api:read"]);
    let kept = store(&workspace, &secrets, &key.secret).text_at("id");
    let said = || {
        let of_key = owner.get(&format!("{secrets}/{kept}")).expect(200).body["key"].clone();
        (of_key["status"].clone(), of_key["secret"].clone())
    };
    assert_eq!(said(), (json!("active"), json!("current")));
    let path = |verb: &str| workspace.path(&format!("keys/{}/{verb}", key.id));
    let rotated = owner.post(&path("rotate"), json!({"overlap_seconds": 3600})).expect(200);
    assert_eq!(said(), (json!("active"), json!("previous")));
    let new = store(&workspace, &secrets, &rotated.text_at("secret"));
    assert_eq!(new.body["key"]["secret"], "current", "a secret that a rotation gave is the key's as well");
    owner.post_nothing(&path("rotate/finish")).expect(200);
    assert_eq!(said(), (json!("active"), Value::Null));
    workspace.revoke(&key);
    assert_eq!(said().0, json!("revoked"));
    let revealed = owner.post_nothing(&format!("{secrets}/{kept}/reveal")).expect(200);
    assert_eq!(
        (revealed.text_at("secret"), &revealed.body["key"]["status"]),
        (key.secret, &json!("revoked"))
    );
    let short =
        workspace.create_key(json!({"name": "short", "scopes": ["api:read"], "expires_in_seconds": 1}));
    let kept = store(&workspace, &secrets, &short.secret).text_at("id");
    let status = || owner.get(&format!("{secrets}/{kept}")).expect(200).body["key"]["status"].clone();
    eventually(Duration::from_secs(3), status, |status| status == "expired");
}

#[test]
fn a_key_of_another_workspace_is_not_told_of() {
    let keyward = shared("default");
    let (workspace, elsewhere) = (keyward.workspace(), keyward.workspace());
    let foreign = elsewhere.key_with(&["api:read"]);
    let kept = store(&workspace, &vault(&workspace), &foreign.secret);
    assert!(kept.body["key"].is_null(), "{kept}");
}
