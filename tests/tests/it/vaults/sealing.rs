use std::time::Duration;

use keyward_tests::{Answer, Keyward, Receiver, Workspace, eventually, json};

use super::{store, vault};

const SECRET: &str = "planted in a vault, and nowhere else";
const RESEALED: &str = "sealing.other_key_files can be left out";

/// Asks for the secret after a restart, for which everybody signs in again.
#[track_caller]
fn reveal(keyward: &Keyward, path: &str) -> Answer {
    let owner = keyward.sign_in("ada@example.com", "a long enough passphrase");
    owner.post_nothing(&format!("{path}/reveal"))
}

/// A file of a key beside the store, as an operator names it.
fn key_file(keyward: &Keyward, name: &str) -> String {
    keyward.dir().join(name).display().to_string()
}

#[test]
fn the_sealing_key_is_replaced_and_the_old_one_thrown_away() {
    let mut keyward = Keyward::profile("default").on_file().sends_here().start();
    let mut receiver = Receiver::away();
    let (path, slug, hook) = {
        let workspace = keyward.workspace();
        let secrets = vault(&workspace);
        let path = format!("{secrets}/{}", store(&workspace, &secrets, SECRET).text_at("id"));
        let body = json!({"url": receiver.url("/hook")});
        let hook = workspace.owner().post(&workspace.path("webhooks"), body).expect(201);
        receiver.trusts(&hook.text_at("secret"));
        (path, workspace.slug.clone(), hook.text_at("id"))
    };
    receiver.comes();
    keyward.terminate();
    let (old, new) =
        (key_file(&keyward, "keyward.sqlite.sealing-key"), key_file(&keyward, "new-sealing-key"));
    keyward.set_env("KEYWARD_SEALING__KEY_FILE", &new);
    keyward.restart();
    let lost = reveal(&keyward, &path).problem(409, "conflict");
    assert!(lost.text_at("detail").contains("another key"), "{lost}");
    keyward.terminate();
    keyward.set_env("KEYWARD_SEALING__OTHER_KEY_FILES", &old);
    keyward.restart();
    assert_eq!(reveal(&keyward, &path).expect(200).text_at("secret"), SECRET);
    eventually(Duration::from_secs(10), || keyward.logs().contains(RESEALED), |is_said| *is_said);
    keyward.terminate();
    keyward.unset_env("KEYWARD_SEALING__OTHER_KEY_FILES");
    std::fs::remove_file(&old).expect("the old key");
    keyward.restart();
    assert_eq!(reveal(&keyward, &path).expect(200).text_at("secret"), SECRET);
    let owner = keyward.sign_in("ada@example.com", "a long enough passphrase");
    let workspace = Workspace::of(&keyward, &owner, &slug, &slug);
    owner.post_nothing(&workspace.path(&format!("webhooks/{hook}/test"))).expect(202);
    eventually(Duration::from_secs(10), || receiver.taken().len(), |taken| *taken > 0);
}

#[test]
fn a_key_that_is_named_beside_the_present_one_must_be_there() {
    let mut keyward = Keyward::profile("default").start();
    keyward.terminate();
    let gone = key_file(&keyward, "gone");
    keyward.set_env("KEYWARD_SEALING__OTHER_KEY_FILES", &gone);
    let said = keyward.refuses_to_start_again();
    assert!(said.contains("sealing.other_key_files") && said.contains("gone"), "{said}");
    assert!(!std::path::Path::new(&gone).exists(), "none is made in its place");
}

#[test]
fn a_backup_brings_vaults_back() {
    let mut keyward = Keyward::profile("default").on_file().start();
    let path = {
        let workspace = keyward.workspace();
        let secrets = vault(&workspace);
        format!("{secrets}/{}", store(&workspace, &secrets, SECRET).text_at("id"))
    };
    let ran = keyward.command("backup").args(["--out", "today.backup"]).output().expect("keyward runs");
    assert!(ran.status.success(), "{ran:?}");
    let bytes = std::fs::read(keyward.dir().join("today.backup")).expect("the backup");
    let is_in = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
    assert!(!is_in(&bytes), "a backup holds what is sealed, and not its key");
    keyward.terminate();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", keyward.store().display()));
    }
    for command in [&["restore", "today.backup"][..], &["store", "confirm", "--yes"]] {
        let mut run = keyward.command(command[0]);
        let ran = run.args(&command[1..]).output().expect("keyward runs");
        assert!(ran.status.success(), "{command:?}: {ran:?}");
    }
    keyward.restart();
    assert_eq!(reveal(&keyward, &path).expect(200).text_at("secret"), SECRET);
    keyward.terminate();
    for entry in std::fs::read_dir(keyward.dir()).expect("the server's folder") {
        let path = entry.expect("an entry").path();
        let bytes = if path.is_file() { std::fs::read(&path).expect("a file") } else { Vec::new() };
        assert!(!is_in(&bytes), "the secret is in {}", path.display());
    }
}
