use keyward_tests::{json, shared};

use crate::person::Shell;

#[test]
fn the_operator_sets_a_plan_and_everybody_in_the_workspace_sees_it() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace_of(keyward.owner());
    let operator = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", keyward.operator_token());
    let set = operator.run(&["plan", "set", "pro", "-w", &workspace.slug]).expect(0);
    assert!(set.stdout.contains("pro (Pro)") && set.stdout.contains("API keys   yes"), "{set:#?}");
    let set = set.saying(&format!("The workspace {} is on the plan pro.", workspace.slug));
    assert!(!set.stdout.contains(keyward.operator_token()) && !set.stderr.contains(keyward.operator_token()));

    let member = workspace.member("viewer");
    let shell = Shell::signed_in(keyward, &member);
    // The only workspace that they are in.
    let shown = shell.run(&["plan", "show"]).expect(0);
    assert!(
        shown.stdout.contains(&workspace.slug) && shown.stdout.contains("Seats      2, without a limit"),
        "{shown:#?}"
    );
    let json = shell.run(&["plan", "show", "-w", &workspace.slug, "--json"]).expect(0).json();
    assert_eq!((&json["plan"], &json["usage"]), (&json!("pro"), &json!({"keys": 0, "seats": 2})));
    let of_operator = operator.run(&["plan", "show", "-w", &workspace.slug, "--json"]).expect(0);
    assert_eq!(of_operator.json(), json);

    let down = operator.with("KEYWARD_WORKSPACE", &workspace.slug).run(&["plan", "set", "starter", "--json"]);
    assert_eq!(down.expect(0).json()["api_keys"], json!(false));
    let shown = shell.run(&["plan", "show"]).expect(0);
    assert!(shown.stdout.contains("none can be created, and none works"), "{shown:#?}");
}

#[test]
fn the_operators_token_comes_from_a_file_as_well() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace_of(keyward.owner());
    let shell = Shell::at(keyward);
    std::fs::write(shell.home().join("token"), format!("{}\n", keyward.operator_token())).expect("a file");
    let set = ["plan", "set", "pro", "-w", &workspace.slug, "--operator-token-file", "token"];
    shell.run(&set).expect(0);
    let shell = shell.with("KEYWARD_OPERATOR__TOKEN_FILE", "token");
    shell.run(&["plan", "set", "enterprise", "-w", &workspace.slug]).expect(0);
    let shown = workspace.owner().get(&workspace.path("plan")).expect(200);
    assert_eq!(shown.body["plan"], "enterprise");
}

#[test]
fn who_is_not_the_operator_is_told_what_it_takes() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let set = ["plan", "set", "enterprise", "-w", &workspace.slug];
    let way = "is taken from KEYWARD_OPERATOR__TOKEN, or from a file with --operator-token-file";
    // The owner, signed in.
    let owner = Shell::signed_in(keyward, workspace.owner());
    owner.run(&set).expect(3).without_data().saying("only the operator may do this").saying(way);
    // Somebody's API key in place of the token.
    let key = workspace.any_key();
    let with_key = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", &key.secret);
    with_key.run(&set).expect(4).without_data().saying("set by the operator").saying(way);
    let wrong = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", "a-token-of-another-server");
    let said = wrong.run(&set).expect(3).without_data().saying("It was the operator's token that asked");
    assert!(!said.stderr.contains("a-token-of-another-server"), "{said:#?}");
    let shown = workspace.owner().get(&workspace.path("plan")).expect(200);
    assert_eq!(shown.body["plan"], "pro");
}

#[test]
fn what_cannot_be_set_is_refused() {
    let keyward = shared("cybrium");
    let workspace = keyward.workspace();
    let operator = Shell::at(keyward).with("KEYWARD_OPERATOR__TOKEN", keyward.operator_token());
    let gold = operator.run(&["plan", "set", "gold", "-w", &workspace.slug]).expect(1).without_data();
    gold.saying("no such plan; there are starter, pro, enterprise");
    operator.run(&["plan", "set", "pro", "-w", "nosuchws"]).expect(5).without_data();
    operator.run(&["plan", "set", "pro"]).expect(2).without_data().saying("--workspace SLUG");
    operator.run(&["plan", "show"]).expect(2).without_data().saying("--workspace SLUG");
    operator.run(&["plan", "set", "-w", &workspace.slug]).expect(2).without_data();
}
