use insta::assert_snapshot;
use keyward_tests::{json, shared};

use crate::masked::masked;
use crate::person::Shell;

#[test]
fn a_member_is_suspended_and_resumed() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let grace = workspace.member("member");
    let key = workspace.personal_key(&grace, json!({"name": "laptop", "scopes": ["vulnerabilities:read"]}));
    let works = || {
        let question = json!({"key": key.secret, "workspace": workspace.slug});
        keyward.verify(question)["valid"] == json!(true)
    };
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let also = [(grace.email.as_str(), "HER ADDRESS"), (&grace.name, "HER NAME"), (&workspace.slug, "SLUG")];
    let members = |arguments: &[&str]| shell.run(&[&["members"], arguments].concat());
    assert!(works());
    assert_snapshot!(masked(&members(&["suspend", &grace.email]), &also), @r#"
    stderr:
    Suspended HER NAME <HER ADDRESS> in workspace SLUG.
    They may do nothing there now, and neither may their personal keys. Workspace keys of theirs go on.
    to undo it, run: keyward members resume usr_ID --workspace SLUG
    exit: 0
    "#);
    assert!(!works());
    grace.get(&workspace.path("whoami")).problem(404, "not_found");
    members(&["suspend", &grace.email]).expect(0).without_data().saying("already.");
    assert_snapshot!(masked(&members(&["list"]).expect(0), &also), @r#"
    stdout:
    NAME  EMAIL  ROLE  STATUS  JOINED  ID
    ada  ada@example.com  owner  active  … ago  usr_ID
    HER NAME  HER ADDRESS  member  suspended  … ago  usr_ID
    exit: 0
    "#);
    assert_snapshot!(masked(&members(&["resume", &grace.email]), &also), @r#"
    stderr:
    Resumed HER NAME <HER ADDRESS> in workspace SLUG: they are member there again.
    exit: 0
    "#);
    assert!(works());
    let id = grace.id_in(&workspace.slug);
    members(&["resume", &id]).expect(0).without_data().saying("nothing was changed");
    let json = members(&["suspend", &id, "--json"]).expect(0).json();
    assert!(json["id"] == json!(id) && json["suspended_at"].is_string(), "{json}");
    let json = members(&["resume", &id, "--json"]).expect(0).json();
    assert_eq!(json["suspended_at"], json!(null));
}

#[test]
fn who_cannot_be_suspended_is_not() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (grace, owner) = (workspace.member("admin"), workspace.owner());
    let shell = Shell::signed_in(keyward, owner).with("KEYWARD_WORKSPACE", &workspace.slug);
    let suspend = |shell: &Shell, who: &str| shell.run(&["members", "suspend", who]);
    suspend(&shell, &owner.email).expect(6).without_data().saying("you cannot suspend yourself");
    suspend(&shell, "nobody@example.com").expect(5).without_data().saying("keyward members list");
    suspend(&shell, "usr_01jd8xq2m0e6vt5r3n7k9c4wzb").expect(5).without_data();
    // An admin holds less than the owner.
    let hers = Shell::signed_in(keyward, &grace).with("KEYWARD_WORKSPACE", &workspace.slug);
    suspend(&hers, &owner.email).expect(4).without_data().saying("Request id:");
    // A role of their own with all rights is not the first role: the last owner stays.
    shell.run(&["roles", "create", "deputy", "--rule", "**"]).expect(0);
    shell.run(&["members", "set-role", &grace.email, "deputy"]).expect(0);
    suspend(&hers, &owner.email).expect(6).without_data().saying("last \"owner\"");
    hers.run(&["members", "set-role", &owner.email, "member"]).expect(6).without_data();
    owner.get(&workspace.path("whoami")).expect(200);
}

#[test]
fn the_operator_suspends_somebody_everywhere_and_only_they_end_it() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("member");
    let id = grace.id_in(&workspace.slug);
    let operator = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", keyward.operator_token());
    let users = |what: &str| operator.run(&["users", what, &id]);
    let also = [(grace.email.as_str(), "HER ADDRESS"), (&grace.name, "HER NAME"), (&workspace.slug, "SLUG")];
    assert_snapshot!(masked(&users("show"), &also), @r#"
    stdout:
    Name  HER NAME
    Email  HER ADDRESS
    Id  usr_ID
    Status  active
    Created  TIME (… ago)
    exit: 0
    "#);
    assert_snapshot!(masked(&users("suspend"), &also), @r#"
    stderr:
    Suspended HER NAME <HER ADDRESS> everywhere.
    Their sessions and personal keys do nothing any more. Workspace keys that they look after go on.
    to undo it, run: keyward users resume usr_ID
    exit: 0
    "#);
    grace.get("/api/v1/me").expect(401);
    users("suspend").expect(0).without_data().saying("is suspended everywhere already, since ");
    let shown = users("show").expect(0).stdout;
    assert!(shown.contains("suspended everywhere since "), "{shown}");

    let owner = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let resume = ["members", "resume", &grace.email, "--json"];
    let stays = owner.run(&resume);
    assert_snapshot!(masked(&stays, &also), @r#"
    stderr:
    error: HER NAME <HER ADDRESS> stays suspended: the operator of the server has suspended them everywhere
      Workspace SLUG does not suspend them any more.
      The operator ends it with: keyward users resume usr_ID
    exit: 6
    "#);
    assert_snapshot!(masked(&users("resume"), &also), @r#"
    stderr:
    Resumed HER NAME <HER ADDRESS>: their personal keys and their sessions work again.
    exit: 0
    "#);
    grace.get("/api/v1/me").expect(200);
    users("resume").expect(0).without_data().saying("nothing was changed");
    for (what, suspended) in [("suspend", true), ("show", true), ("resume", false)] {
        let json = operator.run(&["users", what, &id, "--json"]).expect(0).json();
        assert_eq!(json["suspended_at"].is_string(), suspended, "{what}: {json}");
    }
}

#[test]
fn only_the_operator_suspends_everywhere() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let id = workspace.member("member").id_in(&workspace.slug);
    let way = "is taken from KEYWARD_OPERATOR__TOKEN, or from a file with --operator-token-file";
    let owner = Shell::signed_in(keyward, workspace.owner());
    let key = workspace.key_with(&["products:read"]);
    let with_key = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", &key.secret);
    let wrong = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", "a-token-of-another-server");
    for what in ["show", "suspend", "resume"] {
        let users = ["users", what, &id];
        owner.run(&users).expect(3).without_data().saying("only the operator may do this").saying(way);
        let said = with_key.run(&users).expect(4).without_data().saying("only the operator").saying(way);
        assert!(!said.stderr.contains(&key.secret), "{said:#?}");
        let said =
            wrong.run(&users).expect(3).without_data().saying("It was the operator's token that asked");
        assert!(!said.stderr.contains("a-token-of-another-server"), "{said:#?}");
    }
    let operator = Shell::at(keyward);
    std::fs::write(operator.home().join("token"), keyward.operator_token()).expect("a file");
    let show = |id: &str| operator.run(&["users", "show", id, "--operator-token-file", "token"]);
    show(&id).expect(0);
    show("usr_01jd8xq2m0e6vt5r3n7k9c4wzb").expect(5).without_data();
}
