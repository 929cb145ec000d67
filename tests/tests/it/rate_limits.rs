//! How often a key may be used, on both planes: where limits come from, what counts together, and what is said of
//! them.

use std::sync::OnceLock;

use keyward_tests::{Answer, Key, Keyward, Person, Value, Workspace, json, project_root, shared};

/// A profile with a limit of twelve for every key, and a first plan with four.
fn with_plans() -> &'static Keyward {
    static SERVER: OnceLock<Keyward> = OnceLock::new();
    SERVER.get_or_init(|| {
        let path = project_root().join("profiles/cysmiq.toml");
        let text = std::fs::read_to_string(&path).expect("the profile");
        let plan = "name = \"standard\"\ntitle = \"Standard\"\napi_keys = true\n";
        let plans = format!("{plan}requests_per_minute = 4\n\n[[plans]]\nname = \"large\"\ntitle = \"Large\"\napi_keys = true\n");
        let limit = "requests_per_minute = 60";
        assert!(text.contains(plan) && text.contains(limit), "{} is another one", path.display());
        let dir = tempfile::tempdir().expect("a temporary directory");
        let copy = dir.path().join("limited.toml");
        let text = text.replace(limit, "requests_per_minute = 12").replace(plan, &plans);
        std::fs::write(&copy, text).expect("a profile of one's own");
        Keyward::profile(&copy.display().to_string()).start()
    })
}

/// A key of a profile without limits, with this one of its own.
fn limited(workspace: &Workspace<'_>, a_minute: u32) -> Key {
    let body = json!({"name": "ci", "scopes": ["products:read"], "requests_per_minute": a_minute});
    workspace.create_key(body)
}

fn edit(person: &Person, workspace: &Workspace<'_>, key: &Key, body: &Value) -> Answer {
    person.send_json("PATCH", &workspace.path(&format!("keys/{}", key.id)), body)
}

/// How many of so many questions to the data plane are let through.
fn let_through(keyward: &Keyward, secret: &str, questions: usize) -> usize {
    let codes: Vec<String> = (0..questions).map(|_| keyward.verify_code(secret)).collect();
    let valid = codes.iter().take_while(|code| *code == "valid").count();
    assert!(codes.iter().skip(valid).all(|code| code == "rate_limited"), "{codes:?}");
    valid
}

/// The number of a parameter in a header such as `"key";r=59;t=42`.
#[track_caller]
fn number(answer: &Answer, header: &str, parameter: &str) -> u32 {
    let values: Vec<&str> = answer.all_headers(header).collect();
    assert_eq!(values.len(), 1, "{header} once: {answer}");
    let parameters = values[0].strip_prefix("\"key\";").unwrap_or_else(|| panic!("{header}: {answer}"));
    let found = parameters.split(';').find_map(|pair| pair.strip_prefix(parameter)?.strip_prefix('='));
    found
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{header} without {parameter}: {answer}"))
}

/// Asserts what an answer says of a limit, and that only a refusal says when to come back.
#[track_caller]
fn says(answer: &Answer, limit: u32, remaining: u32) {
    assert_eq!(
        (number(answer, "ratelimit-policy", "q"), number(answer, "ratelimit-policy", "w")),
        (limit, 60)
    );
    assert_eq!(number(answer, "ratelimit", "r"), remaining, "{answer}");
    let resets = number(answer, "ratelimit", "t");
    assert!((1..=61).contains(&resets), "{answer}");
    let over = answer.body["code"] == "rate_limited";
    assert_eq!(answer.header("retry-after").map(str::to_owned), over.then(|| resets.to_string()), "{answer}");
}

#[track_caller]
fn says_nothing(answer: &Answer) {
    for header in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert_eq!(answer.header(header), None, "{answer}");
    }
}

