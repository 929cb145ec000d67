//! How often a key was used, by outcome.

use keyward_tests::{Value, eventually, json, now, seconds_from_now, shared, time};

use super::{READABLE_WITHIN, counted};

#[test]
fn uses_are_counted_by_outcome_in_each_hour_and_day() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let path = |query: &str| workspace.path(&format!("keys/{}/usage/summary{query}", key.id));
    let empty = workspace.owner().get(&path("")).expect(200).body;
    assert_eq!(
        (&empty["bucket"], &empty["items"], &empty["totals"]),
        (&json!("hour"), &json!([]), &json!({}))
    );
    let before = now();
    for scope in ["products:read", "products:read", "products:write"] {
        keyward.verify(json!({"key": key.secret, "scopes": [scope]}));
    }
    eventually(READABLE_WITHIN, || counted(&workspace, &key), |uses| *uses == 3);
    for (bucket, seconds) in [("hour", 3_600), ("day", 86_400)] {
        let summary = workspace.owner().get(&path(&format!("?bucket={bucket}"))).expect(200).body;
        assert_eq!(summary["totals"], json!({"valid": 2, "insufficient_scope": 1}), "{summary}");
        let items = summary["items"].as_array().expect("items");
        let began = time(&items[0]["at"]);
        assert!(began <= before && began.as_second() % seconds == 0, "{summary}");
        assert!(before.as_second() - began.as_second() < seconds + 60, "{summary}");
        let sum = |code: &str| items.iter().filter_map(|item| item["counts"][code].as_u64()).sum::<u64>();
        assert_eq!((sum("valid"), sum("insufficient_scope")), (2, 1), "the parts are the whole");
        assert_eq!(summary["gaps"], json!([]));
    }
    let tomorrow = format!("?from={}&to={}", seconds_from_now(86_400), seconds_from_now(2 * 86_400));
    let none = workspace.owner().get(&path(&tomorrow)).expect(200).body;
    assert_eq!((&none["items"], &none["totals"]), (&json!([]), &json!({})));
}

#[test]
fn what_cannot_be_counted_is_refused_with_the_reason() {
    let workspace = shared("cveium").workspace();
    let key = workspace.key_with(&["products:read"]);
    let ask = |query: &str| {
        workspace.owner().get(&workspace.path(&format!("keys/{}/usage/summary?{query}", key.id)))
    };
    let message = |answer: keyward_tests::Answer| -> String {
        answer.body["errors"][0]["message"].as_str().map(Value::from).expect("a message").to_string()
    };
    ask("bucket=minute").refuses_field("bucket");
    ask("from=yesterday").refuses_field("from");
    ask("to=2026").refuses_field("to");
    ask("fro=2026-11-01T00:00:00Z").refuses_field("fro");
    let long = ask("from=2020-01-01T00:00:00Z").refuses_field("from");
    assert!(message(long).contains("744"), "it says how many there may be");
    let backwards = format!("from={}&to={}", seconds_from_now(0), seconds_from_now(-60));
    ask(&backwards).refuses_field("from");
}
