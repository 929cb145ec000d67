//! The data plane's operations, asked about every kind of key.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use keyward_tests::{Keyward, Value, eventually, json, shared, unique};

use super::identity::SUSPENSION;

/// What the data plane's document lists. Those that decide are asked below; the others know no keys.
const OPERATIONS: [&str; 8] =
    ["authorize", "authorize_envoy", "introspect", "livez", "metrics", "readyz", "verify", "verify_batch"];

/// What whoever introspects sends.
const ASKER: &str = "what-the-grid-introspects-keys-with";

/// A key, and the workspace that is asked about.
struct Case {
    name: &'static str,
    secret: Option<String>,
    slug: String,
}

fn case(name: &'static str, secret: &str, slug: &str) -> Case {
    Case { name, secret: Some(secret.to_owned()), slug: slug.to_owned() }
}

fn cases(keyward: &Keyward) -> Vec<Case> {
    let (workspace, elsewhere) = (keyward.workspace(), keyward.workspace());
    let slug = &workspace.slug;
    let make = |more: Value| {
        let mut body = json!({"name": unique("key"), "scopes": ["api:read"]});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        workspace.create_key(body)
    };
    let good = make(json!({}));
    let expired = make(json!({"expires_in_seconds": 1}));
    let (revoked, rotated) = (make(json!({})), make(json!({})));
    workspace.revoke(&revoked);
    for verb in ["rotate", "rotate/finish"] {
        workspace.owner().post_nothing(&workspace.path(&format!("keys/{}/{verb}", rotated.id))).expect(200);
    }
    let former = workspace.member("admin");
    let left = workspace.personal_key(&former, json!({"name": "laptop", "scopes": ["api:read"]}));
    workspace.remove(&former);
    let unknown = shared("cysmiq").workspace().any_key().secret;
    let limited = make(json!({"allowed_cidrs": ["203.0.113.0/24"]}));
    let lacking = make(json!({"scopes": ["audit:read"]}));
    eventually(Duration::from_secs(3), || keyward.verify_code(&expired.secret), |code| code == "expired");
    let mut cases = vec![
        Case { name: "no key", secret: None, slug: slug.clone() },
        case("a malformed key", "kw_nonsense", slug),
        case("a key of another product", &unknown, slug),
        case("an expired key", &expired.secret, slug),
        case("a revoked key", &revoked.secret, slug),
        case("a secret that was rotated away", &rotated.secret, slug),
        case("a key of another workspace", &elsewhere.key_with(&["api:read"]).secret, slug),
        case("a key, in no workspace", &good.secret, "no-such-workspace"),
        case("a former member's personal key", &left.secret, slug),
        case("a key that lacks the scope", &lacking.secret, slug),
        case("a key of another network", &limited.secret, slug),
        case("a good key", &good.secret, slug),
    ];
    if SUSPENSION {
        let person = workspace.member("admin");
        let key = workspace.personal_key(&person, json!({"name": "laptop", "scopes": ["api:read"]}));
        let path = workspace.path(&format!("members/{}", person.id_in(slug)));
        workspace.owner().send_json("PATCH", &path, &json!({"suspended": true})).expect(200);
        cases.push(case("a suspended member's personal key", &key.secret, slug));
    }
    cases
}

fn introspected(profile: &str) -> Keyward {
    Keyward::profile(profile).env("KEYWARD_DATA_PLANE__INTROSPECTION_SECRET", ASKER).start()
}

fn on_a_lapsed_plan(keyward: &Keyward) -> Case {
    let workspace = keyward.workspace();
    let key = workspace.any_key();
    workspace.set_plan("starter");
    case("a key on a plan without keys", &key.secret, &workspace.slug)
}

fn write(grid: &mut String, keyward: &Keyward, scope: &str, case: &Case) {
    let Case { name, secret, slug } = case;
    let question = json!({"key": secret.as_deref().unwrap_or_default(), "workspace": slug, "scopes": [scope],
        "ip": "198.51.100.7"});
    let verified = keyward.verify(question.clone());
    let batched = keyward.data().post("/v1/verify/batch", json!({"questions": [question]})).expect(200).body;
    assert_eq!(batched["results"][0]["answer"], verified, "a batch says the same");
    let code = verified["code"].as_str().expect("a code");
    assert_eq!(verified["valid"], code == "valid", "{verified}");
    let gateway = match secret {
        Some(secret) => keyward.data().bearer(secret),
        None => keyward.data(),
    };
    let asked = gateway.get(&format!("/v1/authorize?workspace={slug}&scope={scope}"));
    let is_allowed = asked.status == 200;
    let by_envoy = gateway.get("/v1/authorize/envoy/no/route").status;
    assert!(if is_allowed { by_envoy == 403 } else { [401, 403].contains(&by_envoy) }, "{name}: {by_envoy}");
    let form = format!("token={}&workspace={slug}&ip=198.51.100.7", secret.as_deref().unwrap_or_default());
    let form_type = Some("application/x-www-form-urlencoded");
    let introspected = keyward
        .data()
        .bearer(ASKER)
        .send("POST", "/oauth2/introspect", form_type, form.as_bytes())
        .expect(200);
    // It asks whether the key works, not for a scope.
    let works = matches!(code, "valid" | "insufficient_scope");
    assert_eq!(introspected.body["active"], works, "{introspected}");
    assert_eq!(is_allowed, code == "valid", "{asked}");
    let identity = asked.headers.iter().filter(|(name, _)| name.starts_with("x-keyward-")).count();
    assert_eq!(identity, if is_allowed { 5 } else { 0 }, "who it is, and for how long: {asked}");
    let authorized = asked.body["code"].as_str().unwrap_or("allowed");
    writeln!(grid, "{name}: verify {code}, authorize {} {authorized}", asked.status).expect("a text grows");
}

#[test]
fn the_data_plane_decides_on_every_kind_of_key() {
    let keyward = &introspected("default");
    let output = keyward.command("openapi").arg("--data-plane").output().expect("keyward runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().into_iter().flat_map(|path| path.values()));
    let listed: BTreeSet<&str> =
        operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    assert_eq!(listed, BTreeSet::from(OPERATIONS), "ask the new operation about every kind of key here");

    let mut grid = String::new();
    for case in cases(keyward) {
        write(&mut grid, keyward, "api:read", &case);
    }
    let cybrium = introspected("cybrium");
    write(&mut grid, &cybrium, "scans:read", &on_a_lapsed_plan(&cybrium));
    insta::assert_snapshot!(grid);
}
