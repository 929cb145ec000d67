use keyward_tests::{Value, Workspace, json, now, seconds_from_now, shared};

const SCOPE: &str = "products:read";

fn workspace() -> Workspace<'static> {
    shared("cveium").workspace()
}

/// Asserts that each value of the field is refused by name, and leaves no key.
#[track_caller]
fn refuses(workspace: &Workspace<'_>, field: &str, values: impl IntoIterator<Item = Value>) {
    workspace.unchanged_by(|| {
        for value in values {
            let mut body = json!({"name": "ci", "scopes": [SCOPE]});
            body[field] = value;
            workspace.owner().post(&workspace.path("keys"), body).refuses_field(field);
        }
    });
}

#[test]
fn a_name_that_is_empty_too_long_or_holds_control_characters() {
    let bad = ["", " ", "\t", "\u{0}", "ci\u{0}", "two\nlines", "\u{7f}", "\u{85}", "\u{1b}[31mred"];
    let mut values: Vec<Value> = bad.iter().map(|name| json!(name)).collect();
    values.push(json!("x".repeat(101)));
    values.push(json!("ж".repeat(101)));
    refuses(&workspace(), "name", values);
}

#[test]
fn a_lone_surrogate_is_no_character() {
    let workspace = workspace();
    workspace.unchanged_by(|| {
        let body = br#"{"name": "\ud800", "scopes": ["products:read"]}"#;
        workspace.owner().post_raw(&workspace.path("keys"), body).refused(&[400, 422]);
    });
}

#[test]
fn a_scope_that_the_catalogue_does_not_have() {
    let bad = [
        "",
        " ",
        "no:such",
        "products",
        "products:",
        "PRODUCTS:READ",
        "products:read ",
        "products:read\u{0}",
    ];
    let mut values: Vec<Value> = bad.iter().map(|scope| json!([scope])).collect();
    values.push(json!([SCOPE, "no:such"]));
    values.push(json!(vec!["no:such"; 10_000]));
    values.push(json!(["x".repeat(100_000)]));
    refuses(&workspace(), "scopes", values);
}

#[test]
fn a_key_with_neither_scopes_nor_rules() {
    let workspace = workspace();
    workspace.unchanged_by(|| {
        for body in [
            json!({"name": "ci"}),
            json!({"name": "ci", "scopes": []}),
            json!({"name": "ci", "rules": []}),
            json!({"name": "ci", "scopes": [], "rules": []}),
        ] {
            workspace.owner().post(&workspace.path("keys"), body).problem(422, "validation_failed");
        }
    });
}

#[test]
fn an_expiry_that_is_past_or_now_or_too_far_or_no_time() {
    let workspace = workspace();
    let past = [seconds_from_now(-1), seconds_from_now(-365 * 24 * 3600), now().to_string()];
    refuses(&workspace, "expires_at", past.iter().map(|at| json!(at)));
    let too_far = [seconds_from_now(1000 * 365 * 24 * 3600), "9999-12-31T23:59:59Z".to_owned()];
    refuses(&workspace, "expires_at", too_far.iter().map(|at| json!(at)));
    let no_time = [
        "",
        "tomorrow",
        "2027-01-01",
        "2027-01-01T00:00:00",
        "2027-13-01T00:00:00Z",
        "2027-02-30T00:00:00Z",
        "2027-01-01T25:00:00Z",
        "+275760-09-13T00:00:00Z",
        "99999-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z\u{0}",
    ];
    refuses(&workspace, "expires_at", no_time.iter().map(|at| json!(at)));
}

#[test]
fn an_expiry_in_seconds_that_is_none_negative_or_too_large() {
    let workspace = workspace();
    let numbers = [json!(0), json!(-1), json!(i64::MIN), json!(i64::MAX), json!(u64::MAX), json!(1e300)];
    refuses(&workspace, "expires_in_seconds", numbers);
    workspace.unchanged_by(|| {
        for number in ["1e400", "-1e400", "99999999999999999999999999", &"9".repeat(5000)] {
            let body = format!(r#"{{"name":"ci","scopes":["products:read"],"expires_in_seconds":{number}}}"#);
            workspace.owner().post_raw(&workspace.path("keys"), body.as_bytes()).refused(&[400, 422]);
        }
    });
}

#[test]
fn two_expiries_at_once() {
    let workspace = workspace();
    let body = json!({"name": "ci", "scopes": [SCOPE], "expires_in_seconds": 3600,
        "expires_at": seconds_from_now(3600)});
    workspace.unchanged_by(|| {
        workspace.owner().post(&workspace.path("keys"), body).problem(422, "validation_failed");
    });
}

#[test]
fn a_description_or_metadata_without_measure() {
    let workspace = workspace();
    refuses(&workspace, "description", [json!("x".repeat(100_000)), json!("a\u{0}b")]);
    let many: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("k{n}"), json!(n))).collect();
    refuses(&workspace, "metadata", [json!({"k": "x".repeat(500_000)}), Value::Object(many)]);
}

#[test]
fn networks_that_are_none() {
    let bad = [
        "",
        "nonsense",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "256.0.0.0/8",
        "::/129",
        "10.0.0.0/8 ",
        "10.0.0.0/8\u{0}",
    ];
    refuses(&workspace(), "allowed_cidrs", bad.iter().map(|cidr| json!([cidr])));
}

#[test]
fn rules_whose_patterns_are_none() {
    let long = "a".repeat(201);
    let bad = ["", ":", "a:", ":a", "a::b", "a b", "a:b\u{0}", "ж:read", "a/b", "{org}:read", long.as_str()];
    let actions = bad.iter().map(|action| json!([{"action": action, "resources": []}]));
    let resources = bad.iter().map(|resource| json!([{"action": "products:read", "resources": [resource]}]));
    refuses(&workspace(), "rules", actions.chain(resources));
}

#[test]
fn more_patterns_segments_or_scopes_than_anybody_reads() {
    let workspace = workspace();
    let rules = |patterns: usize| {
        // Actions and resources count together: a rule of a hundred, and one of the rest.
        let rule = |resources: usize| json!({"action": "a", "resources": vec!["r"; resources]});
        json!([rule(99), rule(patterns - 101)])
    };
    refuses(&workspace, "rules", [rules(129)]);
    let deep = |segments: usize| vec!["a"; segments].join(":");
    refuses(
        &workspace,
        "rules",
        [
            json!([{"action": deep(33), "resources": []}]),
            json!([{"action": SCOPE, "resources": [deep(33)]}]),
            json!([{"action": SCOPE, "resources": [format!("**:{}", deep(32))]}]),
        ],
    );
    refuses(&workspace, "scopes", [json!(vec![""; 257]), json!(vec![SCOPE; 257])]);
    workspace.create_key(json!({"name": "many", "rules": rules(128)}));
    workspace.create_key(json!({"name": "deep", "rules": [{"action": deep(32), "resources": [deep(32)]}]}));
}

#[test]
fn the_restriction_of_a_personal_key_on_a_workspace_key() {
    let workspace = workspace();
    refuses(&workspace, "workspaces", [json!([workspace.slug])]);
}
