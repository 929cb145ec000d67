use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_tests::{Keyward, Receiver, Value, hmac_sha256, json, now, time, unique};

use super::{LIFE, SOON, kinds_of, live_through, taken, tried, webhook};

/// Sends a request to a receiver as it stands, and gives what came of it.
fn send(receiver: &Receiver, headers: &[(&str, &str)], body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", receiver.port())).expect("the receiver");
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = lines.concat();
    let request = format!(
        "POST /hook HTTP/1.0\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()
}

/// What the headers of a message at that time would be, signed with that secret.
fn signature(secret: &str, id: &str, at: i64, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base 64");
    format!("v1,{}", STANDARD.encode(hmac_sha256(&key, format!("{id}.{at}.{body}").as_bytes())))
}

#[test]
fn a_receiver_with_the_standards_own_library_takes_each_event_and_no_other() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let secret = webhook(&workspace, &receiver, "/hook?tenant=1", &json!({})).text_at("secret");
    receiver.comes();
    let key = workspace.key_with(&["api:read"]);
    live_through(&workspace, &key);
    let events = taken(&receiver, LIFE.len(), SOON);
    assert_eq!(kinds_of(&events, &key.id), LIFE);
    let first = &events[0]["payload"];
    assert_eq!(first["id"], events[0]["headers"]["webhook-id"]);
    assert_eq!(first["data"]["workspace"]["slug"], workspace.slug.as_str());
    assert_eq!(first["data"]["actor"]["type"], "user");
    assert_eq!(first["data"]["before"], Value::Null);
    assert_eq!(first["data"]["after"]["name"], key.name());
    assert!(time(&first["timestamp"]) <= now());
    let whole = receiver.received().iter().map(ToString::to_string).collect::<String>();
    assert!(!whole.contains(&key.secret), "a secret was sent");

    // The same again is a replay; another body is a forgery; another's signature too; an old one is too late.
    let at = |name: &str| events[0]["headers"][name].as_str().expect("a header").to_owned();
    let (id, stamp, signed) = (at("webhook-id"), at("webhook-timestamp"), at("webhook-signature"));
    let body = events[0]["body"].as_str().expect("a body");
    let ask = |id: &str, stamp: &str, signed: &str, body: &str| {
        let headers = [("webhook-id", id), ("webhook-timestamp", stamp), ("webhook-signature", signed)];
        send(&receiver, &headers, body)
    };
    assert_eq!(ask(&id, &stamp, &signed, body), "replayed");
    let forged = body.replace("key.created", "key.revoked");
    assert_eq!(ask(&id, &stamp, &signed, &forged), "No matching signature found");
    assert_eq!(ask("evt_other", &stamp, &signed, body), "No matching signature found");
    let stamp_now = now().as_second();
    let others = signature("whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==", "evt_1", stamp_now, body);
    assert_eq!(ask("evt_1", &stamp_now.to_string(), &others, body), "No matching signature found");
    let old = stamp_now - 6 * 60;
    let signed = signature(&secret, "evt_1", old, body);
    assert_eq!(ask("evt_1", &old.to_string(), &signed, body), "Message timestamp too old");
    assert_eq!(receiver.taken().len(), LIFE.len());
    // The check itself takes what is right.
    let signed = signature(&secret, "evt_1", stamp_now, body);
    assert_eq!(ask("evt_1", &stamp_now.to_string(), &signed, body), "thanks");
}