#[test]
fn every_answer_to_a_limited_key_says_what_is_left_on_either_plane() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = limited(&workspace, 8);
    assert_eq!(key.created.body["requests_per_minute"], 8);
    says_nothing(&key.created);
    let caller = keyward.with_key(&key.secret);
    says(&caller.get(&workspace.path("whoami")).expect(200), 8, 7);
    says(&caller.get(&workspace.path("members")).problem(403, "insufficient_scope"), 8, 6);
    says(&caller.get("/api/v1/nosuchws/whoami").problem(404, "not_found"), 8, 5);
    says(&caller.post("/api/v1/workspaces", json!({"name": "mine"})).problem(403, "forbidden"), 8, 4);
    says(&keyward.data().post("/v1/verify", json!({"key": key.secret})).expect(200), 8, 3);
    says(&keyward.authorize(&key.secret, "GET", "/api/products").expect(200), 8, 2);
    says(&keyward.authorize(&key.secret, "POST", "/api/products").problem(403, "insufficient_scope"), 8, 1);
    let elsewhere = json!({"key": key.secret, "workspace": "nosuchws"});
    says_nothing(&keyward.data().post("/v1/verify", elsewhere).expect(200));
    says(&caller.get(&workspace.path("whoami")).expect(200), 8, 0);

    says(&caller.get(&workspace.path("whoami")).problem(429, "rate_limited"), 8, 0);
    says(&caller.delete("/api/v1/me/keys/key_0").problem(429, "rate_limited"), 8, 0);
    says(&keyward.data().post("/v1/verify", json!({"key": key.secret})).expect(200), 8, 0);
    says(&keyward.authorize(&key.secret, "GET", "/api/products").problem(429, "rate_limited"), 8, 0);
    says(&keyward.authorize(&key.secret, "POST", "/api/products").problem(429, "rate_limited"), 8, 0);

    // Sessions, keys without a limit and strangers hear nothing of limits.
    says_nothing(&workspace.owner().get(&workspace.path("whoami")).expect(200));
    let free = workspace.any_key();
    says_nothing(&keyward.with_key(&free.secret).get(&workspace.path("whoami")).expect(200));
    says_nothing(&keyward.authorize(&free.secret, "GET", "/api/products").expect(200));
    workspace.revoke(&key);
    says_nothing(&caller.get(&workspace.path("whoami")).problem(401, "invalid_key"));
    says_nothing(&keyward.authorize(&key.secret, "GET", "/api/products").problem(401, "invalid_key"));
}

#[test]
fn nginx_hears_of_a_key_that_asks_too_often_as_403() {
    let keyward = shared("cveium");
    let key = limited(&keyward.workspace(), 1);
    let gateway = keyward.data().bearer(&key.secret);
    let ask = || gateway.get("/v1/authorize?mode=nginx&scope=products:read");
    says(&ask().expect(200), 1, 0);
    let over = ask().problem(403, "rate_limited");
    assert_eq!(over.header("x-keyward-status"), Some("429"));
    says(&over, 1, 0);
}

#[test]
fn an_edit_changes_a_limit_at_once_and_never_begins_the_minute_anew() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = limited(&workspace, 3);
    assert_eq!(let_through(keyward, &key.secret, 5), 3);
    edit(workspace.owner(), &workspace, &key, &json!({"name": "renamed"})).expect(200);
    assert_eq!(let_through(keyward, &key.secret, 2), 0);
    let wider = edit(workspace.owner(), &workspace, &key, &json!({"requests_per_minute": 5})).expect(200);
    assert_eq!(wider.body["requests_per_minute"], 5);
    assert_eq!(let_through(keyward, &key.secret, 4), 2);
    let cleared =
        edit(workspace.owner(), &workspace, &key, &json!({"requests_per_minute": null})).expect(200);
    assert_eq!(cleared.body["requests_per_minute"], json!(null));
    assert_eq!(workspace.get_key(&key.id).body["requests_per_minute"], json!(null));
    assert_eq!(let_through(keyward, &key.secret, 20), 20);
    edit(workspace.owner(), &workspace, &key, &json!({"requests_per_minute": 5})).expect(200);
    assert_eq!(let_through(keyward, &key.secret, 2), 0);
}

#[test]
fn a_limit_is_a_number_from_one_to_a_million() {
    let workspace = shared("cveium").workspace();
    let key = workspace.any_key();
    workspace.unchanged_by(|| {
        for bad in
            [json!(0), json!(-1), json!(1_000_001), json!(u64::MAX), json!(1.5), json!("60"), json!([60])]
        {
            let body = json!({"name": "ci", "scopes": ["products:read"], "requests_per_minute": bad});
            workspace.owner().post(&workspace.path("keys"), body).refuses_field("requests_per_minute");
            let body = json!({"requests_per_minute": bad});
            edit(workspace.owner(), &workspace, &key, &body).refuses_field("requests_per_minute");
        }
    });
    for good in [1, 1_000_000] {
        assert_eq!(limited(&workspace, good).created.body["requests_per_minute"], good);
    }
    assert_eq!(key.created.body["requests_per_minute"], json!(null));
}

