use std::time::Duration;

use keyward_tests::{Keyward, eventually};

use super::{assert_denying, run};

fn to(keyward: &Keyward) -> String {
    format!("sqlite:{}", keyward.dir().join("copy.sqlite").display())
}

fn from(keyward: &Keyward) -> String {
    format!("sqlite:{}", keyward.store().display())
}

#[test]
fn a_copy_of_a_stopped_server_takes_its_place_at_once() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let (live, revoked) = {
        let workspace = keyward.first_workspace();
        let keys = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
        workspace.revoke(&keys.1);
        keys
    };
    keyward.terminate();
    let before = std::fs::read(keyward.store()).expect("the store");
    run(&keyward, "store", &["copy", &from(&keyward), &to(&keyward)]).expect(0).saying("compared them");
    assert_eq!(std::fs::read(keyward.store()).expect("the store"), before, "the source stays as it is");
    run(&keyward, "store", &["copy", &from(&keyward), &to(&keyward)]).expect(1).saying("is there already");
    keyward.set_env("KEYWARD_STORE__URL", &to(&keyward));
    keyward.start_stopped();
    assert_eq!(keyward.verify_code(&live.secret), "valid");
    assert_eq!(keyward.verify_code(&revoked.secret), "revoked");
    let workspace = keyward.first_workspace();
    workspace.owner().get("/api/v1/me").expect(200);
    assert_eq!(workspace.keys().len(), 2);
    let sound = workspace.owner().get(&workspace.path("audit/verify")).expect(200);
    assert_eq!(sound.body["ok"], true, "{sound}");
}

#[test]
fn a_copy_of_a_running_server_lacks_what_comes_later_and_says_so() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    run(&keyward, "store", &["copy", &from(&keyward), &to(&keyward)]).expect(0).saying("not in the copy");
    // A revoke that the copy has not heard of.
    keyward.first_workspace().revoke(&key);
    keyward.terminate();
    keyward.set_env("KEYWARD_STORE__URL", &to(&keyward));
    keyward.start_denying();
    assert_denying(&keyward, &key.secret);
    std::fs::write(keyward.dir().join("revoked.txt"), &key.id).expect("a file");
    run(&keyward, "store", &["confirm", "--revoke-keys", "revoked.txt", "--yes"])
        .expect(0)
        .saying("Revoked 1 key");
    let ready = || keyward.data().get("/readyz").status;
    eventually(Duration::from_secs(3), ready, |status| *status == 200);
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
}

#[test]
fn a_copy_of_a_store_that_is_not_confirmed_is_not_confirmed_either() {
    let mut keyward = Keyward::profile("cveium").on_file().start();
    let key = keyward.first_workspace().key_with(&["products:read"]);
    keyward.terminate();
    run(&keyward, "store", &["mark-restored"]).expect(0);
    run(&keyward, "store", &["copy", &from(&keyward), &to(&keyward)]).expect(0).saying("neither is the copy");
    keyward.set_env("KEYWARD_STORE__URL", &to(&keyward));
    keyward.start_denying();
    assert_denying(&keyward, &key.secret);
}
