//! Who may follow, and over what.

use std::time::Duration;

use keyward_tests::{Caller, Gateway, Keyward, NODE_CREDENTIAL, eventually, json, project_root};

const QUESTION: &str = "/feed/v1/changes?node=n&start=0123456789abcdef0123456789abcdef&nonce=0123456789abcdef\
                        &incarnation=inc_01jd8xq2m0e6vt5r3n7k9c4wzb&after=0";

fn feed(keyward: &Keyward) -> Caller {
    keyward.anonymous().at(keyward.feed_addr())
}

#[test]
fn only_who_shows_a_credential_of_nodes_may_follow() {
    let keyward = Keyward::profile("default").with_feed().start();
    let feed = feed(&keyward);
    let key = keyward.workspace().any_key();
    let strangers = [
        feed.clone(),
        feed.bearer("node-credential-of-the-tests-0123456789abcdeg"),
        feed.bearer(keyward.operator_token()),
        feed.bearer(&key.secret),
        feed.with("Authorization", NODE_CREDENTIAL),
        feed.bearer(NODE_CREDENTIAL).bearer(NODE_CREDENTIAL),
    ];
    let snapshot = "/feed/v1/snapshot?node=n&start=0123456789abcdef0123456789abcdef&nonce=0123456789abcdef";
    for stranger in strangers {
        for path in [QUESTION, snapshot] {
            let answer = stranger.get(path).expect(401);
            assert_eq!(answer.body["code"], "unauthenticated", "{answer}");
        }
        let batch = json!({"node": "n", "start": "a".repeat(32), "number": 1, "uses": []});
        stranger.post("/feed/v1/uses", batch).expect(401);
    }
    let node = feed.bearer(NODE_CREDENTIAL);
    let told = node.get(QUESTION).expect(200);
    assert!(told.text.contains(r#""kind":"snapshot_needed""#), "another life of the store: {told}");
    node.get("/feed/v1/changes?after=x").expect(422);
    node.get(&format!("{QUESTION}&more=1")).expect(422);
    node.get("/feed/v2/changes").expect(404);
    for plane in [keyward.anonymous(), keyward.data()] {
        assert_eq!(plane.bearer(NODE_CREDENTIAL).get(QUESTION).status, 404, "no other listener has it");
    }
    keyward.with_key(NODE_CREDENTIAL).get("/api/v1/me").expect(401);
}

#[test]
fn a_credential_is_replaced_without_a_node_losing_its_way() {
    let next = "the-next-credential-of-the-nodes-0123456789";
    let mut keyward = Keyward::profile("default").with_feed().start();
    let old = keyward.gateway("old");
    keyward.set_env("KEYWARD_FEED__CREDENTIALS", &format!("{NODE_CREDENTIAL} {next}"));
    keyward.restart();
    let control_plane = format!("http://{}", keyward.feed_addr());
    let new =
        Gateway::start_with("new", "default", &[control_plane], &[("KEYWARD_GATEWAY__CREDENTIAL", next)]);
    for node in [&old, &new] {
        eventually(Duration::from_secs(20), || node.is_ready(), |ready| *ready);
    }
    keyward.set_env("KEYWARD_FEED__CREDENTIALS", next);
    keyward.restart();
    eventually(Duration::from_secs(20), || (old.is_ready(), new.is_ready()), |ready| *ready == (false, true));
    assert!(old.logs().contains("refused with 401"), "{}", old.logs());
    assert!(!old.logs().contains(NODE_CREDENTIAL) && !keyward.logs().contains(NODE_CREDENTIAL));
}

#[test]
fn a_node_follows_over_tls_and_only_whom_it_can_recognise() {
    let file = |name: &str| project_root().join("tests/fixtures/tls").join(name).display().to_string();
    let keyward = Keyward::profile("default")
        .with_feed()
        .env("KEYWARD_FEED__TLS_CERTIFICATE_FILE", &file("localhost.pem"))
        .env("KEYWARD_FEED__TLS_KEY_FILE", &file("localhost.key"))
        .start();
    let port = keyward.feed_addr().port();
    let by_name = [format!("https://localhost:{port}")];
    let trusting = [("SSL_CERT_FILE", file("authority.pem"))];
    let trusting: Vec<(&str, &str)> = trusting.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let node = Gateway::start_with("trusting", "default", &by_name, &trusting);
    eventually(Duration::from_secs(20), || node.is_ready(), |ready| *ready);
    let key = keyward.workspace().any_key();
    let question = json!({"key": key.secret});
    let ask = || node.data().post("/v1/verify", question.clone()).expect(200).body["code"].clone();
    eventually(Duration::from_secs(5), ask, |code| code == "valid");

    let stranger = Gateway::start("stranger", "default", &by_name);
    eventually(Duration::from_secs(20), || stranger.logs(), |logs| logs.contains("does not answer"));
    assert!(!stranger.is_ready(), "it trusts nobody who signed that certificate");
    let in_clear = Gateway::start("in-clear", "default", &[format!("http://127.0.0.1:{port}")]);
    eventually(Duration::from_secs(20), || in_clear.logs(), |logs| logs.contains("does not answer"));
    assert!(!in_clear.is_ready());
}

#[test]
fn a_node_proves_itself_with_a_certificate_where_the_control_plane_asks_for_one() {
    let file = |name: &str| project_root().join("tests/fixtures/tls").join(name).display().to_string();
    let keyward = Keyward::profile("default")
        .with_feed()
        .env("KEYWARD_FEED__TLS_CERTIFICATE_FILE", &file("localhost.pem"))
        .env("KEYWARD_FEED__TLS_KEY_FILE", &file("localhost.key"))
        .env("KEYWARD_FEED__TLS_CLIENT_AUTHORITY_FILE", &file("node-authority.pem"))
        .start();
    let by_name = [format!("https://localhost:{}", keyward.feed_addr().port())];
    let start = |name: &str, own: Option<(&str, &str)>| {
        let mut env = vec![("SSL_CERT_FILE", file("authority.pem"))];
        if let Some((certificate, key)) = own {
            env.push(("KEYWARD_GATEWAY__TLS_CERTIFICATE_FILE", file(certificate)));
            env.push(("KEYWARD_GATEWAY__TLS_KEY_FILE", file(key)));
        }
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Gateway::start_with(name, "default", &by_name, &env)
    };
    let known = start("known", Some(("node.pem", "node.key")));
    eventually(Duration::from_secs(20), || known.is_ready(), |ready| *ready);
    // The right credential alone is not enough, nor is a certificate that somebody else has signed.
    for stranger in [start("bare", None), start("foreign", Some(("localhost.pem", "localhost.key")))] {
        eventually(Duration::from_secs(20), || stranger.logs(), |logs| logs.contains("does not answer"));
        assert!(!stranger.is_ready(), "{}", stranger.name());
    }
    assert!(known.is_ready());
}

#[test]
fn what_would_be_followed_by_everybody_does_not_start() {
    let refused = |env: &[(&str, &str)]| {
        let builder =
            env.iter().fold(Keyward::profile("default"), |builder, (name, value)| builder.env(name, value));
        builder.refuses_to_start()
    };
    let (listen, credentials) = ("KEYWARD_FEED__LISTEN", ("KEYWARD_FEED__CREDENTIALS", NODE_CREDENTIAL));
    let said = refused(&[(listen, "127.0.0.1:0")]);
    assert!(said.contains("feed.listen") && said.contains("feed.credentials"), "{said}");
    let said = refused(&[(listen, "0.0.0.0:0"), credentials]);
    assert!(said.contains("feed.listen") && said.contains("feed.tls_certificate_file"), "{said}");
    let said = refused(&[(listen, "127.0.0.1:0"), ("KEYWARD_FEED__CREDENTIALS", "too-short")]);
    assert!(said.contains("feed.credentials") && !said.contains("too-short"), "{said}");
    let authority = ("KEYWARD_FEED__TLS_CLIENT_AUTHORITY_FILE", "/etc/keyward/nodes.pem");
    let said = refused(&[(listen, "127.0.0.1:0"), credentials, authority]);
    assert!(said.contains("feed.tls_client_authority_file") && said.contains("feed.tls_key_file"), "{said}");
    let said = refused(&[credentials]);
    assert!(said.contains("feed.credentials") && said.contains("feed.listen"), "{said}");
}
