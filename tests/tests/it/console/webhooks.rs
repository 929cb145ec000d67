//! Webhooks in the browser, and a real receiver behind them.

use keyward_tests::{Keyward, Receiver};

use super::{after_refresh, as_member, is_gone};

#[test]
fn a_webhook_is_made_tested_rotated_disabled_and_deleted() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.workspace();
    let mut receiver = Receiver::away();
    let browser = as_member(&keyward, &workspace, "owner");
    browser.open(&format!("/w/{}/webhooks", workspace.slug));
    browser.sees("None yet.");
    browser.click("New webhook");
    browser.fill("Address", "ftp://hooks.example.com/");
    browser.click("Create webhook");
    browser.sees("That did not work");
    browser.fill("Address", &receiver.url("/hook"));
    browser.fill("Description (optional)", "Tells the team");
    browser.tick("key.revoked");
    browser.click("Create webhook");
    browser.sees("It is shown only now.");
    let secret = signing_secret(&browser);
    browser.refresh();
    browser.sees("This was done before.");
    is_gone(&browser, &secret);

    receiver.trusts(&secret);
    receiver.comes();
    browser.click("Send a test");
    browser.sees("A test is on its way");
    after_refresh(&browser, || browser.cell("webhook.test", "State"), "Delivered");
    browser.click("webhook.test");
    browser.sees("What is sent");
    browser.sees("\"type\": \"webhook.test\"");
    browser.click("Send again");
    browser.sees("It is sent again.");
    after_refresh(&browser, || browser.rows().len().to_string(), "2");

    browser.click("Rotate the secret");
    browser.sees("It is shown only now.");
    assert_ne!(signing_secret(&browser), secret);
    browser.sees("The secret before signs too");
    browser.click("Disable");
    browser.sees("Disabled");
    browser.click("Enable");
    browser.sees("Active");
    browser.click("Edit");
    assert!(browser.is_ticked("key.revoked"));
    browser.fill("Description (optional)", "Tells everybody");
    browser.click("Save");
    browser.sees("Tells everybody");
    browser.click("Delete");
    browser.sees_dialog("Delete this webhook?");
    browser.click("Delete");
    browser.sees("None yet.");
}

#[track_caller]
fn signing_secret(browser: &keyward_tests::Browser<'_>) -> String {
    let shown = browser.run("return document.querySelector('[data-plain] code').textContent", &[]);
    let secret = shown.as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    secret
}
