//! Who reads the usage of a key: whoever may look at the key, and nobody else.

use std::time::Duration;

use keyward_tests::{eventually, json, shared, unique};

use super::{READABLE_WITHIN, until_logged};

#[test]
fn a_personal_keys_usage_is_its_owners_alone_wherever_it_was_used() {
    let keyward = shared("default");
    let (home, other) = (keyward.workspace(), keyward.workspace_of(&keyward.workspace().member("member")));
    let person = home.member("viewer");
    let key = home.personal_key(
        &person,
        json!({"name": unique("own"), "scopes": ["api:read"], "workspaces": [home.slug]}),
    );
    keyward.verify(json!({"key": key.secret, "workspace": home.slug, "ip": "203.0.113.7"}));
    keyward.verify(json!({"key": key.secret, "workspace": other.slug}));
    let path = format!("/api/v1/me/keys/{}/usage", key.id);
    let items =
        eventually(READABLE_WITHIN, || person.get(&path).expect(200).items(), |items| items.len() == 2);
    assert_eq!((&items[1]["code"], &items[0]["code"]), (&json!("valid"), &json!("workspace_mismatch")));
    for part in ["usage", "usage/summary"] {
        // Neither those who run the workspace it was used in, nor those of another, nor under another address.
        for (workspace, admin) in [(&home, home.owner()), (&other, other.owner())] {
            admin.get(&workspace.path(&format!("keys/{}/{part}", key.id))).problem(404, "not_found");
            admin.get(&format!("/api/v1/me/keys/{}/{part}", key.id)).problem(404, "not_found");
        }
        person.get(&home.path(&format!("keys/{}/{part}", key.id))).problem(404, "not_found");
        keyward
            .anonymous()
            .get(&format!("/api/v1/me/keys/{}/{part}", key.id))
            .problem(401, "unauthenticated");
        keyward.operator().get(&format!("/api/v1/me/keys/{}/{part}", key.id)).problem(403, "forbidden");
        // The key itself may look at itself.
        keyward.with_key(&key.secret).get(&format!("/api/v1/me/keys/{}/{part}", key.id)).expect(200);
    }
}

#[test]
fn a_workspaces_usage_is_read_with_the_right_to_read_its_keys() {
    let keyward = shared("cveium");
    let (workspace, other) = (keyward.workspace(), keyward.workspace());
    let key = workspace.key_with(&["products:read"]);
    let reader = json!({"name": "reader", "rules": [{"action": "keys.read", "resources": []}]});
    let reader = workspace.create_key(reader);
    keyward.verify_code(&key.secret);
    until_logged(&workspace, &key.id, 1);
    for part in ["usage", "usage/summary"] {
        let path = workspace.path(&format!("keys/{}/{part}", key.id));
        keyward.with_key(&reader.secret).get(&path).expect(200);
        keyward.with_key(&key.secret).get(&path).problem(403, "insufficient_scope");
        other.owner().get(&other.path(&format!("keys/{}/{part}", key.id))).problem(404, "not_found");
        let stranger = keyward.workspace_of(&workspace.member("member"));
        keyward.with_key(&stranger.any_key().secret).get(&path).problem(404, "not_found");
    }
    // The key's own two vain attempts are told; what others do leaves no trace here.
    let told = until_logged(&workspace, &key.id, 3);
    other.any_key();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(until_logged(&workspace, &key.id, 3), told);
    assert_eq!(told.len(), 3);
}
