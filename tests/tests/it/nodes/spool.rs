//! Uses of keys at a node while nobody takes them: what is on its disk comes home once.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_tests::{Gateway, Key, Keyward, NODE_CREDENTIAL, Proxy, Way, eventually, json};

const SOON: Duration = Duration::from_secs(20);

/// What the keys hold: the first of the profile's scopes.
const SCOPE: &str = "api:read";

/// A node with a spool in that folder.
fn start(control_plane: &str, spool: &Path) -> Gateway {
    let spool = spool.display().to_string();
    let env = [("KEYWARD_GATEWAY__USAGE_SPOOL_FOLDER", spool.as_str())];
    let node = Gateway::start_with("edge", "default", &[format!("http://{control_plane}")], &env);
    eventually(SOON, || node.is_ready(), |ready| *ready);
    node
}

/// Uses the key at the node, from an address that tells this use from the others.
#[track_caller]
fn use_from(node: &Gateway, key: &Key, ip: &str) {
    let path = format!("/files/{}", key.secret);
    let question = json!({"key": key.secret, "ip": ip, "scopes": [SCOPE], "path": path});
    assert_eq!(node.data().post("/v1/verify", question).expect(200).text_at("code"), "valid");
}

/// The addresses in the key's usage log, sorted.
fn logged(keyward: &Keyward, key: &Key) -> Vec<String> {
    let workspace = keyward.first_workspace();
    let log = workspace.owner().get(&format!("{}/{}/usage", workspace.path("keys"), key.id)).expect(200);
    let mut ips: Vec<_> =
        log.items().iter().map(|used| used["ip"].as_str().expect("an address").to_owned()).collect();
    ips.sort();
    ips
}

fn wait_until_spooled(node: &Gateway, uses: f64) {
    eventually(SOON, || node.metric("keyward_uses_spooled_total"), |spooled| *spooled >= Some(uses));
}

fn wait_until_empty(node: &Gateway, spool: &Path) {
    eventually(SOON, || node.metric("keyward_uses_spool_bytes"), |len| *len == Some(0.0));
    assert_eq!(files(spool), [] as [PathBuf; 0]);
}

fn files(spool: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(spool).expect("the spool").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> =
        found.filter(|path| path.extension().is_some_and(|end| end == "ndjson")).collect();
    files.sort();
    files
}

#[test]
fn uses_come_home_once_though_the_control_plane_was_away_and_the_node_was_killed() {
    let mut keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.first_workspace().any_key();
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool");
    let mut node = start(&keyward.feed_addr().to_string(), &spool);
    keyward.pid().kill_9();
    let ips = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    for ip in ips {
        use_from(&node, &key, ip);
    }
    wait_until_spooled(&node, 3.0);
    for file in files(&spool) {
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it is nobody else's");
        let kept = std::fs::read(&file).expect("a file");
        assert!(kept.windows(ips[0].len()).any(|part| part == ips[0].as_bytes()));
        for secret in [key.secret.as_str(), NODE_CREDENTIAL] {
            assert!(!kept.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
    for _ in 0..2 {
        node.pid().kill_9();
        node.restart();
        assert!(node.metric("keyward_uses_spool_bytes") > Some(0.0));
    }
    keyward.restart_after_death();
    wait_until_empty(&node, &spool);
    assert_eq!(logged(&keyward, &key), ips);
    // What comes afterwards takes the short way again.
    eventually(SOON, || node.is_ready(), |ready| *ready);
    use_from(&node, &key, "192.0.2.4");
    eventually(SOON, || logged(&keyward, &key).len(), |uses| *uses == 4);
    assert_eq!(node.metric("keyward_uses_spooled_total"), Some(0.0));
    assert_eq!(node.metric("keyward_uses_written_total"), Some(4.0));
}

#[test]
fn uses_that_were_taken_without_the_node_hearing_so_count_once_also_after_its_restart() {
    let keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.first_workspace().any_key();
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::to(keyward.feed_addr());
    let mut node = start(&proxy.addr().to_string(), folder.path());
    proxy.set(Way::Deaf);
    use_from(&node, &key, "192.0.2.1");
    eventually(SOON, || logged(&keyward, &key).len(), |uses| *uses == 1);
    wait_until_spooled(&node, 1.0);
    use_from(&node, &key, "192.0.2.2");
    wait_until_spooled(&node, 2.0);
    node.pid().kill_9();
    node.restart();
    proxy.set(Way::Open);
    wait_until_empty(&node, folder.path());
    assert_eq!(logged(&keyward, &key), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn a_node_that_is_stopped_meanwhile_loses_no_use() {
    let keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.first_workspace().any_key();
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::to(keyward.feed_addr());
    let mut node = start(&proxy.addr().to_string(), folder.path());
    for way in [Way::Cut, Way::Silent] {
        eventually(SOON, || node.is_ready(), |ready| *ready);
        proxy.set(way);
        use_from(&node, &key, if way == Way::Cut { "192.0.2.1" } else { "192.0.2.2" });
        node.terminate();
        assert!(node.logs().contains("the next start tells"), "{}", node.logs());
        proxy.set(Way::Open);
        node.restart();
        wait_until_empty(&node, folder.path());
    }
    assert_eq!(logged(&keyward, &key), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn a_torn_last_record_is_skipped_and_told_and_the_others_come_home() {
    let keyward = Keyward::profile("default").with_feed().start();
    let key = keyward.first_workspace().any_key();
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::to(keyward.feed_addr());
    let mut node = start(&proxy.addr().to_string(), folder.path());
    proxy.set(Way::Cut);
    for (ip, spooled) in [("192.0.2.1", 1.0), ("192.0.2.2", 2.0)] {
        use_from(&node, &key, ip);
        wait_until_spooled(&node, spooled);
    }
    node.pid().kill_9();
    let file = files(folder.path()).pop().expect("a file");
    let kept = std::fs::read(&file).expect("a file");
    std::fs::write(&file, &kept[..kept.len() - 5]).expect("our own file");
    node.restart();
    proxy.set(Way::Open);
    wait_until_empty(&node, folder.path());
    assert_eq!(logged(&keyward, &key), ["192.0.2.1"]);
    assert!(node.logs().contains("skipped a damaged or torn record"), "{}", node.logs());
    assert_eq!(node.metric("keyward_uses_spool_unreadable_total"), Some(1.0));
}

#[test]
fn two_nodes_do_not_share_a_spool() {
    let keyward = Keyward::profile("default").with_feed().start();
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(&keyward.feed_addr().to_string(), folder.path());
    let mut command = std::process::Command::new(keyward_tests::binary_path());
    command.args(["gateway", "--control-plane", &format!("http://{}", keyward.feed_addr())]);
    command
        .env("KEYWARD_GATEWAY__CREDENTIAL", NODE_CREDENTIAL)
        .env("KEYWARD_DATA_PLANE__LISTEN", "127.0.0.1:0");
    command.env("KEYWARD_GATEWAY__USAGE_SPOOL_FOLDER", folder.path()).current_dir(folder.path());
    let output = command.output().expect("a second node starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another keyward uses it"), "{said}");
    assert!(node.is_ready());
}
