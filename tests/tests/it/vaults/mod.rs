//! Secrets that people keep here to be shown again.

mod api;
mod reveal;
mod sealing;

use keyward_tests::{Answer, Workspace, json, unique};

/// Makes a vault and gives the path of its secrets.
#[track_caller]
fn vault(workspace: &Workspace<'_>) -> String {
    let made =
        workspace.owner().post(&workspace.path("vaults"), json!({"name": unique("vault")})).expect(201);
    workspace.path(&format!("vaults/{}/secrets", made.text_at("id")))
}

/// Puts a secret into the vault with that path.
#[track_caller]
fn store(workspace: &Workspace<'_>, secrets: &str, secret: &str) -> Answer {
    workspace.owner().post(secrets, json!({"name": unique("kept"), "secret": secret})).expect(201)
}
