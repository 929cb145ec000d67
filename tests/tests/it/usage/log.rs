//! What stands in the log.

use std::time::Duration;

use keyward_tests::{Keyward, eventually, json, now, seconds_from_now, shared, time, unique};

use super::{codes, gateway, until_logged, usage};

#[test]
fn cyb_12_every_use_is_in_the_log_whatever_became_of_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let body = json!({"name": "ci", "scopes": ["products:read"], "allowed_cidrs": ["203.0.113.0/24"],
                      "requests_per_minute": 3});
    let key = workspace.create_key(body);
    let about = |more: keyward_tests::Value| {
        let mut question = json!({"key": key.secret, "ip": "203.0.113.7"});
        question.as_object_mut().expect("a question").extend(more.as_object().expect("more").clone());
        keyward.verify(question)["code"].as_str().expect("a code").to_owned()
    };
    let asked = [
        about(json!({"scopes": ["products:read"], "method": "GET", "path": "/api/products?page=2"})),
        about(json!({"scopes": ["products:write"]})),
        about(json!({"workspace": "elsewhere"})),
        about(json!({"ip": "198.51.100.1"})),
        about(json!({"action": "products:read"})),
        about(json!({})),
    ];
    workspace.revoke(&key);
    let revoked = about(json!({}));
    let items = until_logged(&workspace, &key.id, 7);
    let told = codes(&items);
    let expected = [
        "valid",
        "insufficient_scope",
        "workspace_mismatch",
        "ip_not_allowed",
        "valid",
        "rate_limited",
        "revoked",
    ];
    assert_eq!(told, expected);
    assert_eq!(asked.iter().chain([&revoked]).map(String::as_str).collect::<Vec<_>>(), expected);

    let first = items.last().expect("the first use");
    let at = time(&first["at"]);
    assert!((now() - at).get_seconds().abs() < 30, "{first}");
    let mut rest = first.clone();
    rest.as_object_mut().expect("an item").remove("at");
    let expected = json!({"code": "valid", "ip": "203.0.113.7", "user_agent": null, "node": "local", "secret": "current",
                          "scope": "products:read", "method": "GET", "path": "/api/products"});
    assert_eq!(rest, expected);
    assert_eq!((&items[3]["ip"], &items[2]["scope"]), (&json!("198.51.100.1"), &json!("products:read")));
}

#[test]
fn cyb_12_a_request_through_a_gateway_is_told_with_its_program_and_path() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let from = |caller: keyward_tests::Caller| {
        caller.with("X-Forwarded-For", "198.51.100.4").with("User-Agent", "curl/8.5")
    };
    from(gateway(keyward, &key.secret, "GET", "/api/products/7?x=1")).get("/v1/authorize").expect(200);
    from(gateway(keyward, &key.secret, "POST", "/api/products")).get("/v1/authorize").expect(403);
    let items = until_logged(&workspace, &key.id, 2);
    let told = |at: usize, member: &str| items[at][member].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        ["code", "method", "path", "scope"].map(|member| told(1, member)),
        ["valid", "GET", "/api/products/7", "products:read"]
    );
    assert_eq!(
        ["code", "method", "path", "scope"].map(|member| told(0, member)),
        ["insufficient_scope", "POST", "/api/products", "products:write"]
    );
    for item in &items {
        assert_eq!((&item["ip"], &item["user_agent"]), (&json!("198.51.100.4"), &json!("curl/8.5")));
    }
}

#[test]
fn cyb_12_an_expired_key_and_one_without_a_paid_plan_leave_their_traces_too() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.owner();
    let key =
        workspace.personal_key(person, json!({"name": unique("short"), "expires_at": seconds_from_now(2)}));
    workspace.set_plan("starter");
    let asked = json!({"key": key.secret, "workspace": workspace.slug});
    assert_eq!(keyward.verify(asked.clone())["code"], "plan_required");
    eventually(
        Duration::from_secs(5),
        || keyward.verify(asked.clone())["code"].clone(),
        |code| *code == "expired",
    );
    let look = || person.get(&format!("/api/v1/me/keys/{}/usage", key.id)).expect(200).items();
    let items = eventually(Duration::from_secs(1), look, |items| items[0]["code"] == "expired");
    assert_eq!(codes(&items)[0], "plan_required");
}

