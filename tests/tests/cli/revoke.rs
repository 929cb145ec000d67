use keyward_tests::shared;

use crate::person::Shell;
use crate::terminal::Terminal;

#[test]
fn without_anybody_to_ask_it_refuses_and_says_how() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner());
    let revoke = ["keys", "revoke", &key.id, "-w", &workspace.slug];
    shell.run_with(&revoke, "yes\n").expect(2).without_data().saying("Add --yes.");
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}

#[test]
fn it_asks_for_the_name_or_yes() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    for (answer, code) in [("no", "valid"), ("", "valid"), ("{name}", "revoked"), ("yes", "revoked")] {
        let key = workspace.key_with(&["products:read"]);
        let revoke = ["keys", "revoke", &key.id, "-w", &workspace.slug];
        let (exit, shown) = Terminal::new(100).run(&shell, &revoke, &answer.replace("{name}", key.name()));
        assert!(shown.contains("Type its name, or yes, to revoke it:"), "{shown}");
        assert!(shown.contains(key.name()) && shown.contains("never used"), "{shown}");
        assert_eq!(exit, i32::from(code == "valid"), "{answer}: {shown}");
        assert_eq!(keyward.verify_code(&key.secret), code, "{answer}");
    }
}

#[test]
fn a_receipt_is_for_programs_too_and_doing_it_again_changes_nothing() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner());
    let revoke = ["keys", "revoke", &key.id, "-w", &workspace.slug, "--yes", "--json"];
    let first = shell.run(&revoke).expect(0).json();
    assert_eq!((&first["id"], &first["propagated"]), (&key.id.as_str().into(), &true.into()));
    let again = shell.run(&revoke).expect(0).json();
    assert_eq!(again["revoked_at"], first["revoked_at"]);
}
