use insta::assert_snapshot;
use keyward_tests::{Workspace, json, shared};

use crate::masked::{masked, masked_text};
use crate::person::{Ran, Shell};
use crate::terminal::Terminal;

const NO_SUCH_ROLE: &str = "rol_01jd8xq2m0e6vt5r3n7k9c4wzb";

fn owner_of(workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(shared("cveium"), workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

/// Makes a role, and gives its id.
#[track_caller]
fn made(shell: &Shell, arguments: &[&str]) -> String {
    let ran = shell.run(&[&["roles", "create"], arguments].concat()).expect(0);
    ran.stdout.trim_end().to_owned()
}

#[test]
fn a_role_is_made_and_given_and_shown_by_name_or_id() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    let slug = [(workspace.slug.as_str(), "SLUG")];
    let create = [
        "roles",
        "create",
        "deployer",
        "--scope",
        "products:read,vex:read",
        "--rule",
        "keys.read",
        "--rule",
        "sboms:*=sbom:a,sbom:b",
        "--description",
        "rolls out",
    ];
    let created = shell.run(&create).expect(0);
    assert_snapshot!(masked(&created, &slug), @r#"
    stdout:
    rol_ID
    stderr:
    Created the role deployer (rol_ID) in workspace SLUG.
    next, run: keyward members set-role MEMBER deployer --workspace SLUG
    exit: 0
    "#);
    let id = created.stdout.trim_end();
    let shown = shell.run(&["roles", "show", "Deployer"]).expect(0);
    assert_snapshot!(masked(&shown, &slug), @r#"
    stdout:
    Name  deployer
    Id  rol_ID
    Kind  own: the workspace made it
    Description  rolls out
    Scopes  products:read
      vex:read
    Rules  keys.read on everything
      sboms:* on sbom:a, sbom:b
    Created  TIME (… ago)
    exit: 0
    "#);
    assert_eq!(shell.run(&["roles", "show", id]).expect(0).stdout, shown.stdout);
    let json = shell.run(&["roles", "show", "deployer", "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&workspace.path(&format!("roles/{id}"))).expect(200).body);

    let grace = workspace.member("member");
    for role in ["deployer", "member", id] {
        shell.run(&["members", "set-role", &grace.email, role]).expect(0);
    }
    let listed = shell.run(&["members", "list", "--json"]).expect(0).json();
    assert_eq!(listed["items"][1]["role"], "deployer");
}

#[test]
fn roles_are_listed_with_what_they_hold_in_short() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    made(&shell, &["deployer", "-s", "products:read", "--rule", "sboms:*=sbom:a,sbom:b"]);
    let on_call = made(&shell, &["On call", "--rule", "keys.read", "--json"]);
    assert!(on_call.starts_with('{'), "{on_call}");
    let listed = shell.run(&["roles", "list"]).expect(0);
    assert_snapshot!(masked(&listed, &[]), @r#"
    stdout:
    NAME  KIND  ID  HOLDS
    owner  built in  rol_ID  **
    admin  built in  rol_ID  settings.manage, keys.read, members.*, vaults.*, *:*
    member  built in  rol_ID  keys.read, members.read, products:*, releases:*, sboms:*, vulnerabilities:read, dispositions:*, vex:*, disclosures:read, compliance:read, cve:trigger
    deployer  own  rol_ID  products:read, sboms:* on 2 resources
    On call  own  rol_ID  keys.read
    exit: 0
    "#);
    let json = shell.run(&["roles", "list", "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&workspace.path("roles")).expect(200).body);
    let (_, narrow) = Terminal::new(60).run(&shell.with("NO_COLOR", "1"), &["roles", "list"], "");
    for line in narrow.lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
    assert!(narrow.contains("built in") && narrow.contains("deployer"), "{narrow}");
}

#[test]
fn an_edit_says_what_changed_and_leaves_the_rest() {
    let workspace = shared("cveium").workspace();
    let shell = owner_of(&workspace);
    let id = made(&shell, &["deployer", "-s", "products:read,vex:read", "--rule", "keys.read"]);
    let slug = [(workspace.slug.as_str(), "SLUG")];
    let edit = |arguments: &[&str]| shell.run(&[&["roles", "edit", &id], arguments].concat());
    let moved = edit(&["--add-scope", "vex:write", "--remove-scope", "vex:read,audit:read"]);
    assert_snapshot!(masked(&moved, &slug), @r#"
    stderr:
    It did not have the scope audit:read.
    Changed deployer (rol_ID) in workspace SLUG:
      scopes  - vex:read
      + vex:write
    Members who have it, and their personal keys, follow at once.
    exit: 0
    "#);
    let renamed = edit(&["--name", "On call", "--description", "on duty", "--no-rules"]);
    assert_snapshot!(masked(&renamed, &slug), @r#"
    stderr:
    Changed On call (rol_ID) in workspace SLUG:
      name  deployer → On call
      description  none → on duty
      rules  - keys.read on everything
    Members who have it, and their personal keys, follow at once.
    exit: 0
    "#);
    let again = edit(&["--name", "On call"]);
    assert_snapshot!(masked(&again, &slug), @r#"
    stderr:
    On call (rol_ID) in workspace SLUG is so already; nothing was changed.
    exit: 0
    "#);
    let json = shell.run(&["roles", "edit", "on call", "--rule", "**=a:b", "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&workspace.path(&format!("roles/{id}"))).expect(200).body);
    assert_eq!(json["scopes"], json!(["products:read", "vex:write"]));
    assert_eq!(json["rules"], json!([{"action": "**", "resources": ["a:b"]}]));
}

#[test]
fn who_deletes_a_role_sees_who_has_it_and_is_asked() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = owner_of(&workspace).with("NO_COLOR", "1");
    made(&shell, &["deployer", "-s", "products:read"]);
    let grace = workspace.member("deployer");
    let delete = ["roles", "delete", "deployer"];
    shell.run_with(&delete, "yes\n").expect(2).without_data().saying("Add --yes.");
    let (exit, shown) = Terminal::new(120).run(&shell, &delete, "no");
    let also = [(grace.email.as_str(), "HER ADDRESS"), (&grace.name, "HER NAME"), (&workspace.slug, "SLUG")];
    assert_eq!(exit, 1, "{shown}");
    assert_snapshot!(masked_text(&shown, &also), @r#"
    no
    deployer (rol_ID) in workspace SLUG: products:read.
    1 member has a role of this name: HER NAME <HER ADDRESS>.
    They and their personal keys hold nothing then, until they are given another role.
    Open invitations to it end. This cannot be undone.
    Type its name, or yes, to delete it: error: the role was not deleted
    "#);
    grace.get(&workspace.path("whoami")).expect(200);

    let deleted = shell.run(&[&delete[..], &["--yes"]].concat()).expect(0);
    assert_snapshot!(masked(&deleted, &also), @r#"
    stderr:
    Deleted the role deployer (rol_ID) of workspace SLUG.
    Members who hold nothing now: HER NAME <HER ADDRESS>.
    next, run: keyward members set-role MEMBER ROLE --workspace SLUG  (for each of them)
    exit: 0
    "#);
    shell.run(&[&delete[..], &["--yes"]].concat()).expect(5).without_data();

    // One that nobody has, by typing its name.
    let id = made(&shell, &["On call", "-s", "products:read"]);
    let as_it_was = workspace.owner().get(&workspace.path(&format!("roles/{id}"))).expect(200).body;
    let (exit, shown) = Terminal::new(120).run(&shell, &["roles", "delete", &id], "On call");
    assert!(exit == 0 && shown.contains("No member has it."), "{shown}");
    let id = made(&shell, &["On call", "-s", "products:read"]);
    let mut json = shell.run(&["roles", "delete", &id, "--yes", "--json"]).expect(0).json();
    for differs in ["id", "created_at"] {
        json[differs] = as_it_was[differs].clone();
    }
    assert_eq!(json, as_it_was);
}

#[test]
fn what_cannot_be_done_to_roles_is_said_with_what_would_do() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = owner_of(&workspace);
    made(&shell, &["deployer", "-s", "products:read"]);
    let roles = |arguments: &[&str]| shell.run(&[&["roles"], arguments].concat());
    let before = roles(&["list", "--json"]).expect(0).stdout;
    let refuse = |arguments: &[&str], exit: i32, words: &str| -> Ran {
        roles(arguments).expect(exit).without_data().saying(words)
    };
    refuse(&["create", "x"], 1, "give at least one scope or rule").saying("keyward keys scopes");
    refuse(&["create", "x", "-s", "no:such"], 1, "scopes[0]").saying("keyward keys scopes");
    refuse(&["create", "x", "--rule", "a b"], 1, "rules[0].action");
    refuse(&["create", "Owner", "-s", "products:read"], 1, "choose another");
    refuse(&["create", "DEPLOYER", "-s", "products:read"], 1, "choose another name");
    for role in ["admin", "owner"] {
        refuse(&["edit", role, "--name", "x"], 4, "make one of your own").saying("Request id:");
        refuse(&["delete", role, "--yes"], 4, "make one of your own");
    }
    refuse(&["edit", "deployer"], 2, "say what to change");
    refuse(&["edit", "deployer", "--add-scope", "a:b", "--remove-scope", "a:b"], 2, "is both in");
    refuse(&["edit", "deployer", "--remove-scope", "products:read"], 1, "give at least one");
    for role in ["king", NO_SUCH_ROLE] {
        for what in [&["show", role][..], &["edit", role, "--name", "x"], &["delete", role, "--yes"]] {
            roles(what).expect(5).without_data();
        }
    }
    refuse(&["show", "king"], 5, "Run: keyward roles list");
    assert_eq!(roles(&["list", "--json"]).expect(0).stdout, before);
    // Nobody answers a question about what will not be done.
    let (exit, shown) = Terminal::new(120).run(&shell, &["roles", "delete", "admin"], "yes");
    assert!(exit == 4 && !shown.contains("Type"), "{shown}");
}

#[test]
fn nobody_manages_roles_beyond_what_they_hold() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    made(&owner_of(&workspace), &["everything", "--rule", "**"]);
    let shell = |role: &str| {
        Shell::signed_in(keyward, &workspace.member(role)).with("KEYWARD_WORKSPACE", &workspace.slug)
    };
    let admin = shell("admin");
    admin.run(&["roles", "create", "x", "--rule", "billing.pay"]).expect(4).without_data();
    admin.run(&["roles", "edit", "everything", "--name", "x"]).expect(4).without_data();
    admin.run(&["roles", "delete", "everything", "--yes"]).expect(4).without_data();
    admin.run(&["roles", "create", "narrow", "-s", "products:read"]).expect(0);
    let member = shell("member");
    member.run(&["roles", "show", "narrow"]).expect(0);
    member.run(&["roles", "create", "x", "-s", "products:read"]).expect(4).without_data();
    member.run(&["roles", "delete", "narrow", "--yes"]).expect(4).without_data();
}
