use insta::assert_snapshot;
use keyward_tests::{Keyward, Workspace, json, shared};

use crate::masked::masked;
use crate::person::Shell;

fn shell_at(keyward: &Keyward, workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

#[test]
fn a_vault_is_made_filled_looked_into_emptied_and_deleted() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let shell = shell_at(keyward, &workspace);
    shell.run(&["vaults", "list"]).expect(0).saying("There are no vaults in workspace");
    let made = shell.run(&["vaults", "create", "Production", "--description", "live"]).expect(0);
    let vault = made.stdout.trim().to_owned();
    let stored =
        shell.run_with(&["vaults", "store", "production", "database", "--secret-stdin"], "hunter2\n");
    let stored = stored.expect(0);
    let kept = stored.stdout.trim().to_owned();
    assert!(!format!("{stored:?}").contains("hunter2"), "{stored:#?}");
    let me = workspace.owner().get("/api/v1/me").expect(200);
    let owner = me.text_at("name");
    let known = [(workspace.slug.as_str(), "SLUG"), (&vault, "VAULT"), (&kept, "SECRET")];
    assert_snapshot!(masked(&made, &known), @r"
    stdout:
    VAULT
    stderr:
    Created the vault Production (VAULT) in workspace SLUG; nothing is in it yet.
    next, run: keyward vaults store Production NAME --secret-file FILE --workspace SLUG
    exit: 0
    ");
    assert_snapshot!(masked(&stored, &known), @r"
    stdout:
    SECRET
    stderr:
    Stored database (SECRET).
    exit: 0
    ");
    let listed = shell.run(&["vaults", "list"]).expect(0).stdout;
    for part in ["NAME", "SECRETS", "Production", &vault, "live"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let listed = shell.run(&["vaults", "secrets", "Production"]).expect(0).stdout;
    for part in ["NAME", "OPENS", "database", &kept, &owner] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let shown = shell.run(&["vaults", "reveal", "Production", "database"]).expect(0);
    assert_eq!((shown.stdout.as_str(), shown.stderr.as_str()), ("hunter2\n", ""));
    shell.run(&["vaults", "edit", "Production", "--name", "Live"]).expect(0).saying("Production → Live");
    shell.run(&["vaults", "delete", "Live", "--yes"]).expect(6).saying("delete its secrets first");
    shell.run(&["vaults", "delete-secret", "Live", "database"]).expect(2).saying("Add --yes");
    shell.run(&["vaults", "delete-secret", "Live", "database", "--yes"]).expect(0).saying("Deleted database");
    shell.run(&["vaults", "delete", &vault, "--yes"]).expect(0).saying("Deleted the vault Live");
    shell.run(&["vaults", "secrets", "Live"]).expect(5).saying("has no vault Live");
}

#[test]
fn the_secret_of_a_new_key_goes_into_a_vault_as_well() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let shell = shell_at(keyward, &workspace);
    shell.run(&["vaults", "create", "Team"]).expect(0);
    let created = shell.run(&["keys", "create", "ci", "--scope", "api:read", "--vault", "Team"]).expect(0);
    let created = created.saying("It is in the vault Team too.");
    let shown = shell.run(&["vaults", "reveal", "Team", "ci"]).expect(0);
    assert_eq!(shown.stdout, created.stdout);
    let table = shell.run(&["vaults", "secrets", "Team"]).expect(0);
    assert!(table.stdout.contains("key ci"), "{table:#?}");
    let key = workspace.keys()[0]["id"].as_str().expect("an id").to_owned();
    shell.run(&["keys", "revoke", &key, "--yes"]).expect(0);
    let table = shell.run(&["vaults", "secrets", "Team"]).expect(0);
    assert!(table.stdout.contains("nothing: key ci is revoked"), "{table:#?}");
    // Two of a name are told apart by their ids.
    let secrets = workspace.owner().get(&workspace.path("vaults")).expect(200).items()[0]["id"].clone();
    let secrets = workspace.path(&format!("vaults/{}/secrets", secrets.as_str().expect("an id")));
    workspace.owner().post(&secrets, json!({"name": "ci", "secret": "another"})).expect(201);
    shell.run(&["vaults", "reveal", "Team", "ci"]).expect(2).saying("several secrets called ci");
}

#[test]
fn a_secret_is_written_to_a_file_as_it_is() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let shell = shell_at(keyward, &workspace);
    shell.run(&["vaults", "create", "Team"]).expect(0);
    std::fs::write(shell.home().join("pem"), "-----BEGIN-----\nabc\n-----END-----\n").expect("a file");
    shell.run(&["vaults", "store", "Team", "pem", "--secret-file", "pem"]).expect(0);
    let reveal = ["vaults", "reveal", "Team", "pem", "--out-file", "again"];
    assert_eq!(shell.run(&reveal).expect(0).stdout, "");
    let again = std::fs::read_to_string(shell.home().join("again")).expect("the file");
    assert_eq!(again, "-----BEGIN-----\nabc\n-----END-----");
    shell.run(&reveal).expect(1).saying("nothing was revealed");
}
