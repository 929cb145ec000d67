//! `POST /api/v1/{slug}/keys/import`: keys from elsewhere, known by the SHA-256 of their secrets.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use keyward_tests::{
    Answer, Caller, Keyward, Value, Workspace, eventually, json, now, sha256, shared, time, unique,
};

const MIB: usize = 1024 * 1024;

/// A secret that no other test has, in nobody's form.
fn foreign_secret() -> String {
    format!("sk_live_{}", unique("4eC39HqLyjWDarjtT1zdp7dc"))
}

/// What tells of a key with that secret.
fn told(secret: &str) -> Value {
    json!({"sha256": sha256(secret).1, "name": unique("imported"), "scopes": ["products:read"]})
}

#[track_caller]
fn import(caller: &Caller, workspace: &Workspace<'_>, keys: &[Value]) -> Answer {
    caller.post(&workspace.path("keys/import"), json!({ "keys": keys }))
}

/// Imports one key as the owner, and gives its id.
#[track_caller]
fn import_one(workspace: &Workspace<'_>, key: Value) -> String {
    let answer = import(workspace.owner(), workspace, &[key]).expect(201);
    answer.body["keys"][0]["id"].as_str().expect("an id").to_owned()
}

/// The errors of a refusal as `field code`.
fn errors(answer: &Answer) -> Vec<String> {
    let text = |error: &Value, member: &str| error[member].as_str().unwrap_or_default().to_owned();
    let errors = answer.body["errors"].as_array().expect("errors");
    errors.iter().map(|error| format!("{} {}", text(error, "field"), text(error, "code"))).collect()
}

#[test]
fn secrets_from_elsewhere_go_on_working_everywhere_whatever_their_form() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let tail = unique("");
    let secrets = [
        foreign_secret(),
        format!("dGhpcyBpcyBhIGtleQ+/{tail}=="),
        format!("~!@#$%^&*()_+-=[]{{}}|;':\",./<>?`\\{tail}"),
        format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{tail}"),
        format!("{tail}{}", "x".repeat(512 - tail.len())),
        // In the profile's own form, but for the checksum.
        format!("cvk_{:0>64}", sha256(&tail).1),
    ];
    let keys: Vec<Value> = secrets.iter().map(|secret| told(secret)).collect();
    let answer = import(workspace.owner(), &workspace, &keys).expect(201);
    assert_eq!(answer.body["imported"], secrets.len());
    for (at, secret) in secrets.iter().enumerate() {
        let (id, name) = (&answer.body["keys"][at]["id"], &answer.body["keys"][at]["name"]);
        assert_eq!(name, &keys[at]["name"], "the answer is in the order of the request");
        let verified = keyward.verify(json!({"key": secret, "scopes": ["products:read"]}));
        assert_eq!(
            (&verified["code"], &verified["key"]["id"]),
            (&json!("valid"), id),
            "{secret}: {verified}"
        );
        let denied = keyward.verify(json!({"key": secret, "scopes": ["products:write"]}));
        assert_eq!(denied["code"], "insufficient_scope");
        let authorized = keyward.authorize(secret, "GET", "/api/products").expect(200);
        assert_eq!(authorized.header("x-keyward-key-id"), id.as_str());
        let by_header = keyward.data().api_key(secret).get("/v1/authorize?scope=products:read");
        assert_eq!(by_header.expect(200).header("x-keyward-key-id"), id.as_str());
        for caller in [keyward.with_key(secret), keyward.anonymous().api_key(secret)] {
            let whoami = caller.get(&workspace.path("whoami")).expect(200);
            assert_eq!(&whoami.body["key"]["id"], id);
        }
    }
    assert_eq!(keyward.verify_code(&format!("{}x", secrets[0])), "malformed");
}