#[test]
fn settled_6_the_log_says_which_of_two_secrets_was_used() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let new = workspace.owner().post_nothing(&workspace.path(&format!("keys/{}/rotate", key.id))).expect(200);
    for secret in [&key.secret, &new.text_at("secret"), &key.secret] {
        assert_eq!(keyward.verify_code(secret), "valid");
    }
    workspace.owner().post_nothing(&workspace.path(&format!("keys/{}/rotate/finish", key.id))).expect(200);
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
    let items = until_logged(&workspace, &key.id, 4);
    let secrets: Vec<_> =
        items.iter().rev().map(|item| item["secret"].as_str().unwrap_or_default()).collect();
    assert_eq!(secrets, ["previous", "current", "previous", "previous"]);
}

#[test]
fn requests_to_the_control_plane_are_uses_too_with_the_code_of_what_was_refused() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key =
        workspace.create_key(json!({"name": "ci", "scopes": ["products:read"], "requests_per_minute": 4}));
    let caller = keyward.with_key(&key.secret).with("User-Agent", "terraform/1.9");
    caller.get(&workspace.path("whoami")).expect(200);
    caller.get(&workspace.path("keys?limit=1")).problem(403, "insufficient_scope");
    caller.get("/api/v1/nosuchws/whoami").problem(404, "not_found");
    caller.get(&workspace.path("whoami?nonsense=1")).problem(422, "validation_failed");
    caller.get(&workspace.path("whoami")).problem(429, "rate_limited");
    workspace.revoke(&key);
    caller.get(&workspace.path("whoami")).problem(401, "invalid_key");
    let items = until_logged(&workspace, &key.id, 6);
    let expected =
        ["valid", "insufficient_scope", "not_found", "validation_failed", "rate_limited", "revoked"];
    assert_eq!(codes(&items), expected);
    for item in &items {
        assert_eq!((&item["method"], &item["user_agent"]), (&json!("GET"), &json!("terraform/1.9")));
        assert_eq!((&item["ip"], &item["node"]), (&json!("127.0.0.1"), &json!("local")));
    }
    assert_eq!(items[5]["path"], workspace.path("whoami"));
    assert_eq!(
        (&items[4]["path"], &items[4]["scope"]),
        (&json!(workspace.path("keys")), &json!("keys.read"))
    );
    let last = workspace.get_key(&key.id).body["last_used_at"].clone();
    assert_eq!(last, items[5]["at"], "only what was let through is the last use");
}

#[test]
fn a_question_that_cannot_be_answered_is_a_use_all_the_same() {
    let keyward = shared("default");
    let (one, two) = (keyward.workspace(), keyward.workspace());
    let key = one.personal_key(
        one.owner(),
        json!({"name": unique("both"), "workspaces": [one.slug, two.slug],
                                                   "scopes": ["api:read"]}),
    );
    keyward.data().post("/v1/verify", json!({"key": key.secret})).refuses_field("workspace");
    let look = || one.owner().get(&format!("/api/v1/me/keys/{}/usage", key.id)).expect(200).items();
    let items = eventually(super::READABLE_WITHIN, look, |items| !items.is_empty());
    assert_eq!(codes(&items), ["workspace_needed"]);
}

