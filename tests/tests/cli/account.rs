use keyward_tests::shared;

use crate::person::Shell;

#[test]
fn people_look_after_their_own_account() {
    let keyward = shared("default");
    let person = keyward.workspace().member("member");
    let (here, there) = (Shell::signed_in(keyward, &person), Shell::signed_in(keyward, &person));
    here.run(&["account", "rename", "Countess"]).expect(0).saying("You are Countess <");
    let listed = here.run(&["account", "sessions"]).expect(0);
    assert!(
        listed.stdout.contains("now, this one") && listed.stdout.contains("only to sign in"),
        "{listed:#?}"
    );
    let all = here.run(&["account", "sessions", "--json"]).expect(0).json();
    let other = all["items"].as_array().expect("items").iter().find(|one| one["present"] == false);
    let other = other.expect("another")["id"].as_str().expect("an id").to_owned();
    here.run(&["account", "end-session", &other]).expect(0).saying("Ended the session ses_");
    here.run(&["account", "end-session", &other]).expect(5);
    std::fs::write(here.home().join("old"), &person.password).expect("a file");
    std::fs::write(here.home().join("new"), "a passphrase that is new\n").expect("a file");
    here.run(&["account", "change-password"]).expect(2).saying("--current-file FILE");
    let change = ["account", "change-password", "--current-file", "old", "--new-file", "new"];
    let changed = here.run(&change).expect(0).saying("Your password is changed. Ended: 1 other session.");
    assert_eq!(changed.stdout, "");
    here.run(&change).expect(1).saying("current_password");
    here.run(&["account", "end-session", "--others"]).expect(0).saying("Ended: 0 other sessions.");
    assert_ne!(there.run(&["whoami"]).exit, 0, "it is signed out there");
    here.run(&["whoami"]).expect(0);
}