#[test]
fn an_imported_key_is_a_key_like_any_other() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let secret = foreign_secret();
    let mut key = told(&secret);
    for (field, value) in [
        ("name", json!("ci pipeline")),
        ("hint", json!("sk_live_…p7dc")),
        ("description", json!("the pipeline")),
        ("rules", json!([{"action": "sboms:*", "resources": ["sbom:1"]}])),
        ("created_at", json!("2024-02-29T12:00:00.5Z")),
        ("expires_in_seconds", json!(3600)),
        ("allowed_cidrs", json!(["10.0.0.0/8"])),
        ("metadata", json!({"old_id": "7"})),
    ] {
        key[field] = value;
    }
    let id = import_one(&workspace, key);
    let shown = workspace.get_key(&id).body;
    for (field, value) in [
        ("name", json!("ci pipeline")),
        ("kind", json!("workspace")),
        ("status", json!("active")),
        ("secret_hint", json!("sk_live_…p7dc")),
        ("description", json!("the pipeline")),
        ("scopes", json!(["products:read"])),
        ("rules", json!([{"action": "sboms:*", "resources": ["sbom:1"]}])),
        ("created_at", json!("2024-02-29T12:00:00.5Z")),
        ("allowed_cidrs", json!(["10.0.0.0/8"])),
        ("metadata", json!({"old_id": "7"})),
        ("last_used_at", Value::Null),
    ] {
        assert_eq!(shown[field], value, "{field}: {shown}");
    }
    assert_eq!(shown["service_account"]["name"], "api_ci-pipeline");
    assert_eq!(shown["created_by"]["id"], workspace.owner().id_in(&workspace.slug));
    assert_eq!(keyward.verify_code(&secret), "ip_not_allowed");

    let plain = import_one(&workspace, told(&foreign_secret()));
    let plain = workspace.get_key(&plain).body;
    assert_eq!((&plain["secret_hint"], &plain["expires_at"]), (&json!("…"), &Value::Null));
    assert!(now().as_second() - time(&plain["created_at"]).as_second() < 60, "{plain}");
}

#[test]
fn a_key_that_was_over_before_it_came_arrives_expired() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let secret = foreign_secret();
    let mut key = told(&secret);
    key["expires_at"] = json!("2025-01-01T00:00:00Z");
    let id = import_one(&workspace, key);
    assert_eq!(workspace.get_key(&id).body["status"], "expired");
    assert_eq!(keyward.verify_code(&secret), "expired");
}

#[test]
fn an_imported_key_is_rotated_and_revoked_and_its_secrets_never_come_back() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (old, owner) = (foreign_secret(), workspace.owner());
    let id = import_one(&workspace, told(&old));
    let key = workspace.path(&format!("keys/{id}"));
    let rotated = owner.post_nothing(&format!("{key}/rotate")).expect(200);
    let new = rotated.text_at("secret");
    assert!(new.starts_with("cvk_"), "a new secret has the profile's form");
    for (secret, which) in [(&old, "previous"), (&new, "current")] {
        assert_eq!(keyward.verify(json!({ "key": secret }))["key"]["secret"], which);
    }
    owner.post_nothing(&format!("{key}/rotate/finish")).expect(200);
    assert_eq!((keyward.verify_code(&old), keyward.verify_code(&new)), ("revoked".into(), "valid".into()));
    workspace.unchanged_by(|| {
        for secret in [&old, &new] {
            let again = import(owner, &workspace, &[told(secret)]).problem(422, "validation_failed");
            assert!(again.text.contains(&id), "{again}");
        }
    });
    owner.delete(&key).expect(204);
    assert_eq!(keyward.verify_code(&new), "revoked");
    workspace.unchanged_by(|| {
        for secret in [&old, &new] {
            import(owner, &workspace, &[told(secret)]).refuses_field("keys[0].sha256");
        }
    });
    assert_eq!((keyward.verify_code(&old), keyward.verify_code(&new)), ("revoked".into(), "revoked".into()));
}

#[test]
fn one_mistake_and_nothing_is_imported() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let secrets: Vec<String> = (0..3).map(|_| foreign_secret()).collect();
    for (field, value) in [
        ("name", json!("")),
        ("scopes", json!(["no:such"])),
        ("scopes", json!([])),
        ("hint", json!("sk_live_0123456789abcdef")),
        ("hint", json!("a b")),
        ("created_at", json!("2999-01-01T00:00:00Z")),
        ("created_at", json!("1969-12-31T23:59:59Z")),
        ("allowed_cidrs", json!(["10.0.0.1/8"])),
        ("metadata", json!({"": "x"})),
        ("sha256", json!("")),
        ("expires_in_seconds", json!(0)),
        ("workspaces", json!([])),
        ("secret", json!("x")),
    ] {
        let mut keys: Vec<Value> = secrets.iter().map(|secret| told(secret)).collect();
        keys[1][field] = value;
        workspace.unchanged_by(|| {
            import(workspace.owner(), &workspace, &keys).refuses_field(&format!("keys[1].{field}"))
        });
    }
    workspace.unchanged_by(|| {
        let mut both = told(&secrets[0]);
        both["expires_at"] = json!("2999-01-01T00:00:00Z");
        both["expires_in_seconds"] = json!(60);
        import(workspace.owner(), &workspace, &[both]).refuses_field("keys[0].expires_in_seconds");
        import(workspace.owner(), &workspace, &[]).refuses_field("keys");
    });
    for secret in &secrets {
        assert_eq!(keyward.verify_code(secret), "malformed");
    }
    let keys: Vec<Value> = secrets.iter().map(|secret| told(secret)).collect();
    import(workspace.owner(), &workspace, &keys).expect(201);
    assert_eq!(workspace.keys().len(), 3);
}

