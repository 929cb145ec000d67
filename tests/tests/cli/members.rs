use insta::assert_snapshot;
use keyward_tests::{json, shared};

use crate::masked::masked;
use crate::person::Shell;
use crate::terminal::Terminal;

#[test]
fn the_people_of_a_workspace_are_listed() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("admin");
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let listed = shell.run(&["members", "list"]).expect(0);
    let also = [(grace.email.as_str(), "HER ADDRESS"), (&grace.name, "HER NAME")];
    assert_snapshot!(masked(&listed, &also), @r#"
    stdout:
    NAME  EMAIL  ROLE  STATUS  JOINED  ID
    ada  ada@example.com  owner  active  … ago  usr_ID
    HER NAME  HER ADDRESS  admin  active  … ago  usr_ID
    exit: 0
    "#);
    let json = shell.run(&["members", "list", "--json"]).expect(0).json();
    assert_eq!(json, workspace.owner().get(&workspace.path("members")).expect(200).body);
}

#[test]
fn a_member_is_given_another_role() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("member");
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let also = [(grace.email.as_str(), "HER ADDRESS"), (&grace.name, "HER NAME"), (&workspace.slug, "SLUG")];
    let set = |who: &str, role: &str| shell.run(&["members", "set-role", who, role]);
    assert_snapshot!(masked(&set(&grace.email, "admin").expect(0), &also), @r#"
    stderr:
    HER NAME <HER ADDRESS> is admin in workspace SLUG now; it was member.
    exit: 0
    "#);
    assert_snapshot!(masked(&set(&grace.email, "admin").expect(0), &also), @r#"
    stderr:
    HER NAME <HER ADDRESS> is admin in workspace SLUG already.
    exit: 0
    "#);
    let id = grace.id_in(&workspace.slug);
    let json = shell.run(&["members", "set-role", &id, "member", "--json"]).expect(0).json();
    assert_eq!((&json["id"], &json["role"]), (&json!(id), &json!("member")));

    set(&grace.email, "king").expect(1).without_data().saying("role: ").saying("owner, admin, member");
    set("nobody@example.com", "admin").expect(5).without_data().saying("keyward members list");
    set("usr_01jd8xq2m0e6vt5r3n7k9c4wzb", "admin").expect(5).without_data();
    set(&workspace.owner().email, "member").expect(6).without_data().saying("last \"owner\"");
    let hers = Shell::signed_in(keyward, &grace).with("KEYWARD_WORKSPACE", &workspace.slug);
    hers.run(&["members", "set-role", &grace.email, "owner"]).expect(4).without_data();
}

#[test]
fn who_removes_a_member_hears_which_keys_nobody_looks_after_then() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("admin");
    grace.post(&workspace.path("keys"), json!({"name": "deploy", "scopes": ["products:read"]})).expect(201);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let remove = ["members", "remove", &grace.email];
    shell.run_with(&remove, "yes\n").expect(2).without_data().saying("Add --yes.");
    let (exit, shown) = Terminal::new(120).run(&shell, &remove, "no");
    assert_eq!(exit, 1, "{shown}");
    assert!(shown.contains("Keys that go on without an owner: deploy (key_"), "{shown}");
    grace.get(&workspace.path("whoami")).expect(200);

    let removed = shell.run(&[&remove[..], &["--yes"]].concat()).expect(0);
    let also = [(grace.email.as_str(), "HER ADDRESS"), (&grace.name, "HER NAME"), (&workspace.slug, "SLUG")];
    assert_snapshot!(masked(&removed, &also), @r#"
    stderr:
    Removed HER NAME <HER ADDRESS> from workspace SLUG.
    Without an owner now: deploy (key_ID).
    next, run: keyward keys edit ID --owner MEMBER --workspace SLUG  (for each of them)
    exit: 0
    "#);
    grace.get(&workspace.path("whoami")).problem(404, "not_found");
    shell.run(&[&remove[..], &["--yes"]].concat()).expect(5).without_data();
    shell.run(&["members", "remove", &workspace.owner().email, "--yes"]).expect(6).without_data();
}

#[test]
fn somebody_may_leave_by_typing_their_own_address() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("member");
    let shell = Shell::signed_in(keyward, &grace).with("KEYWARD_WORKSPACE", &workspace.slug);
    let (exit, shown) = Terminal::new(120).run(&shell, &["members", "remove", &grace.email], &grace.email);
    assert_eq!(exit, 0, "{shown}");
    grace.get(&workspace.path("whoami")).problem(404, "not_found");
}
