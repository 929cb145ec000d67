use keyward_tests::{Keyward, Receiver, json};

use super::{SOON, tried, webhook};

#[test]
fn an_address_in_a_private_network_is_refused_when_it_is_written() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.workspace();
    let (owner, path) = (workspace.owner(), workspace.path("webhooks"));
    for url in [
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://localhost:8080/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://user:password@hooks.example/",
        "ftp://hooks.example/",
        "hooks.example",
    ] {
        owner.post(&path, json!({"url": url})).refuses_field("url");
    }
    let made = owner.post(&path, json!({"url": "https://hooks.example/"})).expect(201);
    let one = workspace.path(&format!("webhooks/{}", made.text_at("id")));
    owner.send_json("PATCH", &one, &json!({"url": "https://127.0.0.1/"})).refuses_field("url");
}

#[test]
fn a_name_that_leads_into_a_private_network_is_refused_when_it_is_sent_to() {
    // Names of this machine may be written, since one of its addresses is allowed; the one that the name leads to is not.
    let keyward = Keyward::profile("default")
        .env("KEYWARD_WEBHOOKS__ALLOW_HTTP", "true")
        .env("KEYWARD_WEBHOOKS__ALLOWED_NETWORKS", "::1")
        .start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    receiver.trusts("whsec_bm9ib2R5IHNob3VsZCBhc2s=");
    receiver.comes();
    let url = format!("http://localhost:{}/raw", receiver.port());
    let made = workspace.owner().post(&workspace.path("webhooks"), json!({"url": url})).expect(201);
    workspace.key_with(&["api:read"]);
    let failed = tried(&workspace, &made.text_at("id"));
    let error = failed["attempts"][0]["error"].as_str().expect("words");
    // Where the name has the allowed address too, that one is asked, and there is nobody.
    assert!(error.contains("in a private network") || error.contains("[::1]"), "{error}");
    assert_eq!(receiver.count("raw"), 0, "the receiver was asked");
}

#[test]
fn what_is_no_longer_allowed_is_sent_to_no_more() {
    let mut keyward = Keyward::profile("default").sends_here().start();
    let mut receiver = Receiver::away();
    let (slug, hook) = {
        let workspace = keyward.workspace();
        let hook = webhook(&workspace, &receiver, "/hook", &json!({})).text_at("id");
        (workspace.slug.clone(), hook)
    };
    receiver.comes();
    keyward.set_env("KEYWARD_WEBHOOKS__ALLOWED_NETWORKS", "192.0.2.0/24");
    keyward.restart();
    let owner = keyward.sign_in("ada@example.com", "a long enough passphrase");
    let workspace = keyward_tests::Workspace::of(&keyward, &owner, &slug, &slug);
    workspace.key_with(&["api:read"]);
    let failed = tried(&workspace, &hook);
    let error = failed["attempts"][0]["error"].as_str().expect("words");
    assert!(error.contains("private network"), "{error}");
    assert_eq!(receiver.received().len(), 1, "it listens, and heard nothing");
}

#[test]
fn a_redirect_is_not_followed() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let hook = webhook(&workspace, &receiver, "/redirect", &json!({})).text_at("id");
    receiver.comes();
    workspace.key_with(&["api:read"]);
    let failed = tried(&workspace, &hook);
    assert_eq!(failed["attempts"][0]["status"], 307);
    assert_eq!(failed["status"], "waiting");
    keyward_tests::eventually(SOON, || receiver.count("redirected"), |count| *count >= 1);
    assert_eq!(receiver.taken().len(), 0, "it went where the redirect pointed to");
}