#[test]
fn mistakes_are_told_together_but_not_all_of_very_many() {
    let workspace = shared("cveium").workspace();
    let bad = json!({"sha256": "", "name": "", "hint": "", "scopes": ["no:such"]});
    workspace.unchanged_by(|| {
        let few = import(workspace.owner(), &workspace, &[told("a"), bad.clone()])
            .problem(422, "validation_failed");
        // A hint is only looked at beside a digest.
        let expected = ["keys[1].sha256 invalid", "keys[1].name required", "keys[1].scopes[0] not_found"];
        assert_eq!(errors(&few), expected);
        let many = import(workspace.owner(), &workspace, &vec![bad.clone(); 1_000]);
        let many = many.problem(422, "validation_failed");
        let told = errors(&many);
        assert_eq!(
            (told.len(), told[99].as_str(), told[100].as_str()),
            (101, "keys[33].sha256 invalid", "keys invalid")
        );
        let more = many.body["errors"][100]["message"].as_str().expect("a message");
        assert!(more.starts_with("2900 more"), "{more}");
    });
}

#[test]
fn a_secret_that_is_put_where_its_digest_belongs_is_not_repeated() {
    let workspace = shared("cveium").workspace();
    let secret = foreign_secret();
    let mut key = told(&secret);
    key["sha256"] = json!(secret);
    let answer = import(workspace.owner(), &workspace, &[key]).refuses_field("keys[0].sha256");
    assert!(!answer.whole().contains(&secret), "{answer}");
    assert!(answer.text.contains("never the secret itself"), "{answer}");
    let mut key = told("s3cr3t-of-14ch");
    key["hint"] = json!("s3cr3t-of-14ch");
    let answer = import(workspace.owner(), &workspace, &[key]).refuses_field("keys[0].hint");
    assert!(!answer.whole().contains("s3cr3t-of-14ch"), "{answer}");
}

#[test]
fn a_secret_comes_once_in_a_call_and_once_for_ever() {
    let workspace = shared("cveium").workspace();
    let (first, second, third) = (foreign_secret(), foreign_secret(), foreign_secret());
    let owner = workspace.owner();
    workspace.unchanged_by(|| {
        let mut shouting = told(&first);
        shouting["sha256"] = json!(sha256(&first).1.to_uppercase());
        let keys = [told(&first), told(&second), shouting, told(&first)];
        let answer = import(owner, &workspace, &keys).problem(422, "validation_failed");
        assert_eq!(errors(&answer), ["keys[2].sha256 duplicate", "keys[3].sha256 duplicate"]);
        assert!(answer.text.contains("keys[0] has it too"), "{answer}");
    });
    let id = import_one(&workspace, told(&first));
    let made = workspace.key_with(&["products:read"]);
    workspace.unchanged_by(|| {
        let keys = [told(&second), told(&first), told(&third), told(&made.secret)];
        let answer = import(owner, &workspace, &keys).problem(422, "validation_failed");
        assert_eq!(errors(&answer), ["keys[1].sha256 duplicate", "keys[3].sha256 duplicate"]);
        for (error, id) in answer.body["errors"].as_array().expect("errors").iter().zip([&id, &made.id]) {
            assert!(
                error["message"].as_str().is_some_and(|message| message.ends_with(id.as_str())),
                "{answer}"
            );
        }
        // Whoever did not hear an answer learns from the next that all is done.
        let again = import(owner, &workspace, &[told(&first), told(&made.secret)]);
        let last = errors(&again.problem(422, "validation_failed")).pop();
        assert_eq!(last.as_deref(), Some("keys duplicate"));
    });
    import(owner, &workspace, &[told(&second), told(&third)]).expect(201);
}

