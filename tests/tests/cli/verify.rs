use keyward_tests::{json, shared};

use crate::person::Shell;

#[test]
fn the_code_is_on_stdout_and_decides_how_the_command_ends() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::at(keyward);
    let verify = |arguments: &[&str], key: &str| {
        let all = [&["verify", "--key-stdin"], arguments].concat();
        let ran = shell.run_with(&all, key);
        (ran.stdout.trim_end().to_owned(), ran.exit)
    };
    let code = |code: &str, exit| (code.to_owned(), exit);
    assert_eq!(verify(&[], &key.secret), code("valid", 0));
    assert_eq!(verify(&["--scope", "products:read", "-w", &workspace.slug], &key.secret), code("valid", 0));
    assert_eq!(verify(&["--any-scope", "sboms:read,products:read"], &key.secret), code("valid", 0));
    assert_eq!(verify(&["--scope", "sboms:read"], &key.secret), code("insufficient_scope", 10));
    assert_eq!(
        verify(&["--any-scope", "sboms:read", "--any-scope", "vex:read"], &key.secret),
        code("insufficient_scope", 10)
    );
    assert_eq!(verify(&["-w", "acme"], &key.secret), code("workspace_mismatch", 10));
    assert_eq!(verify(&[], "no key at all"), code("malformed", 10));
}

#[test]
fn what_is_missing_is_said_in_words() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let shell = Shell::at(keyward);
    let verify = ["verify", "--key-stdin", "--scope", "products:read", "--scope", "products:write"];
    let refused = shell.run_with(&verify, &key.secret).expect(10).saying("lacks products:write");
    assert!(!refused.stderr.contains(&key.secret), "{refused:#?}");
    let json = shell.run_with(&[&verify[..], &["--json"]].concat(), &key.secret).expect(10).json();
    assert_eq!((&json["valid"], &json["missing"]), (&false.into(), &"products:write".into()));
}

#[test]
fn the_key_comes_from_a_file_from_stdin_or_from_the_environment() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let shell = Shell::at(keyward);
    std::fs::write(shell.home().join("key"), format!("{}\n", key.secret)).expect("a file");
    shell.run(&["verify", "--key-file", "key"]).expect(0);
    shell.run_with(&["verify", "--key-stdin"], &format!("{}\r\n", key.secret)).expect(0);
    shell.run(&["verify", "--key-file", "absent"]).expect(1).without_data();
    shell.with("KEYWARD_KEY", &key.secret).run(&["verify"]).expect(0);
}

#[test]
fn a_question_that_cannot_be_answered_is_a_failure_and_no_refusal() {
    let keyward = shared("default");
    let (first, second) = (keyward.workspace(), keyward.workspace());
    let person = second.join(&first.member("admin"), "admin");
    let body = json!({"name": "mine", "scopes": [first.first_scope()]});
    let key = first.personal_key(&person, body);
    let shell = Shell::at(keyward);
    let verify = ["verify", "--key-stdin"];
    shell.run_with(&verify, &key.secret).expect(1).without_data().saying("workspace: ");
    shell.run_with(&[&verify[..], &["-w", &second.slug]].concat(), &key.secret).expect(0);
}
