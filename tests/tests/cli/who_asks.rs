use keyward_tests::{json, shared, unique};

use crate::person::Shell;

#[test]
fn an_api_key_may_ask_in_place_of_a_person() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::at(keyward).with("KEYWARD_API_KEY", &key.secret);
    let whoami = shell.run(&["whoami", "-w", &workspace.slug]).expect(0);
    for said in [key.name(), &key.id, "products:read", &workspace.slug] {
        assert!(whoami.stdout.contains(said), "{said}: {whoami:#?}");
    }
    assert!(!whoami.stdout.contains(&key.secret) && !whoami.stderr.contains(&key.secret), "{whoami:#?}");
    shell.run(&["whoami"]).expect(4).saying("name the workspace: --workspace SLUG");
    shell.run(&["keys", "list"]).expect(2).saying("name the workspace: --workspace SLUG");
}

#[test]
fn a_key_in_a_file_outweighs_the_one_of_the_environment() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (one, other) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let shell = Shell::at(keyward).with("KEYWARD_API_KEY", &one.secret);
    std::fs::write(shell.home().join("key"), &other.secret).expect("a file");
    let whoami = ["whoami", "-w", &workspace.slug, "--json", "--api-key-file", "key"];
    assert_eq!(shell.run(&whoami).expect(0).json()["key"]["id"], other.id.as_str());
}

#[test]
fn a_key_outweighs_a_session() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let shell = Shell::signed_in(keyward, workspace.owner());
    let whoami = ["whoami", "-w", &workspace.slug, "--json"];
    assert_eq!(shell.run(&whoami).expect(0).json()["key"], json!(null));
    let shell = shell.with("KEYWARD_API_KEY", &key.secret);
    assert_eq!(shell.run(&whoami).expect(0).json()["key"]["id"], key.id.as_str());
}

#[test]
fn the_only_workspace_need_not_be_named_and_several_are_listed() {
    let keyward = shared("cveium");
    let first = keyward.workspace();
    let person = first.member("admin");
    let shell = Shell::signed_in(keyward, &person);
    shell.run(&["keys", "create", "ci", "--scope", "products:read"]).expect(0).saying(&first.slug);

    let second = keyward.workspace();
    second.join(&person, "admin");
    let several = shell.run(&["keys", "list"]).expect(2).without_data();
    several.saying(&first.slug).saying(&second.slug).saying("--workspace SLUG");
    shell.run(&["keys", "list", "-w", &first.slug]).expect(0);
    let shell = shell.with("KEYWARD_WORKSPACE", &second.slug);
    shell
        .run(&["keys", "list"])
        .expect(0)
        .without_data()
        .saying("There are no keys")
        .saying("next, run: keyward keys create");
}

#[test]
fn a_list_is_filtered_counted_and_followed_to_its_end() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let scope = workspace.first_scope();
    for number in 0..5 {
        workspace.create_key(json!({"name": format!("ci-{number}"), "scopes": [scope]}));
    }
    let other = workspace.create_key(json!({"name": unique("other"), "scopes": [scope]}));
    workspace.revoke(&other);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let count = |arguments: &[&str]| {
        let json = shell.run(&[&["keys", "list", "--json"], arguments].concat()).expect(0).json();
        (json["items"].as_array().map(Vec::len).unwrap_or_default(), json["next_cursor"].is_null())
    };
    assert_eq!(count(&[]), (6, true));
    assert_eq!(count(&["--all"]), (6, true));
    assert_eq!(count(&["--limit", "4"]), (4, false));
    assert_eq!(count(&["--search", "ci-"]), (5, true));
    assert_eq!(count(&["--status", "revoked"]), (1, true));
    assert_eq!(count(&["--search", "100%&limit=1"]), (0, true));
    shell.run(&["keys", "list", "--limit", "2"]).expect(0).saying("--all shows them all");
    shell.run(&["keys", "list", "--status", "expired"]).expect(0).without_data().saying("No key fits");
}