#[test]
fn a_secret_of_another_workspace_is_refused_without_a_word_about_whose_it_is() {
    let keyward = shared("cveium");
    let (ours, theirs) = (keyward.workspace(), keyward.workspace());
    let (live, revoked) = (foreign_secret(), foreign_secret());
    let ids = [import_one(&theirs, told(&live)), import_one(&theirs, told(&revoked))];
    theirs.owner().delete(&theirs.path(&format!("keys/{}", ids[1]))).expect(204);
    let ours_already = foreign_secret();
    import_one(&ours, told(&ours_already));
    let admin = ours.member("admin");
    theirs.unchanged_by(|| {
        ours.unchanged_by(|| {
            let keys = [told(&live), told(&revoked), told(&ours_already)];
            let answer = import(&admin, &ours, &keys).problem(422, "validation_failed");
            let errors = answer.body["errors"].as_array().expect("errors");
            assert_eq!(errors.len(), 3);
            let words = |at: usize| errors[at]["message"].as_str().expect("a message");
            assert_eq!(words(0), words(1), "alive or not, it is the same");
            assert!(words(2).starts_with(words(0)), "{answer}");
            for id in &ids {
                assert!(
                    !answer.text.contains(id.as_str()) && !answer.text.contains(&theirs.slug),
                    "{answer}"
                );
            }
        });
    });
    assert_eq!(keyward.verify(json!({"key": live}))["workspace"]["slug"], theirs.slug);
}

/// So many keys, all of one name: their service accounts have to be numbered.
fn many(count: usize) -> Vec<Value> {
    let batch = unique("batch");
    (0..count)
        .map(|at| json!({"sha256": sha256(&format!("{batch}-{at}")).1, "name": batch, "scopes": ["products:read"]}))
        .collect()
}

#[test]
fn ten_thousand_keys_come_in_one_call_and_one_more_is_refused() {
    let keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let keys = many(10_001);
    let other = workspace.key_with(&["products:read"]);
    workspace.unchanged_by(|| import(workspace.owner(), &workspace, &keys).refuses_field("keys"));
    let name = keys[0]["name"].as_str().expect("a name").to_owned();

    let asked = Instant::now();
    let (answer, slowest) = std::thread::scope(|scope| {
        let importing = scope.spawn(|| import(workspace.owner(), &workspace, &keys[..10_000]).expect(201));
        let mut slowest = Duration::ZERO;
        while !importing.is_finished() {
            let asked = Instant::now();
            assert_eq!(keyward.verify_code(&other.secret), "valid");
            slowest = slowest.max(asked.elapsed());
        }
        (importing.join().expect("an answer"), slowest)
    });
    println!("10,000 keys in {:?}; the data plane answered within {slowest:?}", asked.elapsed());
    assert!(slowest < Duration::from_secs(2), "the data plane waited {slowest:?}");
    assert_eq!(answer.body["imported"], 10_000);
    for at in [0, 4_711, 9_999] {
        let verified = keyward.verify(json!({"key": format!("{name}-{at}")}));
        assert_eq!(
            (&verified["code"], &verified["key"]["id"]),
            (&json!("valid"), &answer.body["keys"][at]["id"])
        );
    }
    // The accounts are numbered; a number that is free again is given again.
    let account_of_one_more = || {
        let key = workspace.create_key(json!({"name": name, "scopes": ["products:read"]}));
        key.created.body["service_account"]["name"].clone()
    };
    assert_eq!(account_of_one_more(), format!("api_{name}-10001"));
    let first = answer.body["keys"][0]["id"].as_str().expect("an id");
    workspace.owner().delete(&workspace.path(&format!("keys/{first}"))).expect(204);
    assert_eq!(account_of_one_more(), format!("api_{name}"));
    // All are named, but for the many that say the same.
    let again = import(workspace.owner(), &workspace, &keys[..10_000]).problem(422, "validation_failed");
    let message = again.body["errors"][100]["message"].as_str().expect("a message");
    assert_eq!(message, "9900 more mistakes: every key of this call is in this workspace already");
    assert_eq!(again.body["errors"][100]["code"], "duplicate");
}

#[test]
fn a_body_of_16_mib_is_read_here_and_one_byte_more_is_413() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (path, owner) = (workspace.path("keys/import"), workspace.owner());
    let body = |bytes: usize| {
        let mut body = json!({"keys": [told(&foreign_secret())]}).to_string().into_bytes();
        body.resize(bytes, b' ');
        body
    };
    owner.post_raw(&path, &body(16 * MIB)).expect(201);
    owner.post_chunked(&path, &body(16 * MIB)).expect(201);
    workspace.unchanged_by(|| {
        let refused = owner.post_raw(&path, &body(16 * MIB + 1)).problem(413, "payload_too_large");
        assert!(refused.text_at("detail").contains("16777216 bytes"), "{refused}");
        owner.post_chunked(&path, &body(16 * MIB + 1)).problem(413, "payload_too_large");
        owner.post_raw(&workspace.path("keys/bulk-revoke"), &body(MIB + 1)).problem(413, "payload_too_large");
        // Nobody's megabytes are read, and still they hear why.
        let nobody = workspace.member("member");
        nobody.post_raw(&path, &body(16 * MIB)).problem(403, "forbidden");
    });
}