#[test]
fn the_two_secrets_of_a_rotation_have_one_limit() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = limited(&workspace, 4);
    assert_eq!(let_through(keyward, &key.secret, 1), 1);
    let path = workspace.path(&format!("keys/{}/rotate", key.id));
    let rotated = workspace.owner().post(&path, json!({})).expect(200);
    assert_eq!(rotated.body["requests_per_minute"], 4);
    let new = rotated.text_at("secret");
    assert_eq!(let_through(keyward, &new, 2), 2);
    keyward.with_key(&key.secret).get(&workspace.path("whoami")).expect(200);
    assert_eq!((let_through(keyward, &new, 1), let_through(keyward, &key.secret, 1)), (0, 0));
    workspace.owner().post_nothing(&format!("{path}/finish")).expect(200);
    assert_eq!(let_through(keyward, &new, 1), 0);
}

#[test]
fn two_keys_do_not_disturb_each_other() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, other) = (limited(&workspace, 2), limited(&workspace, 3));
    assert_eq!(let_through(keyward, &one.secret, 10), 2);
    assert_eq!(let_through(keyward, &other.secret, 10), 3);
}

#[test]
fn a_limited_key_gives_no_other_a_wider_limit() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let rules = json!([{"action": "settings.manage"}, {"action": "keys.read"}]);
    let maker = workspace.create_key(json!({"name": "maker", "scopes": ["products:read"], "rules": rules,
        "requests_per_minute": 50}));
    let (narrow, wide) = (limited(&workspace, 10), limited(&workspace, 51));
    let caller = keyward.with_key(&maker.secret);
    let create = |limit: Value| {
        let body = json!({"name": "child", "scopes": ["products:read"], "requests_per_minute": limit});
        caller.post(&workspace.path("keys"), body)
    };
    let patch = |key: &Key, body: &Value| {
        caller.send_json("PATCH", &workspace.path(&format!("keys/{}", key.id)), body)
    };
    let rotate = |key: &Key| caller.post_nothing(&workspace.path(&format!("keys/{}/rotate", key.id)));
    workspace.unchanged_by(|| {
        for wider in [json!(null), json!(51)] {
            create(wider.clone()).refuses_field("requests_per_minute");
            for key in [&narrow, &maker] {
                patch(key, &json!({"requests_per_minute": wider})).refuses_field("requests_per_minute");
            }
        }
        rotate(&wide).refuses_field("requests_per_minute");
    });
    create(json!(50)).expect(201);
    patch(&narrow, &json!({"requests_per_minute": 50})).expect(200);
    patch(&wide, &json!({"name": "what was there before stays"})).expect(200);
    rotate(&narrow).expect(200);
    patch(&maker, &json!({"requests_per_minute": 20})).expect(200);
}

#[test]
fn the_smallest_of_the_limits_of_profile_plan_and_key_counts() {
    let keyward = with_plans();
    let workspace = keyward.workspace();
    let create = |own: Value| {
        let body = json!({"name": "ci", "scopes": ["vulnerabilities:read"], "requests_per_minute": own});
        workspace.create_key(body)
    };
    let plan = workspace.owner().get(&workspace.path("plan")).expect(200);
    assert_eq!(plan.body["requests_per_minute"], 4);
    let (of_plan, own) = (create(json!(null)), create(json!(2)));
    let first = keyward.with_key(&of_plan.secret).get(&workspace.path("whoami")).expect(200);
    says(&first, 4, 3);
    assert_eq!(let_through(keyward, &of_plan.secret, 10), 3);
    assert_eq!(let_through(keyward, &own.secret, 10), 2);

    workspace.set_plan("large");
    let plan = workspace.owner().get(&workspace.path("plan")).expect(200);
    assert_eq!(plan.body["requests_per_minute"], json!(null));
    assert_eq!(let_through(keyward, &of_plan.secret, 20), 8, "the profile's twelve, four of them used");
    let wide = create(json!(1_000));
    assert_eq!(let_through(keyward, &wide.secret, 20), 12);
}

#[test]
fn a_personal_key_has_the_limit_of_the_plan_where_it_is_used() {
    let keyward = with_plans();
    let (small, large) = (keyward.workspace(), keyward.workspace());
    large.set_plan("large");
    let body = json!({"name": "laptop", "scopes": ["vulnerabilities:read"]});
    let key = small.personal_key(keyward.owner(), body);
    let ask = |workspace: &Workspace<'_>| {
        let question = json!({"key": key.secret, "workspace": workspace.slug});
        keyward.data().post("/v1/verify", question).expect(200)
    };
    (0..4).for_each(|n| says(&ask(&small), 4, 3 - n));
    assert_eq!(ask(&small).body["code"], "rate_limited");
    says(&ask(&large), 12, 7);
    // The control plane counts before it knows which workspace is meant.
    says(&keyward.with_key(&key.secret).get(&small.path("whoami")).expect(200), 12, 6);
}