#[test]
fn a_receiver_that_was_away_gets_everything_in_order_per_key_also_after_kill_9() {
    let mut keyward = Keyward::profile("default").sends_here().start();
    let mut receiver = Receiver::away();
    let (slug, hook, keys) = {
        let workspace = keyward.workspace();
        let hook = webhook(&workspace, &receiver, "/hook", &json!({})).text_at("id");
        let keys: Vec<_> = (0..5).map(|_| workspace.key_with(&["api:read"])).collect();
        keys.iter().take(3).for_each(|key| live_through(&workspace, key));
        let failed = tried_first(&workspace, &hook);
        assert!(failed["error"].as_str().expect("words").contains("cannot connect"), "{failed}");
        (workspace.slug.clone(), hook, keys)
    };
    // What was claimed when the process was killed is sent once its claim has run out.
    keyward.pid().kill_9();
    keyward.restart_after_death();
    let owner = keyward.sign_in("ada@example.com", "a long enough passphrase");
    let workspace = keyward_tests::Workspace::of(&keyward, &owner, &slug, &slug);
    let shown = owner.get(&workspace.path(&format!("webhooks/{hook}"))).expect(200).body;
    assert_eq!((&shown["waiting"], &shown["status"]), (&json!(17), &json!("failing")), "{shown}");
    keys.iter().skip(3).for_each(|key| live_through(&workspace, key));
    receiver.comes();
    let events = taken(&receiver, 5 * LIFE.len(), Duration::from_mins(2));
    for key in &keys {
        assert_eq!(kinds_of(&events, &key.id), LIFE, "of one key, in order");
    }
    assert_eq!(receiver.count("refused"), 0);
    let idle = || owner.get(&workspace.path(&format!("webhooks/{hook}"))).expect(200).body;
    let idle = keyward_tests::eventually(SOON, idle, |hook| hook["waiting"] == 0);
    assert_eq!((&idle["status"], &idle["failing_since"]), (&json!("active"), &Value::Null));
}

/// The first attempt at the oldest delivery.
fn tried_first(workspace: &keyward_tests::Workspace<'_>, hook: &str) -> Value {
    let path = workspace.path(&format!("webhooks/{hook}/deliveries?limit=200"));
    let look = || workspace.owner().get(&path).expect(200).items().last().cloned().unwrap_or_default();
    keyward_tests::eventually(SOON, look, |one| one["attempts"][0].is_object())["attempts"][0].clone()
}

#[test]
fn an_event_is_there_with_what_it_tells_of_or_neither_is() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let receiver = Receiver::away();
    let only = json!({"events": ["key.revoked"]});
    let hook = webhook(&workspace, &receiver, "/hook", &only).text_at("id");
    let (owner, path) = (workspace.owner(), workspace.path(&format!("webhooks/{hook}/deliveries")));
    let key = workspace.key_with(&["api:read"]);
    owner.delete(&workspace.path("keys/key_01ktbbgefxfaevzcbehh3z7cjz")).expect(404);
    assert_eq!(owner.get(&path).expect(200).items(), Vec::<Value>::new(), "of nothing else is it told");
    workspace.revoke(&key);
    let told = owner.get(&path).expect(200).items();
    assert_eq!(
        (told.len(), &told[0]["type"], &told[0]["target"]),
        (1, &json!("key.revoked"), &json!(key.id))
    );
    let personal = workspace.personal_key(owner, json!({"name": unique("own"), "scopes": ["api:read"]}));
    owner.delete(&format!("/api/v1/me/keys/{}", personal.id)).expect(204);
    assert_eq!(owner.get(&path).expect(200).items().len(), 1, "personal keys are their owners' matter");
}

#[test]
fn a_test_and_an_event_that_is_sent_again_arrive() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let only = json!({"events": ["key.revoked"]});
    let hook = webhook(&workspace, &receiver, "/hook", &only).text_at("id");
    receiver.comes();
    let (owner, path) = (workspace.owner(), workspace.path(&format!("webhooks/{hook}")));
    let sent = owner.post_nothing(&format!("{path}/test")).expect(202);
    assert_eq!(sent.body["type"], "webhook.test");
    let event = taken(&receiver, 1, SOON).remove(0);
    assert_eq!(event["id"], sent.body["event_id"]);
    let delivered = tried(&workspace, &hook);
    assert_eq!(
        (&delivered["status"], &delivered["attempts"][0]["status"]),
        (&json!("delivered"), &json!(200))
    );
    assert_eq!(delivered["attempts"][0]["response"], "thanks");
    // A second later, so that it is no replay.
    std::thread::sleep(Duration::from_millis(1_100));
    let again = owner.post_nothing(&format!("{path}/deliveries/{}/resend", sent.text_at("id"))).expect(202);
    assert_eq!(again.body["event_id"], sent.body["event_id"]);
    assert_ne!(again.body["id"], sent.body["id"]);
    keyward_tests::eventually(SOON, || receiver.count("known"), |known| *known == 1);
    let shown = owner.get(&format!("{path}/deliveries/{}", sent.text_at("id"))).expect(200).body;
    assert_eq!(shown["payload"], event["payload"]);
    let actions: Vec<_> = owner.get(&workspace.path("audit?limit=3")).expect(200).items();
    let actions: Vec<_> = actions.iter().map(|entry| entry["action"].as_str().unwrap_or_default()).collect();
    assert_eq!(actions, ["webhook.resent", "webhook.tested", "webhook.created"]);
}

