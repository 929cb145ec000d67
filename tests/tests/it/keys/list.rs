use std::collections::BTreeSet;

use keyward_tests::{Workspace, eventually, json, shared};
use serde_json::Value;

fn ids(items: &[Value]) -> BTreeSet<String> {
    items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
}

#[track_caller]
fn page(workspace: &Workspace<'_>, query: &str) -> (Vec<Value>, Option<String>) {
    let answer = workspace.owner().get(&workspace.path(&format!("keys?{query}"))).expect(200);
    (answer.items(), answer.body["next_cursor"].as_str().map(str::to_owned))
}

#[test]
fn pages_hold_every_key_once_also_when_keys_are_made_meanwhile() {
    let workspace = shared("cveium").workspace();
    let made: BTreeSet<String> = (0..7).map(|_| workspace.key_with(&["products:read"]).id).collect();
    let mut seen = Vec::new();
    let (items, mut cursor) = page(&workspace, "limit=3");
    assert_eq!(items.len(), 3);
    seen.extend(items);
    workspace.key_with(&["products:read"]);
    while let Some(at) = cursor {
        let (items, next) = page(&workspace, &format!("limit=3&cursor={at}"));
        assert!(!items.is_empty() && items.len() <= 3);
        seen.extend(items);
        cursor = next;
    }
    assert_eq!(ids(&seen).len(), seen.len(), "a key on two pages");
    assert!(made.is_subset(&ids(&seen)), "a key on no page");
}

#[test]
fn a_page_has_50_keys_by_default_and_200_at_most() {
    let workspace = shared("cveium").workspace();
    for _ in 0..201 {
        workspace.key_with(&["products:read"]);
    }
    let (items, cursor) = page(&workspace, "");
    assert_eq!((items.len(), cursor.is_some()), (50, true));
    for limit in ["201", "100000", "99999999999999999999999"] {
        let (items, cursor) = page(&workspace, &format!("limit={limit}"));
        assert_eq!((items.len(), cursor.is_some()), (200, true), "{limit}");
    }
    assert_eq!(workspace.keys().len(), 201);
}

#[test]
fn a_list_without_status_holds_every_status_and_can_be_narrowed_to_one() {
    let workspace = shared("cveium").workspace();
    let active = workspace.key_with(&["products:read"]);
    let revoked = workspace.key_with(&["products:read"]);
    workspace.revoke(&revoked);
    let body = json!({"name": "short", "scopes": ["products:read"], "expires_in_seconds": 1});
    let expired = workspace.create_key(body);
    eventually(
        std::time::Duration::from_secs(3),
        || workspace.get_key(&expired.id).body["status"].clone(),
        |status| status == "expired",
    );

    assert_eq!(
        ids(&workspace.keys()),
        BTreeSet::from([active.id.clone(), revoked.id.clone(), expired.id.clone()])
    );
    for (status, key) in [("active", &active), ("revoked", &revoked), ("expired", &expired)] {
        let (items, _) = page(&workspace, &format!("status={status}"));
        assert_eq!(ids(&items), BTreeSet::from([key.id.clone()]), "{status}");
        assert_eq!(items[0]["status"], status);
    }
}

#[test]
fn a_cursor_used_with_other_filters_or_made_up_is_refused() {
    let workspace = shared("cveium").workspace();
    for _ in 0..3 {
        workspace.key_with(&["products:read"]);
    }
    let other = shared("cveium").workspace();
    let (_, cursor) = page(&workspace, "limit=1");
    let cursor = cursor.expect("a second page");
    page(&workspace, &format!("limit=2&cursor={cursor}"));
    let keys = |query: &str| workspace.owner().get(&workspace.path(&format!("keys?{query}")));
    keys(&format!("limit=1&status=active&cursor={cursor}")).refuses_field("cursor");
    let of_another = other.owner().get(&other.path(&format!("keys?limit=1&cursor={cursor}")));
    of_another.refuses_field("cursor");
    for made_up in ["x", "AAAA", "%00", &cursor[1..], &format!("{cursor}A"), &"A".repeat(5000)] {
        keys(&format!("cursor={made_up}")).refuses_field("cursor");
    }
}

#[test]
fn a_query_that_cannot_be_understood_is_refused() {
    let workspace = shared("cveium").workspace();
    let keys = |query: &str| workspace.owner().get(&workspace.path(&format!("keys?{query}")));
    for limit in ["abc", "-1", "1.5", "0x10", ""] {
        keys(&format!("limit={limit}")).refuses_field("limit");
    }
    keys("status=sleeping").refuses_field("status");
    keys("colour=green").refuses_field("colour");
    keys("limit=1&limit=2").refuses_field("limit");
}

#[test]
fn a_search_finds_any_part_of_the_present_name_or_description() {
    let workspace = shared("cveium").workspace();
    let body =
        json!({"name": "Billing export", "description": "Nightly for Ada", "scopes": ["products:read"]});
    let key = workspace.create_key(body);
    workspace.create_key(json!({"name": "deploy", "scopes": ["products:read"]}));
    let found = |text: &str| page(&workspace, &format!("search={text}")).0.len();
    for text in ["bill", "ng%20EX", "export", "NIGHTLY", "ada", "r%20A", "x"] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in ["billings", "ightly%20export", "zz", "%25"] {
        assert_eq!(found(text), 0, "{text}");
    }
    let path = workspace.path(&format!("keys/{}", key.id));
    workspace.owner().patch(&path, json!({"name": "Invoices", "description": null})).expect(200);
    for (text, keys) in [("bill", 0), ("nightly", 0), ("voice", 1), ("deploy", 1)] {
        assert_eq!(found(text), keys, "{text}");
    }
}

#[test]
fn the_last_page_says_that_it_is_the_last_also_when_it_is_full() {
    let workspace = shared("cveium").workspace();
    for _ in 0..3 {
        workspace.key_with(&["products:read"]);
    }
    for (query, keys, goes_on) in [
        ("limit=2", 2, true),
        ("limit=3", 3, false),
        ("limit=3&status=active&sort=name", 3, false),
        ("limit=3&kind=workspace", 3, false),
        ("limit=1&kind=personal", 0, false),
        ("limit=1&search=no-such-key", 0, false),
    ] {
        let (items, cursor) = page(&workspace, query);
        assert_eq!((items.len(), cursor.is_some()), (keys, goes_on), "{query}");
    }
}
