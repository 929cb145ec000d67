use std::os::unix::fs::PermissionsExt as _;

use keyward_tests::{Value, shared};

use crate::person::Shell;

#[test]
fn the_session_is_readable_by_its_owner_alone() {
    let keyward = shared("default");
    let shell = Shell::signed_in(keyward, keyward.owner());
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(&shell.credentials()), 0o600);
    assert_eq!(mode(shell.credentials().parent().expect("its folder")), 0o700);
}

#[test]
fn xdg_config_home_says_where_the_session_is() {
    let keyward = shared("default");
    let shell = Shell::at(keyward);
    let elsewhere = shell.home().join("elsewhere");
    let shell = shell.with("XDG_CONFIG_HOME", elsewhere.to_str().expect("a path in UTF-8"));
    let owner = keyward.owner();
    shell.run_with(&["login", "--email", &owner.email, "--password-stdin"], &owner.password).expect(0);
    assert!(elsewhere.join("keyward/credentials.json").is_file());
    assert!(!shell.credentials().exists());
    shell.run(&["whoami"]).expect(0);
}

#[test]
fn a_password_may_come_from_a_file() {
    let keyward = shared("default");
    let shell = Shell::at(keyward);
    let owner = keyward.owner();
    std::fs::write(shell.home().join("password"), format!("{}\n", owner.password)).expect("a file");
    shell.run(&["login", "--email", &owner.email, "--password-file", "password"]).expect(0);
    shell.run(&["whoami"]).expect(0);
}

#[test]
fn signing_out_ends_the_session_on_the_server_too() {
    let keyward = shared("default");
    let shell = Shell::signed_in(keyward, keyward.owner());
    let copy = std::fs::read(shell.credentials()).expect("the session");
    shell.run(&["logout"]).expect(0);
    assert!(!std::fs::read_to_string(shell.credentials()).expect("the file").contains("token"));
    std::fs::write(shell.credentials(), copy).expect("the session again");
    shell.run(&["whoami"]).expect(3).without_data().saying("has ended. Run: keyward login");
    shell.run(&["logout"]).expect(0).saying("Signed out of");
}

#[test]
fn a_session_is_not_given_to_another_server() {
    let (one, other) = (shared("default"), shared("cveium"));
    let shell = Shell::signed_in(one, one.owner());
    let address = format!("http://{}", other.control_addr());
    shell.run(&["whoami", "--server", &address]).expect(3).saying("you are not signed in");
}

#[test]
fn the_server_signed_in_to_last_is_the_one_that_is_asked() {
    let keyward = shared("default");
    let address = format!("http://{}", keyward.control_addr());
    // An empty variable counts as unset.
    let shell = Shell::at_addresses("", "");
    let owner = keyward.owner();
    let login = ["login", "--server", &address, "--email", &owner.email, "--password-stdin"];
    shell.run_with(&login, &owner.password).expect(0);
    let whoami = shell.run(&["whoami", "--json"]).expect(0);
    assert_eq!(whoami.json()["email"], owner.email.as_str());
}

#[test]
fn what_is_stored_is_the_session_and_never_the_password() {
    let keyward = shared("default");
    let shell = Shell::signed_in(keyward, keyward.owner());
    let text = std::fs::read_to_string(shell.credentials()).expect("the file");
    assert!(!text.contains(&keyward.owner().password));
    let stored: Value = serde_json::from_str(&text).expect("JSON");
    let sessions = stored["sessions"].as_object().expect("sessions").len();
    assert_eq!(sessions, 1);
}

#[test]
fn credentials_that_others_can_read_are_not_used() {
    let keyward = shared("default");
    let shell = Shell::signed_in(keyward, keyward.owner());
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(shell.credentials(), open).expect("the mode is set");
    shell.run(&["whoami"]).expect(1).without_data().saying("chmod 600");
}

#[test]
fn a_password_is_not_sent_unencrypted_to_another_machine() {
    let shell = Shell::at_addresses("http://keys.example.com", "");
    let login = ["login", "--email", "ada@example.com", "--password-stdin"];
    shell.run_with(&login, "a long enough passphrase").expect(2).saying("not encrypted");
}
