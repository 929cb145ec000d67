use std::time::Duration;

use insta::assert_snapshot;
use keyward_tests::{Keyward, Receiver, Workspace, eventually, json, taker_url};

use crate::masked::masked;
use crate::person::Shell;

fn server() -> Keyward {
    Keyward::profile("default").sends_here().start()
}

fn shell_at(keyward: &Keyward, workspace: &Workspace<'_>) -> Shell {
    Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug)
}

/// The id of the only webhook.
fn only(shell: &Shell) -> String {
    let listed = shell.run(&["webhooks", "list", "--json"]).expect(0).json();
    listed["items"][0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_webhook_is_made_tried_edited_and_deleted() {
    let keyward = server();
    let workspace = keyward.workspace();
    let shell = shell_at(&keyward, &workspace);
    let none = shell.run(&["webhooks", "list"]).expect(0);
    none.saying("There are no webhooks in workspace").saying("keyward webhooks create");
    let create = ["webhooks", "create", taker_url(), "--event", "key.revoked", "--description", "pager"];
    let created = shell.run(&create).expect(0);
    let secret = created.stdout.strip_suffix('\n').expect("one line").to_owned();
    assert!(secret.starts_with("whsec_") && !created.stderr.contains(&secret), "{created:#?}");
    let id = only(&shell);
    let known = [(workspace.slug.as_str(), "SLUG"), (&secret, "SECRET"), (&id, "ID"), (taker_url(), "URL")];
    assert_snapshot!(masked(&created, &known), @r"
    stdout:
    SECRET
    stderr:
    Created the webhook ID in workspace SLUG: URL
    Its secret is shown this once; store it now.
    next, run: keyward webhooks test ID --workspace SLUG
    exit: 0
    ");
    assert_snapshot!(masked(&shell.run(&["webhooks", "show", &id]).expect(0), &known), @r"
    stdout:
    URL  URL
    Id  ID
    Status  active
    Description  pager
    Events  key.revoked
    Waiting  0 events
    Last success  never
    Created  TIME (… ago)
    exit: 0
    ");
    shell.run(&["webhooks", "test", &id]).expect(0).saying("The receiver took it: 204 in ");
    let edit = ["webhooks", "edit", &id, "--all-events", "--no-description", "--disable"];
    assert_snapshot!(masked(&shell.run(&edit).expect(0), &known), @r"
    stderr:
    Changed URL (ID) in workspace SLUG:
      events  - key.revoked
      + all
      description  pager → none
      status  active → disabled
    exit: 0
    ");
    assert_snapshot!(masked(&shell.run(&["webhooks", "test", &id]).expect(6), &known), @r"
    stderr:
    error: the webhook is disabled; enable it first
      Request id: req_ID
    exit: 6
    ");
    shell.run(&["webhooks", "edit", &id, "--enable"]).expect(0).saying("disabled → active");
    shell.run(&["webhooks", "edit", &id]).expect(2).saying("say what to change");
    let listed = shell.run(&["webhooks", "list"]).expect(0);
    assert!(listed.stdout.contains("active") && listed.stdout.contains(&id), "{listed:#?}");
    shell.run(&["webhooks", "delete", &id]).expect(2);
    shell.run(&["webhooks", "delete", &id, "--yes"]).expect(0).saying("Deleted the webhook");
    shell.run(&["webhooks", "show", &id]).expect(5);
}

#[test]
fn what_was_sent_is_listed_shown_and_sent_again() {
    let keyward = server();
    let workspace = keyward.workspace();
    let shell = shell_at(&keyward, &workspace);
    shell.run(&["webhooks", "create", taker_url(), "--event", "key.revoked"]).expect(0);
    let id = only(&shell);
    let key = workspace.key_with(&["api:read"]);
    workspace.revoke(&key);
    let list = ["webhooks", "deliveries", &id, "--status", "delivered", "--target", &key.id, "--json"];
    let sent = || shell.run(&list).expect(0).json()["items"][0]["id"].as_str().map(str::to_owned);
    let sent = eventually(Duration::from_secs(15), sent, Option::is_some).expect("a delivery");
    let table = shell.run(&["webhooks", "deliveries", &id]).expect(0);
    for part in ["key.revoked", "delivered", "204 in ", &sent] {
        assert!(table.stdout.contains(part), "{part}: {table:#?}");
    }
    let shown = shell.run(&["webhooks", "show-delivery", &id, &sent]).expect(0);
    for part in ["key.revoked (evt_", &key.id, "answered 204", "Payload", "\"type\":\"key.revoked\""] {
        assert!(shown.stdout.contains(part), "{part}: {shown:#?}");
    }
    let again = shell.run(&["webhooks", "resend", &id, &sent]).expect(0).saying("is on its way again");
    assert!(again.stdout.starts_with("dlv_"), "{again:#?}");
    shell.run(&["webhooks", "deliveries", &id, "--status", "failed"]).expect(0).saying("no such deliveries");
    shell.run(&["webhooks", "resend", &id, "key_1"]).expect(2).saying("dlv_");
}

#[test]
fn a_test_that_is_not_taken_says_why_and_a_new_secret_is_shown_once() {
    let keyward = server();
    let workspace = keyward.workspace();
    let shell = shell_at(&keyward, &workspace);
    let nobody = Receiver::away();
    let made =
        workspace.owner().post(&workspace.path("webhooks"), json!({"url": nobody.url("/")})).expect(201);
    let id = made.text_at("id");
    let failed = shell.run(&["webhooks", "test", &id]).expect(1);
    failed.saying("the receiver did not take it: cannot connect to").saying("keyward webhooks show-delivery");
    let rotated = shell.run(&["webhooks", "rotate-secret", &id, "--overlap", "2h"]).expect(0);
    let rotated = rotated.saying("The old one signs too until");
    assert!(rotated.stdout.starts_with("whsec_"), "{rotated:#?}");
    assert_ne!(rotated.stdout.trim(), made.text_at("secret"));
    shell.run(&["webhooks", "rotate-secret", &id, "--overlap", "0"]).expect(0).saying("signs no more");
    shell.run(&["webhooks", "create", "https://10.0.0.1/"]).expect(1).saying("private network");
}
