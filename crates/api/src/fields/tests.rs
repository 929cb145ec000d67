use serde_json::json;

use super::*;

fn taken(uri: &str) -> (Vec<String>, String) {
    let mut uri: Uri = uri.parse().unwrap();
    let values = take(&mut uri);
    (values, uri.to_string())
}

fn selected(fields: &str, mut value: Value) -> Result<Value, String> {
    let told = |failure| match failure {
        Failure::Invalid(errors) => errors[0].message.clone(),
        other => panic!("{other:?}"),
    };
    let wanted = Wanted::parse(fields).map_err(told)?;
    wanted.check(&[&value], "").map_err(told)?;
    wanted.cut(&mut value);
    Ok(value)
}

fn key() -> Value {
    json!({
        "id": "key_1", "name": "ci", "description": null, "rotation": null, "metadata": {"team": "blue"},
        "owner": {"id": "usr_1", "name": "Ada"},
        "rules": [{"action": "a", "resources": []}, {"action": "b", "resources": ["r"]}],
    })
}

#[test]
fn the_parameter_goes_and_the_others_stay_as_they_are() {
    for (uri, values, rest) in [
        ("/a", &[][..], "/a"),
        ("/a?", &[], "/a?"),
        ("/a?b=%20+c&&d", &[], "/a?b=%20+c&&d"),
        ("/a?fields=id", &["id"], "/a"),
        ("/a?b=%20+c&fields=id%2Cname&d", &["id,name"], "/a?b=%20+c&d"),
        ("/a?%66ields=id&fields", &["id", ""], "/a"),
    ] {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        assert_eq!(taken(uri), (values, rest.to_owned()), "{uri}");
    }
}

#[test]
fn members_are_kept_at_any_depth() {
    for (fields, kept) in [
        ("id", json!({"id": "key_1"})),
        ("id, description", json!({"id": "key_1", "description": null})),
        ("owner.name", json!({"owner": {"name": "Ada"}})),
        ("owner.name,owner", json!({"owner": {"id": "usr_1", "name": "Ada"}})),
        ("rules.action", json!({"rules": [{"action": "a"}, {"action": "b"}]})),
        ("rotation.started_at", json!({"rotation": null})),
        ("metadata.team,metadata.other", json!({"metadata": {"team": "blue"}})),
    ] {
        assert_eq!(selected(fields, key()), Ok(kept), "{fields}");
    }
}

#[test]
fn an_unknown_name_is_told_with_those_that_there_are() {
    for (fields, words) in [
        (
            "nosuch",
            "there is no \"nosuch\"; there are description, id, metadata, name, owner, rotation, rules",
        ),
        ("owner.nosuch", "there is no \"owner.nosuch\"; there are id, name"),
        ("owner,owner.nosuch", "there is no \"owner.nosuch\""),
        ("name.first", "has no members"),
        ("rules.nosuch", "there are action, resources"),
        ("", "give names"),
        ("id,", "give names"),
        ("owner..name", "give names"),
    ] {
        let told = selected(fields, key()).unwrap_err();
        assert!(told.contains(words), "{fields}: {told}");
    }
    assert!(selected(&"a".repeat(FIELDS_LEN_MAX + 1), key()).is_err());
}

#[test]
fn what_only_some_items_have_is_known() {
    let items = json!([{"id": 1, "old": {"a": 1}}, {"id": 2, "old": null}, {"id": 3}]);
    assert_eq!(selected("old.a", items.clone()), Ok(json!([{"old": {"a": 1}}, {"old": null}, {}])));
    assert!(selected("old.b", items).is_err());
    assert_eq!(selected("whatever.it.is", json!([])), Ok(json!([])));
}
