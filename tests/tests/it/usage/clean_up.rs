//! Keys that somebody should look at: never used, unused for long, without an end, used from elsewhere, ending soon.

use keyward_tests::{
    Key, Keyward, Person, Value, Workspace, eventually, json, seconds_from_now, shared, unique,
};

use super::READABLE_WITHIN;
use crate::store::Store;

const DAY: i64 = 86_400;

#[track_caller]
fn ids(person: &Person, path: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = person.get(&format!("{path}&limit=1{cursor}")).expect(200);
        ids.extend(page.items().iter().map(|item| item["key"]["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page.body["next_cursor"].as_str() else { return ids };
        cursor = format!("&cursor={next}");
    }
}

/// How many keys there are of each reason.
#[track_caller]
fn counts(workspace: &Workspace<'_>, query: &str) -> Value {
    let body = workspace.owner().get(&workspace.path(&format!("keys/stale{query}"))).expect(200).body;
    let count = |of: &Value| {
        assert_eq!(of["more"], false, "{body}");
        (of["reason"].as_str().expect("a reason").to_owned(), of["keys"].clone())
    };
    Value::Object(body["reasons"].as_array().expect("reasons").iter().map(count).collect())
}

fn expiring(workspace: &Workspace<'_>, seconds: i64) -> Key {
    let body =
        json!({"name": unique("key"), "scopes": ["products:read"], "expires_at": seconds_from_now(seconds)});
    workspace.create_key(body)
}

#[track_caller]
fn use_from(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key, ip: &str) {
    keyward.verify(json!({"key": key.secret, "ip": ip}));
    eventually(READABLE_WITHIN, || workspace.get_key(&key.id).body, |key| key["last_used_ip"] == ip);
}

#[test]
fn keys_to_look_at_are_counted_and_listed_by_reason() {
    let keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let year = 365 * DAY;
    let never_used = [expiring(&workspace, year), expiring(&workspace, year)];
    let endless = workspace.key_with(&["products:read"]);
    let (soon, idle, moved) =
        (expiring(&workspace, 6 * DAY), expiring(&workspace, year), expiring(&workspace, year));
    let revoked = workspace.key_with(&["products:read"]);
    workspace.revoke(&revoked);
    for key in [&endless, &soon, &idle, &moved] {
        use_from(&keyward, &workspace, key, "203.0.113.7");
    }
    let past = 100 * DAY * 1_000_000;
    // A hundred days go by, in which only `moved`, `endless` and `soon` are used from where they always were.
    Store::tamper(
        &keyward,
        &format!(
            "UPDATE keys SET created_at = created_at - {past};
             UPDATE key_networks SET seen_at = seen_at - {past};
             UPDATE key_uses SET network_at = network_at - {past};
             UPDATE key_uses SET used_at = used_at - {past} WHERE used_at > 0;"
        ),
    );
    for key in [&endless, &soon, &moved] {
        use_from(&keyward, &workspace, key, "203.0.113.8");
    }
    let of = |reason: &str| ids(workspace.owner(), &workspace.path(&format!("keys/stale?reason={reason}")));
    assert_eq!(of("new_network"), Vec::<String>::new(), "the same network");
    use_from(&keyward, &workspace, &moved, "198.51.100.9");
    let never: Vec<_> = never_used.iter().map(|key| key.id.clone()).collect();
    assert_eq!(of("never_used"), never);
    assert_eq!(of("unused"), [idle.id.as_str()]);
    assert_eq!(of("never_expires"), [endless.id]);
    assert_eq!(of("new_network"), [moved.id.as_str()]);
    assert_eq!(of("expires_soon"), [soon.id]);
    let all = json!({"never_used": 2, "unused": 1, "never_expires": 1, "new_network": 1, "expires_soon": 1});
    assert_eq!(counts(&workspace, ""), all);
    assert_eq!(counts(&workspace, "?days=101")["unused"], 0);

    let page = workspace.owner().get(&workspace.path("keys/stale?reason=new_network")).expect(200).body;
    let item = &page["items"][0];
    assert_eq!(item["newest_network"]["network"], "198.51.100.0/24", "{item}");
    assert_eq!(
        (&item["key"]["status"], &item["key"]["last_used_ip"]),
        (&json!("active"), &json!("198.51.100.9"))
    );
    assert!(item["key"]["secret"].is_null(), "{item}");
    // Whoever cleans up is done.
    workspace.revoke(&idle);
    assert_eq!(of("unused"), Vec::<String>::new());
}

#[test]
fn without_a_reason_there_are_only_counts_and_mistakes_are_told() {
    let workspace = shared("cveium").workspace();
    workspace.key_with(&["products:read"]);
    let ask = |query: &str| workspace.owner().get(&workspace.path(&format!("keys/stale{query}")));
    let body = ask("").expect(200).body;
    assert_eq!((&body["items"], &body["next_cursor"]), (&json!([]), &json!(null)));
    ask("?reason=old").refuses_field("reason");
    for days in ["0", "3651", "-1", "+5", "many"] {
        ask(&format!("?days={days}")).refuses_field("days");
    }
    ask("?reasons=unused").refuses_field("reasons");
}

#[test]
fn a_persons_keys_to_look_at_are_theirs_alone() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let (person, other) = (workspace.member("viewer"), workspace.member("viewer"));
    let key = workspace.personal_key(&person, json!({"name": unique("own"), "scopes": ["api:read"]}));
    let of = |person: &Person| ids(person, "/api/v1/me/keys/stale?reason=never_used");
    assert_eq!((of(&person), of(&other)), (vec![key.id.clone()], vec![]));
    assert!(!ids(workspace.owner(), &workspace.path("keys/stale?reason=never_used")).contains(&key.id));
    let stranger = keyward.workspace();
    stranger.owner().get(&stranger.path("keys/stale")).expect(200);
    keyward.workspace_of(&other).owner().get(&stranger.path("keys/stale")).problem(404, "not_found");
}
