use std::time::Duration;

use keyward_tests::{eventually, json, seconds_from_now, shared};

use crate::person::Shell;

/// The names of the keys, in the order of the list.
fn names(shell: &Shell, arguments: &[&str]) -> Vec<String> {
    let listed = shell.run(&[&["keys", "list", "--json"], arguments].concat()).expect(0).json();
    let items = listed["items"].as_array().expect("items").clone();
    items.iter().map(|key| key["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn keys_are_found_by_owner_use_and_text_and_sorted() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("admin");
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let create = |person: &keyward_tests::Person, name: &str, description: &str| {
        let body = json!({"name": name, "description": description, "scopes": ["products:read"]});
        person.post(&workspace.path("keys"), body).expect(201).text_at("secret")
    };
    let used = create(workspace.owner(), "b", "used");
    create(&grace, "a", "hers");
    create(workspace.owner(), "c", "unused");
    assert_eq!(keyward.verify_code(&used), "valid");
    eventually(
        Duration::from_secs(5),
        || workspace.keys(),
        |keys| keys.iter().any(|key| !key["last_used_at"].is_null()),
    );

    assert_eq!(names(&shell, &[]), ["c", "a", "b"]);
    assert_eq!(names(&shell, &["--sort", "name"]), ["a", "b", "c"]);
    assert_eq!(names(&shell, &["--sort", "-name"]), ["c", "b", "a"]);
    assert_eq!(names(&shell, &["--sort", "created_at", "--limit", "2"]), ["b", "a"]);
    assert_eq!(names(&shell, &["--sort=-last_used_at", "--limit", "1"]), ["b"]);
    assert_eq!(names(&shell, &["--owner", &grace.email]), ["a"]);
    assert_eq!(names(&shell, &["--owner", &grace.id_in(&workspace.slug)]), ["a"]);
    assert_eq!(names(&shell, &["--search", "HERS"]), ["a"]);
    assert_eq!(names(&shell, &["--last-used-before", "1h", "--sort", "name"]), ["a", "c"]);
    assert_eq!(
        names(&shell, &["--last-used-before", &seconds_from_now(60), "--sort", "name"]),
        ["a", "b", "c"]
    );
    shell.run(&["keys", "list", "--owner", "nobody@example.com"]).expect(5).without_data();
    shell.run(&["keys", "list", "--search", "no such text"]).expect(0).without_data().saying("No key fits");
}

#[test]
fn a_key_that_nobody_looks_after_is_marked() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let grace = workspace.member("admin");
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let create = |name: &str| {
        grace
            .post(&workspace.path("keys"), json!({"name": name, "scopes": ["products:read"]}))
            .expect(201)
            .text_at("id")
    };
    let (revoked, live) = (create("revoked"), create("live"));
    let list = || shell.run(&["keys", "list"]).expect(0).stdout;
    assert!(!list().contains("NOTE"), "nothing is to be noted: {}", list());
    shell.run(&["keys", "revoke", &revoked, "--yes"]).expect(0);
    workspace.remove(&grace);
    let listed = list();
    let row = |id: &str| listed.lines().find(|line| line.contains(id)).expect("its row");
    assert!(row(&live).contains("no owner") && row(&live).contains("nobody"), "{listed}");
    assert!(!row(&revoked).contains("no owner"), "nobody needs to look after it: {listed}");
    shell.run(&["keys", "rotate", &live]).expect(0);
    assert!(list().contains("rotating, no owner"), "{}", list());
    let shown = shell.run(&["keys", "show", &live]).expect(0).stdout;
    assert!(shown.contains("nobody: the owner has left"), "{shown}");
}
