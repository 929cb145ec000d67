//! A node that keeps a copy of what it knows on its disk.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use keyward_tests::{Gateway, Key, Keyward, Proxy, Way, eventually, json};

const SOON: Duration = Duration::from_secs(20);
/// How long a node hears nothing. A lease is four seconds.
const CUT_OFF: Duration = Duration::from_secs(30);

/// What a node says of a key: a code, also where it decides nothing.
fn code(node: &Gateway, key: &Key) -> String {
    let answer = node.data().post("/v1/verify", json!({"key": key.secret}));
    answer.text_at("code")
}

#[test]
fn a_node_that_was_cut_off_and_starts_again_from_its_copy_refuses_until_it_is_answered() {
    let keyward = Keyward::profile("default").with_feed().start();
    let workspace = keyward.first_workspace();
    let (good, leaked) = (workspace.any_key(), workspace.any_key());
    let proxy = Proxy::to(keyward.feed_addr());
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("node.copy");
    let file = copy.display().to_string();
    let env = [("KEYWARD_GATEWAY__COPY_FILE", file.as_str())];
    let mut node = Gateway::start_with("edge", "default", &[format!("http://{}", proxy.addr())], &env);
    for key in [&good, &leaked] {
        eventually(SOON, || code(&node, key), |code| code == "valid");
    }
    eventually(SOON, || copy.is_file(), |kept| *kept);
    let mode = copy.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is nobody else's");
    let kept = std::fs::read(&copy).expect("a file");
    assert!(!kept.windows(leaked.secret.len()).any(|part| part == leaked.secret.as_bytes()));

    proxy.set(Way::Cut);
    workspace.revoke(&leaked);
    let cut = Instant::now();
    eventually(SOON, || code(&node, &good), |code| code == "stale_authority");
    std::thread::sleep(CUT_OFF.saturating_sub(cut.elapsed()));
    node.pid().kill_9();
    node.restart();
    eventually(SOON, || node.logs(), |logs| logs.contains("began with a copy"));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        for key in [&good, &leaked] {
            assert_eq!(code(&node, key), "stale_authority", "it knows what was, and nothing of what is");
        }
        assert!(!node.is_ready());
        std::thread::sleep(Duration::from_millis(50));
    }
    proxy.set(Way::Open);
    // The first answer that it gives of the leaked key is that it is revoked.
    let first = eventually(SOON, || code(&node, &leaked), |code| code != "stale_authority");
    assert_eq!(first, "revoked");
    assert_eq!(code(&node, &good), "valid");
    assert_eq!(node.metric("keyward_feed_snapshots_total"), Some(0.0), "the copy saved it a snapshot");
}

#[test]
fn a_copy_that_is_damaged_or_of_another_store_is_as_none() {
    let keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.first_workspace().any_key();
    let control_plane = [format!("http://{}", keyward.feed_addr())];
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("node.copy");
    let file = copy.display().to_string();
    let env = [("KEYWARD_GATEWAY__COPY_FILE", file.as_str())];
    let mut node = Gateway::start_with("edge", "default", &control_plane, &env);
    eventually(SOON, || code(&node, &key), |code| code == "valid");
    eventually(SOON, || copy.is_file(), |kept| *kept);
    let whole = std::fs::read(&copy).expect("a file");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for damaged in [whole[..whole.len() - 3].to_vec(), flipped, b"nothing".to_vec(), Vec::new()] {
        node.terminate();
        std::fs::write(&copy, damaged).expect("our own file");
        node = Gateway::start_with("edge", "default", &control_plane, &env);
        eventually(SOON, || code(&node, &key), |code| code == "valid");
        assert!(node.logs().contains("the copy cannot be used"), "{}", node.logs());
        assert_eq!(node.metric("keyward_feed_snapshots_total"), Some(1.0));
    }
    node.terminate();
    let other = Keyward::profile("default").with_feed().start();
    let theirs = other.first_workspace().any_key();
    let node = Gateway::start_with("edge", "default", &[format!("http://{}", other.feed_addr())], &env);
    eventually(SOON, || code(&node, &theirs), |code| code == "valid");
    assert_ne!(code(&node, &key), "valid", "it is no key of this store");
    assert_eq!(node.metric("keyward_feed_snapshots_total"), Some(1.0));
}