#[test]
fn a_body_that_does_not_come_is_waited_for_a_few_seconds() {
    let workspace = shared("cveium").workspace();
    let owner = workspace.owner();
    let mut stream = owner.connect();
    let credential = ["Authorization", "Cookie", "Sec-Fetch-Site"]
        .iter()
        .filter_map(|name| owner.header(name).map(|value| format!("{name}: {value}\r\n")))
        .collect::<String>();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\n{credential}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{",
        workspace.path("keys/import"),
        owner.addr(),
        16 * MIB,
    );
    let asked = Instant::now();
    stream.write_all(head.as_bytes()).expect("headers");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("bytes a second"), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    // Its place is free again.
    import(owner, &workspace, &many(1)).expect(201);
}

#[test]
fn a_body_full_of_small_keys_is_refused_quickly() {
    let workspace = shared("cveium").workspace();
    let elements = vec![r#"{"sha256":"","name":""}"#; 600_000].join(",");
    let asked = Instant::now();
    let path = workspace.path("keys/import");
    let answer = workspace.owner().post_raw(&path, format!("{{\"keys\":[{elements}]}}").as_bytes());
    let refused = answer.refuses_field("keys");
    assert_eq!(errors(&refused), ["keys too_large"]);
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn who_may_not_manage_keys_imports_none() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let keys = [told(&foreign_secret())];
    let reader = workspace.key_with(&["products:read"]);
    workspace.unchanged_by(|| {
        import(&keyward.anonymous(), &workspace, &keys).problem(401, "unauthenticated");
        import(&workspace.member("member"), &workspace, &keys).problem(403, "forbidden");
        import(&keyward.operator(), &workspace, &keys).problem(403, "forbidden");
        import(&keyward.with_key(&reader.secret), &workspace, &keys).problem(403, "insufficient_scope");
        let stranger = keyward.workspace().key_with(&["products:read"]);
        import(&keyward.with_key(&stranger.secret), &workspace, &keys).problem(404, "not_found");
    });
    // Kinds that a profile does not have, and doors that it keeps shut.
    for profile in ["cybrium", "cerby"] {
        let workspace = shared(profile).workspace();
        import(workspace.owner(), &workspace, &keys).problem(403, "forbidden");
    }
}

#[test]
fn nobody_imports_more_than_they_hold() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let manages = json!([{"action": "settings.manage", "resources": []}]);
    let maker = workspace.create_key(json!({"name": "maker", "scopes": ["products:read"], "rules": manages,
        "allowed_cidrs": ["127.0.0.0/8"], "expires_in_seconds": 3600}));
    let caller = keyward.with_key(&maker.secret);
    let key = |fields: &[(&str, Value)]| {
        let mut key = told(&foreign_secret());
        (key["allowed_cidrs"], key["expires_in_seconds"]) = (json!(["127.0.0.1"]), json!(60));
        for (field, value) in fields {
            key[*field] = value.clone();
        }
        key
    };
    workspace.unchanged_by(|| {
        let wider = [
            key(&[("scopes", json!(["products:read", "sboms:write"]))]),
            key(&[("rules", json!([{"action": "**"}]))]),
        ];
        for wider in wider {
            let refused = import(&caller, &workspace, &[key(&[]), wider]).problem(403, "forbidden");
            assert!(refused.text_at("detail").starts_with("keys[1]: "), "{refused}");
        }
        for (field, value) in [
            ("expires_in_seconds", json!(7200)),
            ("expires_in_seconds", Value::Null),
            ("allowed_cidrs", json!(["10.0.0.0/8"])),
            ("allowed_cidrs", json!([])),
        ] {
            let named = if field == "allowed_cidrs" { field } else { "expires_at" };
            let keys = [key(&[]), key(&[(field, value)])];
            import(&caller, &workspace, &keys).refuses_field(&format!("keys[1].{named}"));
        }
    });
    import(&caller, &workspace, &[key(&[]), key(&[])]).expect(201);
}