#[test]
fn a_receiver_that_is_gone_is_asked_no_more_and_the_audit_log_says_so() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let hook = webhook(&workspace, &receiver, "/gone", &json!({})).text_at("id");
    receiver.comes();
    let key = workspace.key_with(&["api:read"]);
    let (owner, path) = (workspace.owner(), workspace.path(&format!("webhooks/{hook}")));
    let look = || owner.get(&path).expect(200).body;
    let shown = keyward_tests::eventually(SOON, look, |hook| hook["status"] == "disabled");
    assert_eq!(shown["disabled_reason"], "gone");
    workspace.revoke(&key);
    let entry = owner.get(&workspace.path("audit?action=webhook.disabled")).expect(200).items().remove(0);
    assert_eq!((&entry["actor"]["type"], &entry["target"]), (&json!("system"), &json!(hook)));
    owner.post_nothing(&format!("{path}/test")).problem(409, "conflict");
    assert_eq!(receiver.count("gone"), 1);
    // Enabled again, at another address.
    receiver.trusts(&owner.post_nothing(&format!("{path}/rotate-secret")).expect(200).text_at("secret"));
    owner.send_json("PATCH", &path, &json!({"disabled": false, "url": receiver.url("/hook")})).expect(200);
    owner.post_nothing(&format!("{path}/test")).expect(202);
    assert_eq!(taken(&receiver, 1, SOON)[0]["payload"]["type"], "webhook.test");
}

#[test]
fn of_a_long_answer_the_beginning_is_kept() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let hook = webhook(&workspace, &receiver, "/long", &json!({})).text_at("id");
    receiver.comes();
    workspace.key_with(&["api:read"]);
    let failed = tried(&workspace, &hook);
    assert_eq!((&failed["status"], &failed["attempts"][0]["status"]), (&json!("waiting"), &json!(500)));
    assert_eq!(failed["attempts"][0]["response"].as_str().map(str::len), Some(1_024));
    assert!(time(&failed["next_attempt_at"]) > now());
    let metrics = keyward.data().get("/metrics").expect(200).text;
    assert!(metrics.contains("keyward_webhook_failed_attempts_total 1"), "{metrics}");
}

#[test]
fn a_receiver_that_says_when_it_wants_more_is_left_alone_until_then() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let hook = webhook(&workspace, &receiver, "/busy", &json!({})).text_at("id");
    receiver.comes();
    workspace.key_with(&["api:read"]);
    let failed = tried(&workspace, &hook);
    assert_eq!((&failed["status"], &failed["attempts"][0]["status"]), (&json!("waiting"), &json!(429)));
    let wait = time(&failed["next_attempt_at"]).duration_since(time(&failed["attempts"][0]["at"]));
    // Without its word it would be asked again after five seconds.
    assert!((599..=630).contains(&wait.as_secs()), "{failed}");
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(receiver.count("busy"), 1, "it was asked before its time");
}

#[test]
fn over_tls_a_receiver_is_told_if_the_machine_trusts_its_certificate() {
    let mut receiver = Receiver::away_with_tls();
    receiver.trusts("whsec_bm90IG1hZGUgeWV0");
    receiver.comes();
    for trusted in [true, false] {
        let here = Keyward::profile("default").sends_here();
        let authority = Receiver::authority().display().to_string();
        let keyward = if trusted { here.env("SSL_CERT_FILE", &authority) } else { here }.start();
        let workspace = keyward.workspace();
        let hook = webhook(&workspace, &receiver, "/hook", &json!({})).text_at("id");
        workspace.key_with(&["api:read"]);
        let last = tried(&workspace, &hook);
        let (status, error) = (&last["attempts"][0]["status"], last["attempts"][0]["error"].to_string());
        if trusted {
            assert_eq!(*status, 200, "{last}");
            taken(&receiver, 1, SOON);
        } else {
            assert!(status.is_null() && error.contains("TLS: ") && error.contains("certificate"), "{last}");
        }
    }
    assert_eq!(receiver.taken().len(), 1);
}
