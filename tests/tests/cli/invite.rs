use insta::assert_snapshot;
use keyward_tests::{json, shared, unique};

use crate::masked::masked;
use crate::person::Shell;

#[test]
fn the_link_stands_alone_on_stdout_this_once_and_brings_somebody_in() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let email = format!("{}@example.com", unique("grace"));
    let invited = shell.run(&["invite", &email, "--role", "member"]).expect(0);
    let link = invited.stdout.strip_suffix('\n').expect("one line");
    let token = link.split_once('#').expect("behind #: browsers send it to nobody").1.to_owned();
    assert!(!invited.stderr.contains(&token), "{invited:#?}");
    let also = [(link, "LINK"), (&email, "HER ADDRESS"), (&workspace.slug, "SLUG")];
    assert_snapshot!(masked(&invited, &also), @r#"
    stdout:
    LINK
    stderr:
    Invited HER ADDRESS to workspace SLUG as member; the link works until TIME (in …).
    It is shown this once. Keyward does not mail it: hand it over yourself, to nobody else.
    exit: 0
    "#);
    let accept = json!({"token": token, "name": "Grace", "password": "another long passphrase"});
    keyward.anonymous().post("/api/v1/invitations/accept", accept).expect(201);
    let listed = shell.run(&["members", "list"]).expect(0).stdout;
    assert!(listed.contains(&email) && !listed.contains(&token), "{listed}");
}

#[test]
fn programs_get_the_answer_whole() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    let email = format!("{}@example.com", unique("grace"));
    let invite = ["invite", &email, "--role", "admin", "-w", &workspace.slug, "--json"];
    let answer = shell.run(&invite).expect(0).json();
    assert_eq!((&answer["email"], &answer["role"]), (&json!(email), &json!("admin")));
    let (url, token) = (answer["url"].as_str().expect("a link"), answer["token"].as_str().expect("a token"));
    assert!(url.ends_with(&format!("#{token}")), "{answer}");
}

#[test]
fn an_invitation_that_cannot_be_is_refused_with_what_would_do() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let invite = |email: &str, role: &str| shell.run(&["invite", email, "--role", role]);
    invite("grace@example.com", "king").expect(1).without_data().saying("owner, admin, member");
    invite("grace", "member").expect(1).without_data().saying("email: ");
    shell.run(&["invite", "grace@example.com"]).expect(2).without_data().saying("--role");
    let member = Shell::signed_in(keyward, &workspace.member("member"));
    let invite = ["invite", "grace@example.com", "--role", "member", "-w", &workspace.slug];
    member.run(&invite).expect(4).without_data();
}

#[test]
fn a_link_that_nobody_got_is_said_to_be_lost() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    for json in [[].as_slice(), &["--json"]] {
        let email = format!("{}@example.com", unique("grace"));
        let invite = [&["invite", &email, "--role", "member"], json].concat();
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let output = shell.command(&invite).stdout(full).output().expect("its end");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("its link could not be written"), "{words}");
    }
}

#[test]
fn open_invitations_are_listed_and_one_is_withdrawn() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    shell.run(&["invitations", "list"]).expect(0).saying("No invitation into workspace");
    let made = workspace.invite("grace@example.com", "viewer");
    let id = made.text_at("id");
    let listed = shell.run(&["invitations", "list"]).expect(0);
    for part in ["grace@example.com", "viewer", "in 7 days", &id] {
        assert!(listed.stdout.contains(part), "{part}: {listed:#?}");
    }
    assert!(!listed.stdout.contains(&made.text_at("token")), "{listed:#?}");
    shell.run(&["invitations", "withdraw", "grace@example.com"]).expect(2).saying("inv_");
    shell.run(&["invitations", "withdraw", &id]).expect(0).saying("Withdrew the invitation");
    shell.run(&["invitations", "withdraw", &id]).expect(5);
    assert_eq!(
        shell.run(&["invitations", "list", "--json"]).expect(0).json()["items"].as_array(),
        Some(&vec![])
    );
}
