//! The audit log in the browser: found, checked, taken away as a file.

use keyward_tests::{Keyward, json, shared};

use super::as_member;
use crate::store::Store;

#[test]
fn cve_13_the_log_tells_before_and_after_and_is_exported_whole() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
    let path = workspace.path(&format!("keys/{}", key.id));
    workspace.owner().patch(&path, json!({"name": "ci-pipeline-prod"})).expect(200);
    workspace.revoke(&key);
    let browser = as_member(keyward, &workspace, "owner");
    browser.open(&format!("/w/{}/audit", workspace.slug));
    browser.fill("Target", &key.id);
    browser.click("Filter");
    browser.sees("name: ci → ci-pipeline-prod");
    for action in ["key.created", "key.updated", "key.revoked"] {
        browser.sees(action);
    }
    browser.fill("Action", "key.revoked");
    browser.click("Filter");
    browser.does_not_see("key.updated");
    browser.fill("Action", "");
    browser.fill("By", "Ada");
    browser.click("Filter");
    browser.sees("By: give the identifier of a person");
    assert_eq!(browser.value("By"), "Ada", "what was written is kept");
    browser.fill("By", "billing");
    browser.click("Filter");
    browser.sees("Nothing fits.");
    browser.fill("By", "");
    browser.fill_day("From (UTC)", "2999-01-01");
    browser.click("Filter");
    browser.sees("Nothing fits.");

    let link = browser.run(
        "return [...document.querySelectorAll('a')].find((one) => one.innerText === 'Export').getAttribute('href')",
        &[],
    );
    let owner = workspace.owner();
    let file = owner.get(link.as_str().expect("an address")).expect(200);
    assert_eq!(
        file.header("content-disposition"),
        Some(&*format!("attachment; filename=\"audit-{}.ndjson\"", workspace.slug))
    );
    assert_eq!(file.header("cache-control"), Some("no-store"));
    let by_the_api = owner.with("Accept", "application/x-ndjson").get(&workspace.path("audit")).expect(200);
    assert_eq!(file.text, by_the_api.text);
    assert!(file.text.contains("key.revoked") && !file.text.contains(&key.secret));

    let member = as_member(keyward, &workspace, "member");
    for page in ["audit", "audit/verify", "audit/export"] {
        member.open(&format!("/w/{}/{page}", workspace.slug));
        member.sees("You may not do this");
    }
}

#[test]
fn the_chain_is_checked_and_an_entry_that_was_changed_is_named() {
    let keyward = Keyward::profile("default").start();
    let workspace = keyward.first_workspace();
    let browser = as_member(&keyward, &workspace, "owner");
    for _ in 0..3 {
        workspace.any_key();
    }
    browser.open(&format!("/w/{}/audit", workspace.slug));
    browser.click("Check the chain");
    let told = workspace.owner().get(&workspace.path("audit/verify")).expect(200).body;
    browser.sees(&format!("Verified up to entry {}", told["entries"]));
    browser.sees(told["head"].as_str().expect("a hash"));
    Store::tamper(
        &keyward,
        "UPDATE audit_entries SET action = 'key.rotated' WHERE n = 2 AND home_type = 'workspace'",
    );
    browser.refresh();
    browser.sees("Entry 2 is not sound");
    browser.sees("Verified up to entry 1");
    browser.sees("Its hash does not fit");
}
