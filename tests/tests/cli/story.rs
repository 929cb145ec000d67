use keyward_tests::shared;

use crate::person::Shell;

#[test]
fn a_key_is_created_used_and_revoked_from_the_shell() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let slug = workspace.slug.as_str();
    let shell = Shell::at(keyward);

    let owner = workspace.owner();
    let login = shell.run_with(&["login", "--email", &owner.email, "--password-stdin"], &owner.password);
    login.expect(0).without_data().saying("Signed in to").saying("next, run: keyward whoami");
    let whoami = shell.run(&["whoami"]).expect(0);
    assert!(whoami.stdout.contains(&owner.email) && whoami.stdout.contains(slug), "{whoami:#?}");

    let create =
        ["keys", "create", "ci", "--workspace", slug, "--scope", "products:read", "--expires", "30d"];
    let created = shell.run(&create).expect(0).saying("Created ci (key_").saying("(in 30 days)");
    let secret = created.stdout.trim_end();

    let list = shell.run(&["keys", "list", "--workspace", slug]).expect(0);
    let row: Vec<&str> = list.stdout.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(row[..2], ["ci", "active"], "{list:#?}");
    let id = row[2];
    let show = shell.run(&["keys", "show", id, "--workspace", slug]).expect(0);
    for (label, value) in [("Name", "ci"), ("Status", "active"), ("Scopes", "products:read")] {
        let line = show.stdout.lines().find(|line| line.starts_with(label)).unwrap_or_default();
        assert!(line.ends_with(value), "{label} {value}: {show:#?}");
    }

    let verify = ["verify", "--key-stdin", "--workspace", slug, "--scope", "products:read"];
    let allowed = shell.run_with(&verify, secret).expect(0).saying("may do this");
    assert_eq!(allowed.stdout, "valid\n");
    let revoked = shell.run(&["keys", "revoke", id, "--workspace", slug, "--yes"]);
    revoked.expect(0).without_data().saying(&format!("Revoked {id}")).saying("it is refused everywhere.");
    let refused = shell.run_with(&verify, secret).expect(10).saying("was revoked");
    assert_eq!(refused.stdout, "revoked\n");

    shell.run(&["logout"]).expect(0).without_data().saying("Signed out of");
    shell.run(&["whoami"]).expect(3).without_data().saying("Run: keyward login");
    shell.run(&["logout"]).expect(0).saying("nothing to do");
}
