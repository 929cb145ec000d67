use insta::assert_snapshot;
use keyward_tests::{json, shared, unique};

use crate::masked::masked;
use crate::person::Shell;

#[test]
fn a_workspace_is_created_listed_and_renamed() {
    let keyward = shared("cveium");
    let first = keyward.workspace();
    let person = first.member("member");
    let shell = Shell::signed_in(keyward, &person);
    let slug = unique("labs");
    let also = [(slug.as_str(), "SLUG"), (&first.slug, "FIRST"), (&first.name, "The first")];
    let created = shell.run(&["workspaces", "create", "Acme Labs", "--slug", &slug]).expect(0);
    assert_eq!(created.stdout, format!("{slug}\n"), "for SLUG=$(…)");
    assert_snapshot!(masked(&created, &also), @r#"
    stdout:
    SLUG
    stderr:
    Created workspace Acme Labs (SLUG), on the plan standard; you are owner there.
    next, run: keyward keys create NAME --scope SCOPE --workspace SLUG
    exit: 0
    "#);
    let rename = ["workspaces", "rename", "Acme Research", "--workspace", &slug];
    assert_snapshot!(masked(&shell.run(&rename).expect(0), &also), @r#"
    stderr:
    Renamed workspace SLUG: Acme Labs → Acme Research.
    exit: 0
    "#);
    assert_snapshot!(masked(&shell.run(&rename).expect(0), &also), @r#"
    stderr:
    Workspace SLUG is called Acme Research already.
    exit: 0
    "#);
    let listed = shell.run(&["workspaces", "list"]).expect(0);
    for said in [&slug, "Acme Research", "owner", &first.slug, &first.name, "member", "standard"] {
        assert!(listed.stdout.contains(said), "{said}: {listed:#?}");
    }
    let json = shell.run(&["workspaces", "list", "--json"]).expect(0).json();
    assert_eq!(json, person.get("/api/v1/workspaces").expect(200).body);
}

#[test]
fn a_workspace_gives_its_nodes_grace_and_is_told_what_that_costs() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    let also = [(workspace.slug.as_str(), "SLUG")];
    let give = |seconds: &str| {
        shell.run(&["workspaces", "update", "--grace-seconds", seconds, "--workspace", &workspace.slug])
    };
    assert_snapshot!(masked(&give("60").expect(0), &also), @r#"
    stderr:
    Workspace SLUG gives nodes 60 s of grace, in place of 0 s.
    A revoked key of it may be accepted for 65 s by a node that is cut off.
    exit: 0
    "#);
    let key = workspace.key_with(&["products:read"]);
    let receipt =
        shell.run(&["keys", "revoke", &key.id, "--yes", "--json", "-w", &workspace.slug]).expect(0).json();
    assert_eq!(receipt["grace_seconds"], 60);
    assert_snapshot!(masked(&give("0").expect(0), &also), @r#"
    stderr:
    Workspace SLUG gives nodes 0 s of grace, in place of 60 s.
    A node that was cut off before may go by the 60 s until they are over.
    exit: 0
    "#);
    assert_snapshot!(masked(&give("0").expect(0), &also), @r#"
    stderr:
    Workspace SLUG gives nodes 0 s of grace already.
    exit: 0
    "#);
    give("301").expect(1).without_data().saying("grace_seconds: give a number of seconds from 0 to 300");
}

#[test]
fn the_keys_of_a_workspace_are_bounded_and_what_changed_is_told() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    let also = [(workspace.slug.as_str(), "SLUG")];
    let update = |flags: &[&str]| {
        shell.run(&[&["workspaces", "update", "--workspace", &workspace.slug][..], flags].concat())
    };
    let bounds = ["--allow-cidr", "10.0.0.0/8,2001:db8::/32", "--key-lifetime-days-max", "90"];
    assert_snapshot!(masked(&update(&bounds).expect(0), &also), @r#"
    stderr:
    Changed workspace SLUG:
      networks  + 10.0.0.0/8
      + 2001:db8::/32
      lifetime  no bound of its own → at most …
    exit: 0
    "#);
    assert_snapshot!(masked(&update(&bounds).expect(0), &also), @r#"
    stderr:
    Workspace SLUG bounds its keys so already.
    exit: 0
    "#);
    let free = ["--allow-from-anywhere", "--any-key-lifetime"];
    assert_snapshot!(masked(&update(&free).expect(0).saying("at most 90 days"), &also), @r#"
    stderr:
    Changed workspace SLUG:
      networks  - 10.0.0.0/8
      - 2001:db8::/32
      keys open it from anywhere now
      lifetime  at most … → no bound of its own
    exit: 0
    "#);
    update(&["--allow-cidr", "10.0.0.1/8"]).expect(1).without_data().saying("did you mean 10.0.0.0/8?");
    update(&["--key-lifetime-days-max", "0"])
        .expect(1)
        .without_data()
        .saying("give a number of days from 1 to 3650");
    update(&[]).expect(2);
}

#[test]
fn programs_get_the_servers_answer() {
    let keyward = shared("cveium");
    let shell = Shell::signed_in(keyward, keyward.owner());
    let created = shell.run(&["workspaces", "create", "Acme Labs", "--json"]).expect(0).json();
    let slug = created["slug"].as_str().expect("a slug");
    assert_eq!(slug.len(), 8, "{created}");
    let renamed = shell.run(&["workspaces", "rename", "Labs", "-w", slug, "--json"]).expect(0).json();
    assert_eq!((&renamed["name"], &renamed["id"]), (&json!("Labs"), &created["id"]));
}

#[test]
fn what_cannot_be_made_or_renamed_is_said_to_be_so() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    shell.run(&["workspaces", "create", ""]).expect(1).without_data().saying("name: ");
    shell.run(&["workspaces", "create", "x", "--slug", "A B"]).expect(1).without_data().saying("slug: ");
    shell
        .run(&["workspaces", "create", "x", "--slug", &workspace.slug])
        .expect(6)
        .without_data()
        .saying("is taken");
    shell.run(&["workspaces", "rename", "x", "-w", "no-such-workspace"]).expect(5).without_data();
    let member = Shell::signed_in(keyward, &workspace.member("member"));
    member.run(&["workspaces", "rename", "x", "-w", &workspace.slug]).expect(4).without_data();
    let key = workspace.key_with(&["products:read"]);
    let by_key = Shell::at(keyward).with("KEYWARD_API_KEY", &key.secret);
    by_key.run(&["workspaces", "create", "x"]).expect(4).without_data();
}
