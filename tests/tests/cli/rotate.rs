use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use insta::assert_snapshot;
use keyward_tests::{Key, Keyward, Workspace, eventually, json, shared, time};

use crate::exit_codes::NO_SUCH_KEY;
use crate::masked::masked;
use crate::person::Shell;
use crate::terminal::Terminal;

fn shell_at(keyward: &Keyward, workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

/// Uses the secret, and waits until that can be read.
fn use_secret(keyward: &Keyward, workspace: &Workspace<'_>, key: &Key, secret: &str) {
    let before = workspace.get_key(&key.id).body["last_used_at"].clone();
    assert_eq!(keyward.verify_code(secret), "valid");
    let used = || workspace.get_key(&key.id).body["last_used_at"].clone();
    eventually(Duration::from_secs(5), used, |used| *used != before);
}

#[test]
fn a_new_secret_stands_alone_on_stdout_while_the_old_one_works_on() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let shell = shell_at(keyward, &workspace);
    let slug = [(workspace.slug.as_str(), "SLUG")];

    let rotated = shell.run(&["keys", "rotate", &key.id]).expect(0);
    let new = rotated.stdout.strip_suffix('\n').expect("one line").to_owned();
    assert!(!rotated.stderr.contains(&new), "{rotated:#?}");
    assert_snapshot!(masked(&rotated, &[slug[0], (&new, "NEW SECRET")]), @r#"
    stdout:
    NEW SECRET
    stderr:
    Rotated ci (key_ID) in workspace SLUG; its new secret is cvk_…HINT.
    The old secret, cvk_…HINT, works until TIME (in …); it was never used.
    Its secret is shown this once; store it now.
    Give the new one to everybody who uses the key; `keyward keys show` says whether the old one is still used.
    next, run: keyward keys rotate-finish key_ID --workspace SLUG  (ends the old one)
    exit: 0
    "#);
    assert_eq!(
        (keyward.verify_code(&key.secret), keyward.verify_code(&new)),
        ("valid".into(), "valid".into())
    );

    // The rotation is seen where the key is, and a second one is refused with the ways out.
    let again = shell.run(&["keys", "rotate", &key.id]).expect(6).without_data();
    assert_snapshot!(masked(&again, &slug), @r#"
    stderr:
    error: a rotation is open until TIME; finish or cancel it first
      To end the old secret now: keyward keys rotate-finish key_ID --workspace SLUG
      To end the new one instead: keyward keys rotate-cancel key_ID --workspace SLUG
      Request id: req_ID
    exit: 6
    "#);
    let listed = shell.run(&["keys", "list"]).expect(0).stdout;
    assert!(listed.lines().nth(1).expect("a row").contains("active  rotating"), "{listed}");
    for command in [["keys", "list"].as_slice(), &["keys", "show", &key.id]] {
        for json in [[].as_slice(), &["--json"]] {
            let shown = shell.run(&[command, json].concat()).expect(0);
            for secret in [&key.secret, &new] {
                assert!(!shown.stdout.contains(secret) && !shown.stderr.contains(secret), "{shown:#?}");
            }
        }
    }
}

#[test]
fn the_overlap_is_as_long_as_was_asked() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = shell_at(keyward, &workspace);
    let rotated = shell.run(&["keys", "rotate", &key.id, "--overlap", "2h", "--json"]).expect(0).json();
    assert_eq!(keyward.verify_code(rotated["secret"].as_str().expect("a secret")), "valid");
    let at = |name: &str| time(&rotated["rotation"][name]).as_second();
    assert_eq!(at("old_secret_expires_at") - at("started_at"), 2 * 60 * 60);
    let too_long = ["keys", "rotate", &workspace.key_with(&["products:read"]).id, "--overlap", "8d"];
    shell.run(&too_long).expect(1).without_data().saying("7 days");
}

#[test]
fn the_key_shows_whether_its_old_secret_is_still_used() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let shell = shell_at(keyward, &workspace);
    use_secret(keyward, &workspace, &key, &key.secret);
    let rotated = shell.run(&["keys", "rotate", &key.id]).expect(0).saying("it was last used");
    let show = || shell.run(&["keys", "show", &key.id]).expect(0);
    assert!(show().stdout.contains(", before the rotation\n"), "{:#?}", show());
    use_secret(keyward, &workspace, &key, &key.secret);
    let slug = [(workspace.slug.as_str(), "SLUG")];
    assert_snapshot!(masked(&show(), &slug), @r#"
    stdout:
    Name  ci
    Id  key_ID
    Kind  workspace
    Status  active
    Secret  cvk_…HINT
    Rotation  since TIME (… ago)
      the old secret cvk_…HINT works until TIME (in …)
      it was last used TIME (… ago)
    Scopes  products:read
    Owner  ada (usr_ID)
    Acts as  api_ci (sa_ID)
    Created  TIME (… ago) by ada
    Expires  never
    Last used  TIME (… ago)
    Usable from  anywhere
    exit: 0
    "#);
    assert!(!show().stdout.contains(rotated.stdout.trim_end()));
}

#[test]
fn finishing_ends_the_old_secret() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let shell = shell_at(keyward, &workspace);
    let new = shell.run(&["keys", "rotate", &key.id]).expect(0).stdout;
    let finished = shell.run(&["keys", "rotate-finish", &key.id]).expect(0);
    assert_snapshot!(masked(&finished, &[(&workspace.slug, "SLUG")]), @r#"
    stderr:
    Finished the rotation of ci (key_ID) in workspace SLUG.
    The old secret, cvk_…HINT, has ended; cvk_…HINT is the only one now.
    exit: 0
    "#);
    assert_eq!(keyward.verify_code(&key.secret), "revoked");
    assert_eq!(keyward.verify_code(new.trim_end()), "valid");
    shell.run(&["keys", "rotate-finish", &key.id]).expect(6).without_data().saying("rotate it first");
    shell.run(&["keys", "rotate-cancel", &key.id]).expect(6).without_data().saying("rotate it first");
}

#[test]
fn cancelling_ends_the_new_secret() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let shell = shell_at(keyward, &workspace);
    let new = shell.run(&["keys", "rotate", &key.id]).expect(0).stdout;
    let cancelled = shell.run(&["keys", "rotate-cancel", &key.id, "--json"]).expect(0);
    assert_eq!(cancelled.json(), workspace.get_key(&key.id).body, "--json is the server's own answer");
    assert_snapshot!(masked(&crate::person::Ran { stdout: String::new(), ..cancelled }, &[(&workspace.slug, "SLUG")]), @r#"
    stderr:
    Cancelled the rotation of ci (key_ID) in workspace SLUG.
    The new secret, cvk_…HINT, has ended; cvk_…HINT is the only one again.
    exit: 0
    "#);
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    assert_eq!(keyward.verify_code(new.trim_end()), "revoked");
}

#[test]
fn a_secret_that_was_used_just_now_does_not_end_unasked() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let shell = shell_at(keyward, &workspace);
    use_secret(keyward, &workspace, &key, &key.secret);

    let at_once = ["keys", "rotate", &key.id, "--overlap", "0"];
    let refused = shell.run_with(&at_once, "yes\n").expect(2).without_data();
    assert_snapshot!(masked(&refused, &[]), @r#"
    stderr:
    error: the secret cvk_…HINT was used … ago: whoever uses it would be refused
      Leave --overlap 0 out, so that both work for a while. To end it all the same, add --yes.
    exit: 2
    "#);
    let new = shell.run(&["keys", "rotate", &key.id]).expect(0).stdout;

    // The new one is not used yet, and cancelling would harm nobody; the old one is.
    let finish = ["keys", "rotate-finish", &key.id];
    let refused = shell.run_with(&finish, "yes\n").expect(2).without_data();
    assert_snapshot!(masked(&refused, &[]), @r#"
    stderr:
    error: the old secret cvk_…HINT was used … ago: whoever uses it would be refused
      Give them the new one first. To end it all the same, add --yes.
    exit: 2
    "#);
    let (exit, shown) = Terminal::new(100).run(&shell, &finish, "no");
    assert!(exit == 1 && shown.contains("Type yes to end it all the same:"), "{exit} {shown}");
    assert_eq!(keyward.verify_code(&key.secret), "valid");

    use_secret(keyward, &workspace, &key, new.trim_end());
    let cancel = ["keys", "rotate-cancel", &key.id];
    shell.run(&cancel).expect(2).without_data().saying("the new secret cvk_");
    let (exit, shown) = Terminal::new(100).run(&shell, &finish, "yes");
    assert_eq!(exit, 0, "{shown}");
    assert_eq!(keyward.verify_code(&key.secret), "revoked");

    let rotated = shell.run(&[&at_once[..], &["--yes"]].concat()).expect(0).saying("warning: ");
    rotated.saying("The old secret has ended");
    assert_eq!(keyward.verify_code(new.trim_end()), "revoked");
}

#[test]
fn a_new_secret_goes_to_a_file_or_nothing_is_rotated() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = shell_at(keyward, &workspace);
    let rotate = ["keys", "rotate", &key.id, "--out-file", "ci.key"];
    std::fs::write(shell.home().join("ci.key"), "old").expect("a file");
    workspace.unchanged_by(|| {
        shell.run(&rotate).expect(1).without_data().saying("the key was not rotated");
        let nowhere = ["keys", "rotate", &key.id, "--out-file", "no/such/folder/key"];
        shell.run(&nowhere).expect(1).without_data().saying("the key was not rotated");
    });
    let forced = shell.run(&[&rotate[..], &["--force", "--json"]].concat()).expect(0);
    assert_eq!(forced.json()["secret"], json!(null), "it is in the file");
    let file = shell.home().join("ci.key");
    let secret = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(keyward.verify_code(secret.trim_end()), "valid");
    assert_eq!(std::fs::metadata(&file).expect("metadata").permissions().mode() & 0o777, 0o600);
    assert!(!forced.stderr.contains(secret.trim_end()) && !forced.stdout.contains(secret.trim_end()));
}

#[test]
fn a_new_secret_that_nobody_got_is_said_to_be_lost_with_what_would_do() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = shell_at(keyward, &workspace);
    for (overlap, advice) in [("1h", "keyward keys rotate-cancel key_"), ("0", "keyward keys rotate key_")] {
        let key = workspace.key_with(&["products:read"]);
        for json in [[].as_slice(), &["--json"]] {
            let rotate = [&["keys", "rotate", &key.id, "--overlap", overlap], json].concat();
            let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
            let output = shell.command(&rotate).stdout(full).output().expect("its end");
            let words = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{words}");
            assert!(words.contains("could not be written") && words.contains(advice), "{words}");
            if overlap == "1h" {
                shell.run(&["keys", "rotate-cancel", &key.id]).expect(0);
            }
        }
    }
}

