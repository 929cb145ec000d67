use std::time::Duration;

use keyward_tests::{Keyward, eventually, json};

use super::{assert_denying, back_up, beside, move_away, run};
use crate::store::Store;

#[test]
fn a_restore_brings_no_revoked_key_back_unnoticed() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let (kept, revoked) = {
        let workspace = keyward.first_workspace();
        let keys = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
        back_up(&keyward, "before.backup");
        workspace.revoke(&keys.1);
        keys
    };
    let later = keyward.first_workspace().key_with(&["products:read"]);
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    keyward.terminate();
    move_away(&keyward);
    run(&keyward, "restore", &["before.backup"]).expect(0).saying("keyward store confirm");
    keyward.start_denying();
    for secret in [&kept.secret, &revoked.secret, &later.secret] {
        assert_denying(&keyward, secret);
    }
    run(&keyward, "doctor", &[]).expect(1).saying("put back from a backup").saying("keyward store confirm");
    // People look at what came back. The server does not decide, also when it hears of changes.
    let key = keyward.first_workspace().get_key(&revoked.id);
    assert_eq!(key.body["status"], "active", "this is what came back");
    let another = keyward.first_workspace().key_with(&["products:read"]);
    assert_denying(&keyward, &another.secret);

    let ids = format!("{}\n{}\n", revoked.id, later.id);
    std::fs::write(keyward.dir().join("revoked.txt"), ids).expect("a file");
    run(&keyward, "store", &["confirm"]).expect(2).saying("--yes");
    assert_denying(&keyward, &kept.secret);
    run(&keyward, "store", &["confirm", "--revoke-keys", "revoked.txt", "--yes"])
        .expect(0)
        .saying("Revoked 1 key; 0 revoked already, 1 unknown")
        .saying(&format!("unknown: {}", later.id));
    let ready = || keyward.data().get("/readyz").status;
    eventually(Duration::from_secs(3), ready, |status| *status == 200);
    assert_eq!(keyward.verify_code(&kept.secret), "valid");
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    assert_eq!(keyward.verify_code(&later.secret), "not_found");
    assert_eq!(keyward.verify_code(&another.secret), "valid");
    // It is written down, and the log goes on from the backup's end.
    let workspace = keyward.first_workspace();
    let log = workspace.owner().get(&workspace.path("audit?action=store.confirmed")).expect(200).items();
    assert_eq!((log.len(), &log[0]["after"]["began_by"]), (1, &json!("restore")), "{log:?}");
    assert_eq!(log[0]["actor"]["type"], "operator");
    let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    assert_eq!(sound.body["ok"], true, "{sound}");
    run(&keyward, "store", &["confirm", "--yes"]).expect(6).saying("confirmed already");
    keyward.restart();
    assert_eq!(keyward.verify_code(&kept.secret), "valid", "a confirmed store stays confirmed");
}

#[test]
fn who_signed_out_stays_signed_out_after_a_restore() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let session = keyward.first_workspace().owner().clone();
    back_up(&keyward, "before.backup");
    keyward.terminate();
    move_away(&keyward);
    run(&keyward, "restore", &["before.backup"]).expect(0);
    keyward.start_denying();
    session.get("/api/v1/me").problem(401, "unauthenticated");
    keyward.owner().get("/api/v1/me").expect(200);
}

#[test]
fn a_backup_in_the_place_of_the_store_is_not_served() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    back_up(&keyward, "before.backup");
    keyward.terminate();
    move_away(&keyward);
    std::fs::copy(keyward.dir().join("before.backup"), keyward.store()).expect("a copy");
    let said = keyward.refuses_to_start_again();
    assert!(said.contains("is a backup") && said.contains("keyward restore"), "{said}");
    run(&keyward, "doctor", &[]).expect(1).saying("keyward restore");
    run(&keyward, "migrate", &[]).expect(1).saying("keyward restore");
    run(&keyward, "backup", &[]).expect(1).saying("keyward restore");
}

#[test]
fn what_is_in_the_place_of_a_store_stays() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    back_up(&keyward, "before.backup");
    run(&keyward, "restore", &["before.backup"]).expect(1).saying("is there already").saying("mv ");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    keyward.terminate();
    std::fs::rename(keyward.store(), keyward.dir().join("away")).expect("a move");
    // A log that belongs to another store would be read into the new one.
    std::fs::write(beside(&keyward.store(), "-wal"), "left over").expect("a file");
    run(&keyward, "restore", &["before.backup"]).expect(1).saying("left over from another store");
    assert!(!keyward.store().exists());
    let to = format!("sqlite:{}", keyward.dir().join("new.sqlite").display());
    run(&keyward, "restore", &["before.backup", "--to", &to]).expect(0);
    assert!(keyward.dir().join("new.sqlite").exists());
}

#[test]
fn a_store_that_was_put_back_by_other_means_can_be_marked() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    run(&keyward, "store", &["mark-restored"]).expect(1).saying("another keyward serves the store");
    keyward.terminate();
    run(&keyward, "store", &["mark-restored", "--as-of", "2999-01-01T00:00:00Z"]).expect(2);
    run(&keyward, "store", &["mark-restored", "--as-of", "2026-11-20T03:00:00Z"]).expect(0);
    keyward.start_denying();
    assert_denying(&keyward, &key.secret);
    run(&keyward, "store", &["confirm", "--yes"]).expect(0).saying("2026-11-20T03:00:00Z");
    let ready = || keyward.data().get("/readyz").status;
    eventually(Duration::from_secs(3), ready, |status| *status == 200);
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn a_store_that_goes_back_under_a_running_server_is_noticed() {
    let keyward = Keyward::profile("cveium").on_file().start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    // As after a fail-over to a copy of the store that had not heard of the last changes.
    Store::tamper(&keyward, "DELETE FROM changes WHERE epoch = (SELECT max(epoch) FROM changes)");
    let asked = || keyward.data().post("/v1/verify", json!({ "key": key.secret })).status;
    eventually(Duration::from_secs(3), asked, |status| *status == 503);
    assert!(keyward.logs().contains("has lost changes"), "{}", keyward.logs());
}
