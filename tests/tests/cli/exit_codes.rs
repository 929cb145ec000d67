use keyward_tests::{Keyward, shared};

use crate::person::Shell;

pub(crate) const NO_SUCH_KEY: &str = "key_01jd8xq2m0e6vt5r3n7k9c4wzb";

#[test]
fn one_the_request_is_wrong() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    let create = ["keys", "create", "", "-w", &workspace.slug, "-s", "products:read"];
    workspace.unchanged_by(|| shell.run(&create).expect(1).without_data().saying("name: "));
    let expired = [
        "keys",
        "create",
        "ci",
        "-w",
        &workspace.slug,
        "-s",
        "products:read",
        "--expires",
        "2020-01-01T00:00:00Z",
    ];
    workspace.unchanged_by(|| shell.run(&expired).expect(1).without_data().saying("expires_at: "));
}

#[test]
fn two_the_command_line_is_wrong() {
    let shell = Shell::at(shared("cveium"));
    for arguments in [
        &["keys"][..],
        &["keys", "creat"],
        &["keys", "create", "ci", "--workspace", "acme", "--personal"],
        &["keys", "create", "ci", "--expires", "soon"],
        &["keys", "show", "../me"],
        &["keys", "list", "--workspace", "a/b"],
        &["keys", "revoke", NO_SUCH_KEY],
        &["keys", "revoke", NO_SUCH_KEY, "--yes", "--stdin"],
        &["keys", "edit", NO_SUCH_KEY],
        &["keys", "rotate", NO_SUCH_KEY, "--overlap", "soon"],
        &["members", "set-role", "Ada", "admin"],
        &["members", "remove", "ada@example.com"],
        &["members", "suspend", "Ada"],
        &["roles", "show"],
        &["roles", "edit", "deployer"],
        &["roles", "delete", "deployer"],
        &["service-accounts", "list", "--shared", "--of-keys"],
        &["service-accounts", "edit", "deploy-bot"],
        &["service-accounts", "delete", "deploy-bot"],
        &["users", "show", "ada@example.com"],
        &["verify", "a-key-as-an-argument"],
        &["verify"],
        &["login"],
        &["whoami", "--server", "ftp://localhost"],
    ] {
        shell.run(arguments).expect(2).without_data();
    }
}

#[test]
fn three_nobody_is_signed_in() {
    let keyward = shared("cveium");
    let shell = Shell::at(keyward);
    for arguments in [
        &["whoami"][..],
        &["keys", "list"],
        &["keys", "show", NO_SUCH_KEY],
        &["keys", "edit", NO_SUCH_KEY, "--name", "x"],
        &["keys", "rotate", NO_SUCH_KEY],
        &["keys", "rotate-finish", NO_SUCH_KEY],
        &["keys", "rotate-cancel", NO_SUCH_KEY],
        &["keys", "revoke", NO_SUCH_KEY, "--dry-run"],
        &["members", "list"],
        &["members", "set-role", "ada@example.com", "admin"],
        &["members", "remove", "ada@example.com", "--yes"],
        &["members", "suspend", "ada@example.com"],
        &["members", "resume", "ada@example.com"],
        &["invite", "ada@example.com", "--role", "admin"],
        &["roles", "list"],
        &["roles", "show", "admin"],
        &["roles", "create", "x", "--scope", "products:read"],
        &["roles", "edit", "x", "--name", "y"],
        &["roles", "delete", "x", "--yes"],
        &["service-accounts", "list"],
        &["service-accounts", "show", "x"],
        &["service-accounts", "create", "x"],
        &["service-accounts", "edit", "x", "--name", "y"],
        &["service-accounts", "disable", "x"],
        &["service-accounts", "enable", "x"],
        &["service-accounts", "delete", "x", "--yes"],
        &["workspaces", "list"],
        &["workspaces", "create", "Acme"],
        &["workspaces", "rename", "Acme"],
    ] {
        shell.run(arguments).expect(3).without_data().saying("Run: keyward login");
    }
    let login = ["login", "--email", "ada@example.com", "--password-stdin"];
    shell.run_with(&login, "not her password").expect(3).without_data();
    assert!(!shell.credentials().exists());
    let shell = shell.with("KEYWARD_API_KEY", "cvk_not_a_key");
    shell.run(&["whoami", "-w", "acme"]).expect(3).without_data().saying("KEYWARD_API_KEY");
}

#[test]
fn four_somebody_may_not() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let member = workspace.member("member");
    let shell = Shell::signed_in(keyward, &member);
    let create = ["keys", "create", "ci", "-w", &workspace.slug, "-s", "products:read"];
    workspace.unchanged_by(|| shell.run(&create).expect(4).without_data().saying("Request id:"));
}

#[test]
fn five_there_is_no_such_thing() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let shell = Shell::signed_in(keyward, workspace.owner());
    shell.run(&["keys", "show", NO_SUCH_KEY, "-w", &workspace.slug]).expect(5).without_data();
    shell.run(&["keys", "revoke", NO_SUCH_KEY, "-w", &workspace.slug, "--yes"]).expect(5).without_data();
    shell.run(&["keys", "list", "-w", "no-such-workspace"]).expect(5).without_data();
}

#[test]
fn seven_nobody_answers() {
    let mut keyward = Keyward::profile("cveium").start();
    let shell = Shell::signed_in(&keyward, keyward.owner());
    keyward.terminate();
    let address = format!("nothing listens at http://{}", keyward.control_addr());
    shell
        .run(&["keys", "list", "-w", "acme"])
        .expect(7)
        .without_data()
        .saying(&address)
        .saying("keyward serve");
    let address = format!("nothing listens at http://{}", keyward.data_addr());
    shell.run_with(&["verify", "--key-stdin"], "cvk_x").expect(7).without_data().saying(&address);
    shell.run(&["logout"]).expect(7).saying("keyward logout --local");
    shell.run(&["logout", "--local"]).expect(0);
    shell.run(&["whoami"]).expect(3);
}

#[test]
fn an_id_in_a_wrong_command_line_is_no_secret_and_a_secret_is_withheld() {
    let shell = Shell::at(shared("cveium"));
    let shown = shell.run(&["keys", "show", NO_SUCH_KEY, "--al", NO_SUCH_KEY]).expect(2).without_data();
    assert!(!shown.stderr.contains("never an argument"), "{shown:#?}");
    let secret = "cvk_54e27cd25f57fcf7e6af8098d5444d6f9bbb7bc401e549d1";
    for command in [
        &["keys", "rotate"][..],
        &["keys", "revoke"],
        &["keys", "edit"],
        &["members", "remove"],
        &["members", "suspend"],
        &["roles", "show"],
        &["service-accounts", "delete", "--yes"],
        &["users", "suspend"],
        &["keys", "create", "ci", "--service-account"],
    ] {
        let shown = shell.run(&[command, &[secret]].concat()).expect(2).without_data();
        assert!(!shown.stderr.contains(secret), "{shown:#?}");
        shown.saying("never an argument");
    }
}
