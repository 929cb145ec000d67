//! What a page weighs, with all that it loads, before compression.

use keyward_tests::{Person, json, shared};

/// A page that weighs more is felt on a slow line.
const WEIGHT_MAX: usize = 100 * 1024;

/// The bytes of a page and of the assets that it names.
fn weight(person: &Person, path: &str) -> usize {
    let page = person.get(path).expect(200).text;
    let assets = page.split('"').filter(|part| part.starts_with("/assets/"));
    let mut named: Vec<&str> = assets.collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), 3, "{named:?}");
    page.len() + named.iter().map(|asset| person.get(asset).text.len()).sum::<usize>()
}

#[test]
fn a_page_weighs_less_than_100_kb_with_all_its_assets() {
    let keyward = shared("cycloid");
    let workspace = keyward.workspace();
    let scopes: Vec<String> =
        ["create", "read", "update", "delete"].map(|deed| format!("organization:project:{deed}")).into();
    let long = "long words about a key ".repeat(8);
    let mut last = String::new();
    for number in 0..30 {
        let key = workspace.create_key(json!({"name": format!("key {number:02} {}", "x".repeat(60)), "description": long, "scopes": scopes}));
        for _ in 0..2 {
            keyward.verify(json!({"key": key.secret, "ip": "10.0.0.4"}));
        }
        last = key.id;
    }
    let owner = workspace.owner();
    for page in [
        "keys".to_owned(),
        "keys/new".to_owned(),
        format!("keys/{last}"),
        format!("keys/{last}/usage"),
        format!("keys/{last}/edit"),
        "members".to_owned(),
        "roles".to_owned(),
        "roles/new".to_owned(),
        "service-accounts".to_owned(),
        "webhooks/new".to_owned(),
        "audit".to_owned(),
    ] {
        let weight = weight(owner, &format!("/w/{}/{page}", workspace.slug));
        assert!(weight < WEIGHT_MAX, "{page} weighs {weight} bytes");
    }
}