/// A profile with a small plan, and one without keys.
const PARCELS: &str = r#"
[product]
name = "Parcels"
workspace_word = "depot"
revoked_word = "Revoked"
[keys]
prefix = "parcel_live_"
encoding = "base62"
checksum = "crc32"
kinds = ["workspace"]
inherit = false
create_by_api = true
expiry_menu = ["30 days", "90 days"]
expiry_default = "30 days"
expiry_max = "90 days"
rotation_overlap = "24 hours"
[[scopes]]
name = "products:read"
title = "Read"
description = "Read"
[[roles]]
name = "owner"
title = "Owner"
rules = ["**"]
[[plans]]
name = "small"
title = "Small"
api_keys = true
keys_max = 3
[[plans]]
name = "none"
title = "None"
api_keys = false
"#;

#[test]
fn a_plan_has_room_for_the_whole_call_or_for_none_of_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let profile = dir.path().join("parcels.toml");
    std::fs::write(&profile, PARCELS).expect("a profile of one's own");
    let keyward = Keyward::profile(&profile.display().to_string()).start();
    let workspace = keyward.first_workspace();
    let owner = workspace.owner();
    import_one(&workspace, told(&foreign_secret()));
    let mut three: Vec<Value> = (0..3).map(|_| told(&foreign_secret())).collect();
    workspace.unchanged_by(|| {
        let refused = import(owner, &workspace, &three).problem(403, "plan_required");
        assert!(refused.text_at("detail").contains("and 1 are in use. Revoke 1 first"), "{refused}");
    });
    // One that is over takes no room.
    three[1]["expires_at"] = json!("2025-01-01T00:00:00Z");
    let answer = import(owner, &workspace, &three).expect(201);
    workspace.unchanged_by(|| {
        import(owner, &workspace, &[told(&foreign_secret())]).problem(403, "plan_required");
    });
    // Keys end here, so one that does not say when ends as one that is made here.
    let id = answer.body["keys"][0]["id"].as_str().expect("an id");
    let end = time(&workspace.get_key(id).body["expires_at"]);
    let left_s = end.as_second() - now().as_second();
    assert!((29 * 86_400..=30 * 86_400).contains(&left_s), "{end}");
    let mut late = told(&foreign_secret());
    late["expires_at"] = json!("2999-01-01T00:00:00Z");
    import(owner, &workspace, &[late]).refuses_field("keys[0].expires_at");
    workspace.set_plan("none");
    import(owner, &workspace, &[told(&foreign_secret())]).problem(403, "plan_required");
}

#[test]
fn imported_keys_survive_a_restart_and_each_is_in_the_audit_log() {
    let mut keyward = Keyward::profile("cveium").start();
    let secret = foreign_secret();
    let three = [told(&secret), told(&foreign_secret()), told(&foreign_secret())];
    let workspace = keyward.first_workspace();
    import(workspace.owner(), &workspace, &three).expect(201);
    keyward.terminate();
    let told = keyward.store_bytes();
    let entry = b"\"imported\":true";
    let found = told.windows(entry.len()).filter(|window| window == entry).count();
    // A database also has them in its own log.
    assert!(found == 3 || (keyward.database().is_some() && found >= 3), "{found}");
    keyward.restart();
    assert_eq!(keyward.verify_code(&secret), "valid");
    keyward.authorize(&secret, "GET", "/api/products").expect(200);
    let workspace = keyward.first_workspace();
    let names: Vec<Value> = workspace.keys().iter().rev().map(|key| key["name"].clone()).collect();
    assert_eq!(names, three.map(|key| key["name"].clone()), "a list has them in the order of the request");
    let last_used = || workspace.keys()[2]["last_used_at"].clone();
    eventually(Duration::from_secs(5), last_used, Value::is_string);
}

#[test]
fn an_import_that_many_webhooks_are_told_of_is_a_smaller_one() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let owner = workspace.owner();
    let webhook = |body: Value| owner.post(&workspace.path("webhooks"), body).expect(201);
    for _ in 0..19 {
        webhook(json!({"url": "https://hooks.example/"}));
    }
    webhook(json!({"url": "https://hooks.example/", "events": ["key.revoked"]}));
    let keys: Vec<Value> = (0..1_053).map(|_| told(&foreign_secret())).collect();
    let refused = import(owner, &workspace, &keys).refuses_field("keys");
    assert!(refused.text.contains("19 webhooks") && refused.text.contains("at most 1052 keys"), "{refused}");
    import(owner, &workspace, &keys[..1]).expect(201);
}
