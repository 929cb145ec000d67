use std::os::unix::fs::PermissionsExt as _;

use keyward_tests::{Value, shared};

use crate::person::Shell;

#[test]
fn the_secret_stands_alone_on_stdout_and_nowhere_else() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    let create = ["keys", "create", "ci", "-w", &workspace.slug, "-s", "products:read,sboms:read"];
    let created = shell.run(&create).expect(0).saying("shown this once").saying("next, run: keyward verify");
    let secret = created.stdout.strip_suffix('\n').expect("one line");
    assert!(!secret.contains(char::is_whitespace), "{created:#?}");
    assert_eq!(keyward.verify_code(secret), "valid");
    assert!(!created.stderr.contains(secret), "{created:#?}");

    let key = workspace.keys().remove(0);
    assert_eq!(key["scopes"], keyward_tests::json!(["products:read", "sboms:read"]));
    for command in [&["keys", "list"][..], &["keys", "show", key["id"].as_str().expect("an id")]] {
        for json in [&[][..], &["--json"]] {
            let shown = shell.run(&[command, &["-w", &workspace.slug], json].concat()).expect(0);
            assert!(!shown.stdout.contains(secret) && !shown.stderr.contains(secret), "{shown:#?}");
        }
    }
}

#[test]
fn everything_that_is_said_of_a_key_is_kept() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let scope = workspace.first_scope();
    let create = [
        "keys",
        "create",
        "ci",
        "--scope",
        &scope,
        "--expires",
        "2028-01-31T00:00:00Z",
        "--description",
        "the pipeline",
        "--allow-cidr",
        "10.0.0.0/8",
        "--allow-cidr",
        "2001:db8::/32",
        "--metadata",
        "team=blue",
        "--requests-per-minute",
        "30",
        "--json",
    ];
    let key = shell.run(&create).expect(0).json();
    assert_eq!(keyward.verify_code(key["secret"].as_str().expect("a secret")), "ip_not_allowed");
    let id = key["id"].as_str().expect("an id");
    let shown = shell.run(&["keys", "show", id, "--json"]).expect(0).json();
    assert_eq!(shown, workspace.get_key(id).body, "--json is the server's own answer");
    assert_eq!(shown["expires_at"], "2028-01-31T00:00:00Z");
    assert_eq!(shown["description"], "the pipeline");
    assert_eq!(shown["allowed_cidrs"].as_array().map(Vec::len), Some(2));
    assert_eq!(shown["metadata"]["team"], "blue");
    assert_eq!(shown["requests_per_minute"], 30);
    let words = shell.run(&["keys", "show", id]).expect(0).stdout;
    for line in
        ["the pipeline", "10.0.0.0/8", "team=blue", "at most 30 a minute", "2028-01-31T00:00:00Z (in "]
    {
        assert!(words.contains(line), "{line}: {words}");
    }
}

#[test]
fn a_secret_in_a_file_is_for_its_owner_alone_and_not_on_stdout() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let create = ["keys", "create", "ci", "--scope", "products:read", "--out-file", "ci.key"];
    shell.run(&create).expect(0).without_data().saying("next, run: keyward verify --key-file ci.key");
    let file = shell.home().join("ci.key");
    let secret = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(keyward.verify_code(secret.trim_end()), "valid");
    assert_eq!(std::fs::metadata(&file).expect("metadata").permissions().mode() & 0o777, 0o600);
    shell.run(&["verify", "--key-file", "ci.key"]).expect(0);

    // What is there stays, and no key is made that nobody would have the secret of.
    workspace.unchanged_by(|| shell.run(&create).expect(1).without_data().saying("left as it is"));
    let nowhere = ["keys", "create", "ci", "--scope", "products:read", "--out-file", "no/such/folder/key"];
    workspace.unchanged_by(|| shell.run(&nowhere).expect(1).saying("no key was created"));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), secret);

    let replaced = shell.run(&[&create[..], &["--force", "--json"]].concat()).expect(0);
    assert_eq!(replaced.json()["secret"], Value::Null, "it is in the file");
    let new_secret = std::fs::read_to_string(&file).expect("the file");
    assert_ne!(new_secret, secret);
    assert_eq!(keyward.verify_code(new_secret.trim_end()), "valid");
}

#[test]
fn a_secret_that_nobody_got_is_said_to_be_lost() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    for json in [&[][..], &["--json"]] {
        let create = [&["keys", "create", "ci", "--scope", "products:read"], json].concat();
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let output = shell.command(&create).stdout(full).output().expect("its end");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(
            words.contains("could not be written") && words.contains("keyward keys revoke key_"),
            "{words}"
        );
    }
}

#[test]
fn a_creation_that_is_refused_leaves_no_file() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let before = std::fs::read_dir(shell.home()).expect("the home").count();
    let create = ["keys", "create", "ci", "--scope", "no:such", "--out-file", "ci.key"];
    let refused = shell.run(&create).expect(1).without_data().saying("scopes[0]").saying("Request id:");
    refused.saying("Run: keyward keys scopes");
    assert_eq!(std::fs::read_dir(shell.home()).expect("the home").count(), before);
}

#[test]
fn the_scopes_that_there_are_can_be_listed() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let listed = shell.run(&["keys", "scopes"]).expect(0).stdout;
    let scopes = shell.run(&["keys", "scopes", "--json"]).expect(0).json();
    let scopes = scopes["items"].as_array().expect("items").clone();
    assert!(!scopes.is_empty());
    for scope in scopes {
        let name = scope["name"].as_str().expect("a name");
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}: {listed}");
    }
}

#[test]
fn personal_keys_are_asked_for_by_a_flag() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    let name = keyward_tests::unique("laptop");
    let create = ["keys", "create", &name, "--personal", "--restrict-to", &workspace.slug];
    let secret = shell.run(&create).expect(0).saying("your personal keys").stdout;
    assert_eq!(keyward.verify_code(secret.trim_end()), "valid");
    let listed = shell.run(&["keys", "list", "--personal", "--search", &name, "--json"]).expect(0).json();
    assert_eq!(listed["items"][0]["workspaces"], keyward_tests::json!([workspace.slug]));
    let id = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    shell.run(&["keys", "revoke", &id, "--personal", "--yes"]).expect(0);
    assert_eq!(keyward.verify_code(secret.trim_end()), "revoked");
}

#[test]
fn a_creation_that_is_run_again_under_its_key_makes_no_second_key() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let create = ["keys", "create", "ci", "--scope", "products:read", "--idempotency-key", "deploy-7"];
    let secret = shell.run(&create).expect(0).stdout;
    assert_eq!(keyward.verify_code(secret.trim_end()), "valid");
    let key = workspace.keys().remove(0);
    let id = key["id"].as_str().expect("an id");
    for more in [&[][..], &["--json"], &["--out-file", "ci.key"]] {
        let again = shell.run(&[&create[..], more].concat()).expect(6).without_data();
        again.saying(id).saying("cannot be shown again").saying(&format!("keyward keys rotate {id}"));
    }
    assert!(!shell.home().join("ci.key").exists());
    assert_eq!(workspace.keys().len(), 1);
    // Without one, each command makes a key.
    shell.run(&create[..5]).expect(0);
    assert_eq!(workspace.keys().len(), 2);
    let other = ["keys", "create", "other", "--scope", "products:read", "--idempotency-key", "deploy-7"];
    shell.run(&other).expect(1).without_data().saying("Idempotency-Key");
    shell.run(&["keys", "create", "ci", "--idempotency-key", "two words"]).expect(2).without_data();
}
