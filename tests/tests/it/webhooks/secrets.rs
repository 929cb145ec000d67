use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_tests::{Forms, Keyward, Receiver, json};

use super::{SOON, taken, tried, webhook};

#[test]
fn a_signing_secret_is_in_the_answer_that_made_it_and_nowhere_else() {
    let mut keyward = Keyward::profile("default").sends_here().env("KEYWARD_LOG", "trace").start();
    let mut receiver = Receiver::away();
    let secret = {
        let workspace = keyward.workspace();
        let made = webhook(&workspace, &receiver, "/hook", &json!({}));
        assert_eq!(made.header("cache-control"), Some("no-store"));
        receiver.comes();
        workspace.key_with(&["api:read"]);
        taken(&receiver, 1, SOON);
        let secret = made.text_at("secret");
        let (owner, path) = (workspace.owner(), workspace.path(&format!("webhooks/{}", made.text_at("id"))));
        let forms = Forms::of(&secret, "whsec_");
        for path in
            [path.clone(), format!("{path}/deliveries"), workspace.path("webhooks"), workspace.path("audit")]
        {
            forms.assert_absent(&path, owner.get(&path).expect(200).whole().as_bytes());
        }
        secret
    };
    keyward.terminate();
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base 64");
    assert_eq!(bytes.len(), 32);
    let forms = Forms::of(&secret, "whsec_");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(keyward.dir()).expect("the server's folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = if path.is_file() { std::fs::read(&path).expect("a file") } else { continue };
        forms.assert_absent(&name, &file);
        let raw = file.windows(bytes.len()).any(|part| part == bytes);
        assert!(!raw, "the bytes of the secret are in {name}");
        names.push(name);
    }
    let store = keyward.store_bytes();
    forms.assert_absent("the store", &store);
    assert!(
        !store.windows(bytes.len()).any(|part| part == bytes),
        "the bytes of the secret are in the store"
    );
    let sealing_key = keyward.sealing_key();
    let sealing_key = sealing_key.file_name().and_then(|name| name.to_str()).expect("a name");
    for expected in [sealing_key, "stderr.log"] {
        assert!(names.iter().any(|name| name == expected), "{expected} was not searched: {names:?}");
    }
}

#[test]
fn while_a_new_secret_takes_over_both_sign_and_then_only_the_new_one() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let made = webhook(&workspace, &receiver, "/hook", &json!({}));
    receiver.comes();
    let (owner, path) = (workspace.owner(), workspace.path(&format!("webhooks/{}", made.text_at("id"))));
    let test = || owner.post_nothing(&format!("{path}/test")).expect(202);
    let rotated = owner.post(&format!("{path}/rotate-secret"), json!({"overlap_seconds": 3600})).expect(200);
    assert!(rotated.body["old_secret_ends_at"].is_string());
    let (old, new) = (made.text_at("secret"), rotated.text_at("secret"));
    assert_ne!(old, new);
    test();
    let both = taken(&receiver, 1, SOON).remove(0);
    assert_eq!(both["headers"]["webhook-signature"].as_str().expect("a header").split(' ').count(), 2);
    receiver.trusts(&new);
    test();
    taken(&receiver, 2, SOON);
    let short = owner.post(&format!("{path}/rotate-secret"), json!({"overlap_seconds": 1})).expect(200);
    receiver.trusts(&short.text_at("secret"));
    std::thread::sleep(Duration::from_millis(1_200));
    test();
    let alone = taken(&receiver, 3, SOON).remove(2);
    assert!(!alone["headers"]["webhook-signature"].as_str().expect("a header").contains(' '), "{alone}");
    receiver.trusts(&old);
    let ended = owner.post(&format!("{path}/rotate-secret"), json!({"overlap_seconds": 0})).expect(200);
    assert!(ended.body["old_secret_ends_at"].is_null());
    test();
    let refused = tried(&workspace, &made.text_at("id"));
    assert_eq!(refused["attempts"][0]["status"], 400, "neither old one signs any more: {refused}");
    owner
        .post(&format!("{path}/rotate-secret"), json!({"overlap_seconds": 604_801}))
        .refuses_field("overlap_seconds");
}

#[test]
fn a_secret_that_cannot_be_opened_any_more_is_told_and_replaced() {
    let mut keyward = Keyward::profile("default").sends_here().start();
    let mut receiver = Receiver::away();
    let (slug, hook) = {
        let workspace = keyward.workspace();
        let hook =
            webhook(&workspace, &receiver, "/hook", &json!({"events": ["plan.changed"]})).text_at("id");
        (workspace.slug.clone(), hook)
    };
    receiver.comes();
    keyward.terminate();
    std::fs::write(keyward.sealing_key(), [7; 32]).expect("another key");
    keyward.restart();
    let owner = keyward.sign_in("ada@example.com", "a long enough passphrase");
    let workspace = keyward_tests::Workspace::of(&keyward, &owner, &slug, &slug);
    let path = workspace.path(&format!("webhooks/{hook}"));
    owner.post_nothing(&format!("{path}/test")).expect(202);
    let failed = tried(&workspace, &hook);
    let error = failed["attempts"][0]["error"].as_str().expect("words");
    assert!(error.contains("another key") && error.contains("rotate it"), "{error}");
    assert_eq!(receiver.received().len(), 1, "nothing is sent without a signature");
    let rotated = owner.post(&format!("{path}/rotate-secret"), json!({"overlap_seconds": 0})).expect(200);
    receiver.trusts(&rotated.text_at("secret"));
    taken(&receiver, 1, SOON);
}
