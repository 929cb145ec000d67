use std::time::Duration;

use keyward_tests::{Answer, Value, eventually, json, shared, unique};

fn ask(keyward: &keyward_tests::Keyward, questions: &Value) -> Answer {
    keyward.data().post("/v1/verify/batch", json!({ "questions": questions }))
}

#[test]
fn questions_are_answered_in_their_order_each_as_if_it_came_alone() {
    let keyward = shared("cveium");
    let (workspace, other) = (keyward.workspace(), keyward.workspace());
    let (reads, writes) = (workspace.key_with(&["products:read"]), other.key_with(&["products:write"]));
    let questions = json!([
        {"key": reads.secret, "scopes": ["products:read"]},
        {"key": writes.secret, "scopes": ["products:read"]},
        {"key": "garbage"},
        {"key": writes.secret, "workspace": workspace.slug},
        {"key": reads.secret, "method": "GET", "path": "/api/products"},
    ]);
    let answer = ask(keyward, &questions).expect(200);
    let results = answer.body["results"].as_array().expect("results");
    let codes: Vec<&str> = results.iter().filter_map(|result| result["answer"]["code"].as_str()).collect();
    assert_eq!(
        codes,
        ["valid", "insufficient_scope", "malformed", "workspace_mismatch", "valid"],
        "{answer}"
    );
    for (result, question) in results.iter().zip(questions.as_array().expect("questions")) {
        assert_eq!((&result["status"], &result["problem"]), (&json!("answered"), &Value::Null));
        assert_eq!(result["answer"], keyward.verify(question.clone()), "as the same question alone");
        assert_eq!(result["answer"]["usable_for_ms"], 250, "each for as long as one that came alone");
    }
}

#[test]
fn a_hundred_are_answered_and_one_more_or_none_is_422() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let many = |count: usize| json!(vec![json!({"key": key.secret}); count]);
    let answer = ask(keyward, &many(100)).expect(200);
    let results = answer.body["results"].as_array().expect("results");
    assert_eq!(results.len(), 100);
    assert!(results.iter().all(|result| result["answer"]["valid"] == true));
    ask(keyward, &many(101)).refuses_field("questions");
    ask(keyward, &many(0)).refuses_field("questions");
    keyward.data().post("/v1/verify/batch", json!({"key": key.secret})).refuses_field("key");
    keyward.data().post("/v1/verify/batch", json!({})).refuses_field("questions");
    keyward.data().get("/v1/verify/batch").problem(405, "method_not_allowed");
    keyward.data().post("/v1/verify/batch?a=b", json!({"questions": many(1)})).refuses_field("query");
}

#[test]
fn a_mistake_in_one_question_refuses_all_before_any_is_counted() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let body = json!({"name": unique("limited"), "scopes": ["products:read"], "requests_per_minute": 2});
    let key = workspace.create_key(body);
    let good = json!({"key": key.secret});
    for (bad, field) in [
        (json!({"key": key.secret, "ip": "nowhere"}), "questions[1].ip"),
        (json!({"key": key.secret, "colour": "green"}), "questions[1].colour"),
        (json!({"scopes": []}), "questions[1].key"),
        (json!({"key": key.secret, "scopes": ["a:b", ""]}), "questions[1].scopes[1]"),
    ] {
        ask(keyward, &json!([good, bad])).refuses_field(field);
    }
    let answer = ask(keyward, &json!([good, good, good])).expect(200);
    let code = |index: usize| answer.body["results"][index]["answer"]["code"].clone();
    assert_eq!([code(0), code(1), code(2)], ["valid", "valid", "rate_limited"], "{answer}");
    let left = |index: usize| answer.body["results"][index]["rate_limit"].clone();
    assert_eq!((&left(0)["requests_per_minute"], &left(0)["remaining"]), (&json!(2), &json!(1)));
    assert_eq!(left(2)["remaining"], 0);
    assert!((1..=60).contains(&left(2)["resets_in_seconds"].as_u64().expect("seconds")), "{answer}");
}

#[test]
fn a_question_that_only_the_decision_finds_wanting_is_an_error_among_answers() {
    let keyward = shared("cysmiq");
    let (first, second) = (keyward.workspace(), keyward.workspace());
    let person = first.member("member");
    let person = second.join(&person, "member");
    let body = json!({"name": unique("laptop"), "scopes": ["vulnerabilities:read"]});
    let key = first.personal_key(&person, body).secret;
    let answer = ask(keyward, &json!([{"key": key}, {"key": key, "workspace": second.slug}])).expect(200);
    let (wanting, whole) = (&answer.body["results"][0], &answer.body["results"][1]);
    assert_eq!((&wanting["status"], &wanting["answer"]), (&json!("error"), &Value::Null), "{answer}");
    assert_eq!(wanting["problem"]["status"], 422);
    assert_eq!(wanting["problem"]["errors"][0]["field"], "workspace");
    assert_eq!(whole["answer"]["workspace"]["slug"], second.slug);
}

#[test]
fn each_question_is_a_use_of_its_key() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let asked = json!([
        {"key": key.secret, "scopes": ["products:read"], "ip": "203.0.113.7"},
        {"key": key.secret, "scopes": ["products:write"]},
    ]);
    ask(keyward, &asked).expect(200);
    let usage =
        || workspace.owner().get(&workspace.path(&format!("keys/{}/usage", key.id))).expect(200).items();
    let uses = eventually(Duration::from_secs(3), usage, |uses| uses.len() == 2);
    let mut codes: Vec<&str> = uses.iter().filter_map(|used| used["code"].as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["insufficient_scope", "valid"]);
}