#[test]
fn a_personal_key_is_rotated_by_its_person_and_nobody_else_rotates_it() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "laptop"}));
    let shell = Shell::signed_in(keyward, &person);
    let new =
        shell.run(&["keys", "rotate", &key.id, "--personal"]).expect(0).saying("your personal keys").stdout;
    shell.run(&["keys", "rotate-finish", &key.id, "--personal"]).expect(0);
    assert_eq!(
        (keyward.verify_code(&key.secret), keyward.verify_code(new.trim_end())),
        ("revoked".into(), "valid".into())
    );
    let owner = Shell::signed_in(keyward, workspace.owner());
    for command in ["rotate", "rotate-finish", "rotate-cancel"] {
        owner.run(&["keys", command, &key.id, "--personal"]).expect(5).without_data();
    }
}

#[test]
fn what_cannot_be_rotated_is_said_to_be_so() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (key, gone) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    workspace.revoke(&gone);
    let shell = shell_at(keyward, &workspace);
    workspace.unchanged_by(|| {
        for command in ["rotate", "rotate-finish", "rotate-cancel"] {
            shell.run(&["keys", command, NO_SUCH_KEY]).expect(5).without_data();
            shell.run(&["keys", command, &gone.id]).expect(6).without_data();
        }
        let member = Shell::signed_in(keyward, &workspace.member("member"));
        member.run(&["keys", "rotate", &key.id, "-w", &workspace.slug]).expect(4).without_data();
    });
    assert_eq!(keyward.verify_code(&key.secret), "valid");
}
