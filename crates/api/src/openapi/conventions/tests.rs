use std::collections::BTreeSet;

use serde_json::Value;

use crate::document;

/// Members by these names are secrets wherever they stand.
const NAMES_OF_SECRETS: [&str; 4] = ["secret", "token", "password", "value"];

fn json() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// The members of a schema, through references and compositions, by name.
fn members(document: &Value, schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        members(document, document.pointer(reference.trim_start_matches('#')).unwrap(), found);
    }
    for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[word].as_array()).flatten() {
        members(document, part, found);
    }
    found.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
}

/// Each POST, by its address.
fn posts(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().filter_map(|(path, item)| item.get("post").map(|post| (path.as_str(), post)))
}

fn has_parameter(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == name)
}

#[test]
fn every_post_takes_the_header_but_for_those_of_people_who_are_nobody_yet() {
    let document = json();
    let without: Vec<&str> = posts(&document)
        .filter(|(_, post)| !has_parameter(post, "Idempotency-Key"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        without,
        ["/api/v1/billing/stripe", "/api/v1/invitations/accept", "/api/v1/session", "/api/v1/setup"]
    );
}

/// Shows what is kept, each time it is asked, and makes nothing: its answers are not kept for a second time.
const SHOWS_AGAIN: &str = "/api/v1/{slug}/vaults/{id}/secrets/{sid}/reveal";

#[test]
fn every_answer_with_a_secret_says_what_it_is_the_second_time() {
    let document = json();
    let mut with_secrets = BTreeSet::new();
    let repeatable = posts(&document).filter(|(_, post)| has_parameter(post, "Idempotency-Key"));
    for (path, post) in repeatable.filter(|(path, _)| *path != SHOWS_AGAIN) {
        for (status, response) in post["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/json"]["schema"];
            let mut names = BTreeSet::new();
            members(&document, schema, &mut names);
            if status.starts_with('2') && NAMES_OF_SECRETS.iter().any(|name| names.contains(*name)) {
                assert!(names.contains("secret_already_shown"), "{path} answers a secret: {names:?}");
                with_secrets.insert(path);
            }
        }
    }
    assert_eq!(with_secrets.len(), 7, "{with_secrets:?}");
}

#[test]
fn every_get_takes_fields() {
    let document = json();
    for (path, item) in document["paths"].as_object().unwrap() {
        if let Some(get) = item.get("get") {
            assert!(has_parameter(get, "fields"), "{path}");
        }
    }
}
