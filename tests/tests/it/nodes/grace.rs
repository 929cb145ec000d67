//! Nodes of a workspace that gives them grace: how long they go on without their control plane, and who is told.

use std::time::{Duration, Instant};

use keyward_tests::{Answer, Gateway, Key, Keyward, Proxy, Value, Way, Workspace, eventually, json};

const SOON: Duration = Duration::from_secs(20);
/// Seconds of grace of the tests, and what is promised with them and without.
const GRACE: u64 = 6;
const PROMISE: Duration = Duration::from_secs(5);
const PROMISE_WITH_GRACE: Duration = Duration::from_secs(5 + GRACE);

#[track_caller]
fn give(workspace: &Workspace<'_>, seconds: u64) -> Answer {
    let path = format!("/api/v1/{}", workspace.slug);
    workspace.owner().patch(&path, json!({"grace_seconds": seconds})).expect(200)
}

fn ask(node: &Gateway, key: &Key) -> Answer {
    node.data().post("/v1/verify", json!({"key": key.secret}))
}

fn code(node: &Gateway, key: &Key) -> String {
    ask(node, key).text_at("code")
}

fn revoke(workspace: &Workspace<'_>, key: &Key, query: &str) -> Answer {
    workspace.owner().post_nothing(&format!("{}/{}/revoke{query}", workspace.path("keys"), key.id))
}

/// The state of the node in a receipt.
fn state(receipt: &Answer) -> Value {
    let nodes = receipt.body["nodes"].as_array().expect("nodes");
    nodes.iter().find(|node| node["node"] == "edge").expect("the node")["state"].clone()
}