#[test]
fn the_log_is_read_by_outcome_address_and_time_page_by_page() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let mut between = Vec::new();
    for (scope, ip) in [
        ("products:read", "203.0.113.1"),
        ("products:write", "203.0.113.1"),
        ("products:read", "2001:db8::1"),
        ("products:read", "203.0.113.1"),
    ] {
        between.push(now());
        std::thread::sleep(Duration::from_millis(3));
        keyward.verify(json!({"key": key.secret, "scopes": [scope], "ip": ip}));
    }
    let all = until_logged(&workspace, &key.id, 4);
    for (query, expected) in [
        ("?code=valid", vec![0, 1, 3]),
        ("?code=insufficient_scope", vec![2]),
        ("?code=expired", vec![]),
        ("?ip=203.0.113.1", vec![0, 2, 3]),
        ("?ip=2001:DB8:0::1", vec![1]),
        ("?ip=203.0.113.1&code=valid", vec![0, 3]),
        (&format!("?from={}", between[2]), vec![0, 1]),
        (&format!("?to={}", between[2]), vec![2, 3]),
        (&format!("?from={}&to={}", between[1], between[3]), vec![1, 2]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|at: usize| all[at].clone()).collect();
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = usage(&workspace, &key.id, &format!("{query}&limit=1{cursor}"));
            found.extend(page.items());
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, expected, "{query}");
    }
    let next = usage(&workspace, &key.id, "?limit=1").text_at("next_cursor");
    let path = |query: &str| workspace.path(&format!("keys/{}/usage{query}", key.id));
    let owner = workspace.owner();
    owner.get(&path(&format!("?code=valid&cursor={next}"))).refuses_field("cursor");
    for (query, field) in [
        ("?ip=here", "ip"),
        ("?from=soon", "from"),
        ("?to=x", "to"),
        ("?code=", "code"),
        ("?codes=valid", "codes"),
    ] {
        owner.get(&path(query)).refuses_field(field);
    }
}

#[test]
fn cyb_11_a_key_shows_when_and_from_where_it_was_last_used_with_success() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let ends = seconds_from_now(86_400);
    let key = workspace.personal_key(&person, json!({"name": unique("automation"), "expires_at": ends}));
    let ask = |ip: &str, scope: &str| {
        keyward.verify(json!({"key": key.secret, "workspace": workspace.slug, "ip": ip, "scopes": [scope]}))
    };
    assert_eq!(ask("203.0.113.7", "scans:read")["code"], "valid");
    assert_eq!(ask("198.51.100.1", "audit:read")["code"], "insufficient_scope");
    let uses = format!("/api/v1/me/keys/{}/usage", key.id);
    let items = eventually(
        super::READABLE_WITHIN,
        || person.get(&uses).expect(200).items(),
        |items| items.len() == 2,
    );
    let row = person.get("/api/v1/me/keys?limit=200").expect(200).items();
    let row = row.iter().find(|row| row["id"] == key.id.as_str()).expect("the key's row");
    assert_eq!(row["last_used_ip"], "203.0.113.7", "that of the last successful request");
    assert_eq!(row["last_used_at"], items[1]["at"]);
    assert_eq!(time(&row["expires_at"]), time(&json!(ends)));
    assert!(time(&row["created_at"]) <= time(&row["last_used_at"]), "{row}");
}

#[test]
fn cys_8_a_row_of_the_list_has_name_status_created_last_used_expires_and_scopes() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let scope = workspace.first_scope();
    let name = unique("row");
    let body = |name: &str, ends: i64| json!({"name": name, "scopes": [scope], "expires_at": seconds_from_now(ends)});
    let key = workspace.create_key(body(&name, 86_400));
    let short = workspace.create_key(body("short", 1));
    let disabled = workspace.create_key(body("disabled", 86_400));
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    workspace.revoke(&disabled);
    let row = |id: &str| workspace.keys().into_iter().find(|row| row["id"] == id).expect("the key's row");
    let used = eventually(super::READABLE_WITHIN, || row(&key.id), |row| row["last_used_at"].is_string());
    assert_eq!((&used["name"], &used["status"]), (&json!(name), &json!("active")));
    assert_eq!(used["scopes"], json!([scope]));
    assert!(time(&used["created_at"]) <= time(&used["last_used_at"]), "{used}");
    assert!(time(&used["last_used_at"]) < time(&used["expires_at"]), "{used}");
    let over = eventually(Duration::from_secs(3), || row(&short.id), |row| row["status"] == "expired");
    assert_eq!((&over["last_used_at"], &row(&disabled.id)["status"]), (&json!(null), &json!("revoked")));
}

#[test]
fn a_use_is_readable_within_a_second() {
    let keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    for uses in 1..=5 {
        keyward.verify(json!({"key": key.secret}));
        let look = || usage(&workspace, &key.id, "").items().len();
        eventually(Duration::from_secs(1), look, |found| *found == uses);
    }
}