#[test]
fn cyb_10_a_revoked_key_is_out_within_five_seconds_and_the_grace_of_its_own_workspace() {
    let keyward = Keyward::profile("default").with_feed().start();
    let (lax, strict) = (keyward.workspace(), keyward.workspace());
    give(&lax, GRACE);
    let keys = [lax.any_key(), strict.any_key(), lax.any_key()];
    let personal = lax
        .personal_key(lax.owner(), json!({"name": "mine", "scopes": ["api:read"], "workspaces": [lax.slug]}));
    let proxy = Proxy::to(keyward.feed_addr());
    let mut node = Gateway::start("edge", "default", &[format!("http://{}", proxy.addr())]);
    for key in keys.iter().chain([&personal]) {
        eventually(SOON, || code(&node, key), |code| code == "valid");
    }
    let said = |key| ask(&node, key).expect(200).body;
    for (key, grace) in [(&keys[0], json!(GRACE)), (&keys[1], Value::Null), (&personal, Value::Null)] {
        assert_eq!((&said(key)["grace_seconds"], &said(key)["usable_for_ms"]), (&grace, &json!(250)));
    }

    proxy.set(Way::Cut);
    let receipts = [revoke(&lax, &keys[0], ""), revoke(&strict, &keys[1], "")];
    let revoked_at = Instant::now();
    lax.owner().post_nothing(&format!("/api/v1/me/keys/{}/revoke", personal.id)).expect(200);
    for (receipt, grace) in receipts.iter().zip([json!(GRACE), Value::Null]) {
        assert_eq!((&receipt.body["grace_seconds"], &receipt.body["propagated"]), (&grace, &json!(false)));
    }
    let mut last_accepted = [Duration::ZERO; 4];
    let all = [&keys[0], &keys[1], &keys[2], &personal];
    while revoked_at.elapsed() < PROMISE_WITH_GRACE + Duration::from_secs(1) {
        for (key, last) in all.iter().zip(&mut last_accepted) {
            let asked_at = revoked_at.elapsed();
            let answer = ask(&node, key);
            if answer.status == 200 && answer.body["valid"] == json!(true) {
                assert_eq!(answer.body["usable_for_ms"], 250, "grace makes no answer last longer");
                *last = asked_at;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let [of_lax, of_strict, good, of_person] = last_accepted;
    for strict in [of_strict, of_person] {
        assert!(strict < PROMISE, "{last_accepted:?}");
    }
    for lax in [of_lax, good] {
        assert!(lax < PROMISE_WITH_GRACE, "{last_accepted:?}");
        assert!(lax > PROMISE, "it went on in its grace: {last_accepted:?}");
    }
    // It has nothing to go on after a restart.
    proxy.set(Way::Open);
    eventually(SOON, || code(&node, &keys[2]), |code| code == "valid");
    proxy.set(Way::Cut);
    node.pid().kill_9();
    node.restart();
    assert_eq!(code(&node, &keys[2]), "stale_authority");
}

#[test]
fn a_receipt_does_not_say_that_nobody_accepts_a_key_while_a_node_may_in_its_grace() {
    let keyward = Keyward::profile("default").with_feed().start();
    let started = Instant::now();
    let lax = keyward.workspace();
    give(&lax, GRACE);
    let keys = [lax.any_key(), lax.any_key(), lax.any_key()];
    let proxy = Proxy::to(keyward.feed_addr());
    let node = Gateway::start("edge", "default", &[format!("http://{}", proxy.addr())]);
    for key in &keys {
        eventually(SOON, || code(&node, key), |code| code == "valid");
    }
    // What an earlier process may have given is over by then, with its grace.
    std::thread::sleep(Duration::from_secs(12).saturating_sub(started.elapsed()));
    let healthy = revoke(&lax, &keys[0], "?wait=propagated").expect(200);
    assert_eq!((state(&healthy), &healthy.body["propagated"]), (json!("applied"), &json!(true)));
    assert_eq!(healthy.body["grace_seconds"], GRACE, "it is told, also where nobody needed it");
    proxy.set(Way::Cut);
    // A shorter one is in force for those who have heard of it.
    give(&lax, 0);
    let waited = revoke(&lax, &keys[1], "?wait=propagated").expect(202);
    assert_eq!((state(&waited), &waited.body["propagated"]), (json!("pending"), &json!(false)));
    assert_eq!(waited.body["grace_seconds"], GRACE);
    assert_eq!(code(&node, &keys[1]), "valid", "five seconds later, in the grace that it knows of");
    proxy.set(Way::Open);
    eventually(SOON, || code(&node, &keys[1]), |code| code == "revoked");
    proxy.set(Way::Cut);
    let since = Instant::now();
    eventually(SOON, || code(&node, &keys[2]), |code| code == "stale_authority");
    assert!(since.elapsed() < PROMISE, "it has heard of the shorter one: {:?}", since.elapsed());
}

#[test]
fn a_gateway_is_told_of_grace_whatever_the_client_wrote() {
    let keyward = keyward_tests::shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let header = || {
        let forging = keyward.data().with("X-Keyward-Grace-Seconds", "forged");
        let asked = forging
            .bearer(&key.secret)
            .with("X-Forwarded-Method", "GET")
            .with("X-Forwarded-Uri", "/api/products");
        let allowed = asked.get("/v1/authorize").expect(200);
        let values: Vec<String> = allowed.all_headers("x-keyward-grace-seconds").map(str::to_owned).collect();
        values
    };
    assert_eq!(header(), [] as [&str; 0]);
    give(&workspace, 300);
    assert_eq!(header(), ["300"]);
    let verified = keyward.verify(json!({"key": key.secret}));
    assert_eq!((&verified["grace_seconds"], &verified["usable_for_ms"]), (&json!(300), &json!(250)));
}

#[test]
fn grace_is_for_those_who_manage_the_settings_to_give_within_bounds_and_is_in_the_audit_log() {
    let keyward = keyward_tests::shared("default");
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), format!("/api/v1/{}", workspace.slug));
    assert_eq!(owner.get(&path).expect(200).body["grace_seconds"], 0, "nobody has it without a choice");
    for bad in [json!(301), json!(-1), json!(1.5), json!("60"), Value::Null, json!(u64::MAX)] {
        owner.patch(&path, json!({"grace_seconds": bad})).refuses_field("grace_seconds");
    }
    workspace.member("viewer").patch(&path, json!({"grace_seconds": 60})).problem(403, "forbidden");
    let given = give(&workspace, 60);
    assert_eq!((&given.body["grace_seconds"], &given.body["name"]), (&json!(60), &json!(workspace.name)));
    let renamed = owner.patch(&path, json!({"name": "Renamed"})).expect(200);
    assert_eq!(renamed.body["grace_seconds"], 60, "a new name takes nothing away");
    let log = owner.get(&workspace.path("audit?action=workspace.updated")).expect(200).items();
    let told =
        |n: usize| (log[n]["before"]["grace_seconds"].clone(), log[n]["after"]["grace_seconds"].clone());
    assert_eq!((told(1), told(0)), ((json!(0), json!(60)), (json!(60), json!(60))));
}
